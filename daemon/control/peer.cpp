// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/peer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace reprieve::control {
namespace {

Result<std::vector<gid_t>> groups_of(int socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    const int number = errno;
    groups.resize(length / sizeof(gid_t));
    if (got == 0) return groups;
    // On ERANGE `length` says how much there is.
    if (number != ERANGE) return fail(from_errno(number, "groups of the peer"));
  }
}

}  // namespace

bool Peer::in_group(gid_t group) const {
  return gid == group || std::find(groups.begin(), groups.end(), group) != groups.end();
}

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return fail(from_errno(errno, "credentials of the peer"));
  }
  REPRIEVE_TRY(auto groups, groups_of(socket));
  return Peer{.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid, .groups = std::move(groups)};
}

}  // namespace reprieve::control
