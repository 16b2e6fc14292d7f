// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <string_view>

// Who may do what with a shared project: the one source of the table in reprieve(7) and of the test that tries each
// cell on real mounts. A cell is "yes"; what becomes of what is deleted (trash, hide, leave); or how it is refused, by
// errno or HTTP status.
namespace reprieve::test {

struct RoleRow {
  std::string_view operation;
  std::string_view owner;
  std::string_view editor;
  std::string_view viewer;
  std::string_view none;  // an account that it is not shared with
};

inline constexpr std::array kRoleTable{
    RoleRow{"read a file", "yes", "yes", "yes", "ENOENT"},
    RoleRow{"open a file for writing", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"truncate a file", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"create a file", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a directory", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a symbolic link", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a fifo", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a hard link", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"change a mode", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"change times", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set an extended attribute", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"remove an extended attribute", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"rename a file", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"exchange two files", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"replace a file", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"move a file of the owner out", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"move an own file in", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"delete a file of the owner", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"delete an empty directory", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"rm -r a directory", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"mv a directory .trash/", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"rm -r the project", "trash", "leave", "leave", "ENOENT"},
    RoleRow{"mv the project .trash/", "trash", "leave", "leave", "ENOENT"},
    RoleRow{"rename the project", "yes", "yes", "yes", "ENOENT"},
    RoleRow{"reprievectl trash a directory", "trash", "hide", "hide", "404"},
    RoleRow{"reprievectl trash the project", "trash", "leave", "leave", "404"},
    RoleRow{"reprievectl share", "yes", "403", "403", "404"},
    RoleRow{"reprievectl unshare", "yes", "403", "403", "404"},
    RoleRow{"reprievectl list the owner's trash", "yes", "403", "403", "403"},
    RoleRow{"reprievectl empty the owner's trash", "yes", "403", "403", "403"},
};

// The rows as they stand in reprieve(7).
inline std::string role_table_page() {
  std::string page;
  const auto cell = [](std::string_view text) {
    const bool is_errno = text.front() == 'E';
    return (is_errno ? "Er " : "") + std::string(text);
  };
  for (const RoleRow& row : kRoleTable) {
    page += ".It " + std::string(row.operation) + " Ta " + cell(row.owner) + " Ta " + cell(row.editor) + " Ta " +
            cell(row.viewer) + " Ta " + cell(row.none) + "\n";
  }
  return page;
}

}  // namespace reprieve::test
