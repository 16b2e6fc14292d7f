// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

namespace reprieve::test {

struct UnixUser {
  std::string name;
  uid_t id = 0;  // its group has the same number
};

// Makes Unix users, as useradd(8) does, for this process and its children alone: they see a copy of /etc, in memory and
// in a mount namespace of their own. So nothing has to be taken back however the process ends, and tests that run at
// the same time do not wait for each other's locks. Users that are there already are left. Needs root. Empty, or why it
// could not be done.
std::string make_unix_users(std::span<const UnixUser> users);

}  // namespace reprieve::test
