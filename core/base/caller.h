// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "core/base/ids.h"

namespace reprieve {

// Tells a request from all others of its mount, for the daemon that takes over when this one was killed: what was not
// answered by then comes a second time, though it may have been carried out. Those of one lane are served one after the
// other, each answered before the next, so that of a lane only the last one counts.
struct RequestMark {
  std::uint64_t number = 0;  // 0: cannot come again
  std::uint32_t lane = 0;
};

// One part of a request on the socket that has an idempotency key. What is carried out leaves its outcome under this
// number, in the same transaction, for the request that comes again. Parts are independent of each other: the paths of
// a list, the steps of an undo.
struct RequestPart {
  KeyedRequestId request;  // none: it has no key
  std::uint32_t number = 0;
};

// On whose behalf an operation runs.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  // The calling thread as this process sees it; 0 where it lives in a pid namespace that is hidden from here.
  pid_t thread = 0;
  // The mount that the request came through, whose kernel knows of the change already; none for the control socket.
  MountId mount{};
  RequestMark request{};
  RequestPart part{};  // of the control socket
};

}  // namespace reprieve
