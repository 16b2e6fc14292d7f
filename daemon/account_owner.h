// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "daemon/config.h"

namespace reprieve {

struct AccountOwner {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Who owns the account of `mount` if it has yet to be made. A daemon that runs as root and finds a Unix user of the
// account's name in its configuration makes the account that user's; any other account belongs to the daemon's user.
[[nodiscard]] AccountOwner owner_of_new_account(const MountSettings& mount);

// The group of that name, none if there is none.
[[nodiscard]] std::optional<gid_t> find_group(const std::string& name);

}  // namespace reprieve
