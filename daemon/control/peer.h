// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <vector>

#include "core/base/result.h"

namespace reprieve::control {

// Who is at the other end of a connection, as the kernel noted it at connect(2). What the peer sends has no part in it.
struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;  // 0 where it lives in a pid namespace that is hidden from here
  std::vector<gid_t> groups;

  [[nodiscard]] bool in_group(gid_t group) const;
};

// SO_PEERCRED and SO_PEERGROUPS (unix(7)) of a connected AF_UNIX socket. io.
Result<Peer> peer_of(int socket);

}  // namespace reprieve::control
