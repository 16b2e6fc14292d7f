// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/base/result.h"

namespace reprieve {

enum class Use : std::uint8_t { never, needed };

// What differs between the processes of the daemon.
struct Calls {
  Use programs = Use::never;  // execve(2)
  Use rings = Use::never;     // io_uring_setup(2)
};

// Refuses this thread, those that it makes and programs that they start what no part of the daemon ever calls. It is
// a list of what is refused and not of what is allowed: a newer libc or SQLite may make calls that nobody has seen yet,
// on a full disk for the first time, and an unknown call that is refused there would lose somebody's write. Calls that
// act on arguments in memory (clone3, openat2) are said not to exist, which every caller has a way around.
//
// What a filter refuses, no later program gets back, a newer version of this one included: the supervisor's may grow
// only by what no version will need. Errors: io, where the kernel has no filters or the process may not set one.
Result<void> filter_system_calls(Calls calls);

}  // namespace reprieve
