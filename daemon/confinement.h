// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// Which process of the daemon takes its rights away.
enum class Part : std::uint8_t {
  daemon,      // serves mounts and socket; starts no program
  supervisor,  // of --supervise; what it starts inherits all of this
};

// Whether mounts of this process may be served by io_uring(7), which carries out calls that no filter sees.
enum class RingUse : std::uint8_t { none, possible };

// Leaves this process the capabilities and system calls that it needs, for ever, and logs what it has: capabilities(7),
// seccomp(2), no_new_privs. A refused call fails (EPERM; EAFNOSUPPORT for sockets of other families), so that nothing
// dies of a call that was forgotten here. Where the kernel has none of this there is a warning.
//
// A daemon of an ordinary user keeps its system calls: it mounts and unmounts through fusermount3(1), whose set-user-ID
// bit no_new_privs would take away.
//
// Both are inherited by threads that are made later, and by no others: called while there is one.
void confine(Part part, RingUse rings);

// The supervisor has its capabilities in reserve, for those that it starts; this takes up what unmounting needs.
void take_up_unmounting();

}  // namespace reprieve
