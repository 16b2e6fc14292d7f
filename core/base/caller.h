// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "core/base/ids.h"

namespace reprieve {

// On whose behalf an operation runs.
struct Caller {
  uid_t uid = 0;
  gid_t gid = 0;
  // The calling thread as this process sees it; 0 where it lives in a pid namespace that is hidden from here.
  pid_t thread = 0;
  // The mount that the request came through, whose kernel knows of the change already; none for the control socket.
  MountId mount{};
};

}  // namespace reprieve
