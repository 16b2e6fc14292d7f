// SPDX-License-Identifier: Apache-2.0
#include "core/base/role.h"

#include <string>

namespace reprieve {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::owner: return "owner";
    case Role::viewer: return "viewer";
    case Role::editor: return "editor";
  }
  return "owner";
}

Result<Role> parse_shared_role(std::string_view name) {
  for (const Role role : {Role::viewer, Role::editor}) {
    if (name == role_name(role)) return role;
  }
  return fail(Errc::invalid_argument, "\"" + std::string(name) + "\" is no role; there are viewer and editor");
}

}  // namespace reprieve
