// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace reprieve {

// What an account may do with a project or run that it sees. The numbers are stored (entries.role, grants.role) and
// never change their meaning; owner is stored as NULL.
enum class Role : std::uint8_t {
  owner = 0,
  viewer = 1,  // read
  editor = 2,  // read and write
};

// "owner", "viewer", "editor".
[[nodiscard]] std::string_view role_name(Role role);
// The role that an item is shared in. invalid_argument, which lists them.
Result<Role> parse_shared_role(std::string_view name);

}  // namespace reprieve
