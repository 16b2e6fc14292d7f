// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

// Who may do what with a shared project: the one source of the tables in reprieve(7) and of the test that tries each
// cell on real mounts. A cell is "yes"; what becomes of what is deleted (trash, hide, leave); or how it is refused, by
// errno or HTTP status.
namespace reprieve::test {

struct RoleRow {
  std::string_view operation;
  std::string_view covers;  // what gets there: FUSE operations by name, requests by method and resource; words
  std::string_view owner;
  std::string_view editor;
  std::string_view viewer;
  std::string_view none;  // an account that it is not shared with
};

inline constexpr std::array kFileRows{
    RoleRow{"read a file", "open read", "yes", "yes", "yes", "ENOENT"},
    RoleRow{"open a file for writing", "open", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"write to a file", "open write", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"write into a shared mapping", "open write", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"open a file with O_TRUNC", "open setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"truncate a file", "setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"truncate an open file", "open setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"allocate space", "open fallocate", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"punch a hole", "open fallocate", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"copy a range into a file", "open copy_file_range", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"create a file", "create", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a file without a name", "create", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"give it a name", "create link", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a directory", "mkdir", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a symbolic link", "symlink", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a fifo", "mknod", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a socket", "mknod", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"make a hard link", "link", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"link a file of the owner out", "link", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"link an own file in", "link", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"change a mode", "setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"change owner and group to its own", "setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"give a file to another user", "setattr", "EPERM", "EPERM", "EPERM", "ENOENT"},
    RoleRow{"change times", "setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"change times to now", "setattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set an extended attribute", "setxattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"remove an extended attribute", "removexattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set an access control list", "setxattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set a default access control list", "setxattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"remove an access control list", "removexattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set user.reprieve.status", "setxattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"remove user.reprieve.status", "removexattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"set user.reprieve.derived_from", "setxattr", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"rename a file", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"rename a directory", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"exchange two files", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"exchange a file with an own one", "rename", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"replace a file", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"move a file of the owner out", "rename", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"move a directory of the owner out", "rename", "yes", "EPERM", "EACCES", "ENOENT"},
    RoleRow{"move an own file in", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"move an own file over one", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"move an own directory in", "rename", "yes", "yes", "EACCES", "ENOENT"},
    RoleRow{"rename the project", "rename", "yes", "yes", "yes", "ENOENT"},
};

inline constexpr std::array kDeletingRows{
    RoleRow{"delete a file of the owner", "unlink", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"delete a file that it made", "unlink", "trash", "trash", "hide", "ENOENT"},
    RoleRow{"delete an empty directory", "rmdir", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"rm -r a directory", "unlink rmdir", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"mv a directory .trash/", "rename", "trash", "hide", "hide", "ENOENT"},
    RoleRow{"rm -r the project", "unlink rmdir", "trash", "leave", "leave", "ENOENT"},
    RoleRow{"mv the project .trash/", "rename", "trash", "leave", "leave", "ENOENT"},
    RoleRow{"mv back what the owner deleted", "rename", "yes", "ENOENT", "ENOENT", "ENOENT"},
    RoleRow{"rm a running analysis", "rmdir", "EBUSY", "hide", "hide", "ENOENT"},
};

inline constexpr std::array kSocketRows{
    RoleRow{"trash a directory", "POST /v1/trash", "trash", "hide", "hide", "404"},
    RoleRow{"trash a file that it made", "POST /v1/trash", "trash", "trash", "hide", "404"},
    RoleRow{"trash the project", "POST /v1/trash", "trash", "leave", "leave", "404"},
    RoleRow{"trash by a path in the owner's mount", "POST /v1/trash", "trash", "403", "403", "403"},
    RoleRow{"trash a running analysis", "POST /v1/trash", "409", "hide", "hide", "404"},
    RoleRow{"trash --force a running analysis", "POST /v1/trash", "trash", "hide", "hide", "404"},
    RoleRow{"trash --mode with-associated", "POST /v1/trash", "trash", "403", "403", "404"},
    RoleRow{"trash --mode files-only", "POST /v1/trash", "yes", "403", "403", "404"},
    RoleRow{"explain a directory", "POST /v1/explain", "trash", "hide", "hide", "404"},
    RoleRow{"explain a file that it made", "POST /v1/explain", "trash", "trash", "hide", "404"},
    RoleRow{"explain the project", "POST /v1/explain", "trash", "leave", "leave", "404"},
    RoleRow{"list its own trash", "GET /v1/trash", "yes", "yes", "yes", "yes"},
    RoleRow{"list the owner's trash", "GET /v1/trash", "yes", "403", "403", "403"},
    RoleRow{"show what the owner deleted", "GET /v1/trash/{id}", "yes", "404", "404", "404"},
    RoleRow{"restore what the owner deleted", "POST /v1/trash/{id}/restore", "yes", "404", "404", "404"},
    RoleRow{"restore the owner's session", "POST /v1/restore", "yes", "404", "404", "404"},
    RoleRow{"restore for the owner", "POST /v1/restore", "yes", "403", "403", "403"},
    RoleRow{"undo its own deletion", "POST /v1/undo", "yes", "yes", "yes", "404"},
    RoleRow{"undo the owner's deletion", "POST /v1/undo", "yes", "403", "403", "403"},
    RoleRow{"plan to empty its own trash", "POST /v1/empty/plan", "yes", "yes", "yes", "yes"},
    RoleRow{"empty its own trash", "POST /v1/empty", "yes", "yes", "yes", "yes"},
    RoleRow{"plan to empty the owner's trash", "POST /v1/empty/plan", "yes", "403", "403", "403"},
    RoleRow{"empty the owner's trash", "POST /v1/empty", "yes", "403", "403", "403"},
    RoleRow{"empty what the owner was shown", "POST /v1/empty", "yes", "410", "410", "410"},
    RoleRow{"purge what the owner deleted", "POST /v1/purge", "yes", "404", "404", "404"},
    RoleRow{"purge one item of the owner", "DELETE /v1/trash/{id}", "yes", "404", "404", "404"},
    RoleRow{"ask how far a purge is", "GET /v1/operations/{id}", "yes", "yes", "yes", "yes"},
    RoleRow{"show a status", "GET /v1/status", "yes", "yes", "yes", "404"},
    RoleRow{"set a status", "POST /v1/status", "yes", "yes", "403", "404"},
    RoleRow{"associate", "POST /v1/associate", "yes", "yes", "403", "404"},
    RoleRow{"dissociate", "POST /v1/dissociate", "yes", "yes", "403", "404"},
    RoleRow{"add-to an own project", "POST /v1/add-to", "yes", "403", "403", "404"},
    RoleRow{"add-to the project an own sample", "POST /v1/add-to", "yes", "403", "403", "404"},
    RoleRow{"share", "POST /v1/share", "yes", "403", "403", "404"},
    RoleRow{"share in another role", "POST /v1/share", "yes", "403", "403", "404"},
    RoleRow{"unshare", "POST /v1/unshare", "yes", "403", "403", "404"},
    RoleRow{"list its own shares", "GET /v1/shares", "yes", "yes", "yes", "yes"},
    RoleRow{"list the owner's shares", "GET /v1/shares", "yes", "403", "403", "403"},
    RoleRow{"account list", "GET /v1/accounts", "yes", "yes", "yes", "yes"},
    RoleRow{"account show its own", "GET /v1/account", "yes", "yes", "yes", "yes"},
    RoleRow{"account show the owner's", "GET /v1/account", "yes", "403", "403", "403"},
    RoleRow{"account add", "POST /v1/accounts", "403", "403", "403", "403"},
    RoleRow{"account set its own quota", "POST /v1/account", "403", "403", "403", "403"},
    RoleRow{"account set the owner's quota", "POST /v1/account", "403", "403", "403", "403"},
    RoleRow{"account remove", "DELETE /v1/account", "403", "403", "403", "403"},
    RoleRow{"history of its own", "GET /v1/history", "yes", "yes", "yes", "yes"},
    RoleRow{"history of the owner", "GET /v1/history", "yes", "403", "403", "403"},
    RoleRow{"events of its own", "GET /v1/events", "yes", "yes", "yes", "yes"},
    RoleRow{"events of the owner", "GET /v1/events", "yes", "403", "403", "403"},
    RoleRow{"stats of its own", "GET /v1/stats", "yes", "yes", "yes", "yes"},
    RoleRow{"stats of the owner", "GET /v1/stats", "yes", "403", "403", "403"},
    RoleRow{"mounts of its own", "GET /v1/mounts", "yes", "yes", "yes", "yes"},
    RoleRow{"mounts of the owner", "GET /v1/mounts", "yes", "403", "403", "403"},
    RoleRow{"backup", "POST /v1/backup", "403", "403", "403", "403"},
    RoleRow{"list backups", "GET /v1/backups", "403", "403", "403", "403"},
    RoleRow{"what is damaged of its own", "GET /v1/damaged", "yes", "yes", "yes", "yes"},
    RoleRow{"what is damaged of the owner", "GET /v1/damaged", "yes", "403", "403", "403"},
    RoleRow{"check", "POST /v1/check", "403", "403", "403", "403"},
    RoleRow{"ask how far a check is", "GET /v1/check", "403", "403", "403", "403"},
    RoleRow{"ping", "GET /v1/ping", "yes", "yes", "yes", "yes"},
    RoleRow{"version", "GET /v1/version", "yes", "yes", "yes", "yes"},
};

}  // namespace reprieve::test
