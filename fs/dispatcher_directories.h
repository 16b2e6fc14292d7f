// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/directory_stream.h"
#include "fs/fuse_api.h"
#include "fs/mount_context.h"
#include "fs/reply.h"

namespace reprieve::fs {

// Requests about open directories, of which nothing is kept. Handlers have the arguments of their member of
// fuse_lowlevel_ops. Thread-safe.
class DirectoriesDispatcher {
 public:
  explicit DirectoriesDispatcher(MountContext& mount) : mount_(mount) {}

  // Answered ENOSYS once, and never asked again: the kernel then opens directories by itself and caches listings
  // (FUSE_NO_OPENDIR_SUPPORT).
  void opendir(Reply reply, fuse_ino_t node, fuse_file_info* info);
  void readdir(Reply reply, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
  void readdirplus(Reply reply, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
  void fsyncdir(Reply reply, fuse_ino_t node, int data_only, fuse_file_info* info);

 private:
  void list(Reply reply, InodeId directory, off_t offset, DirectoryStream stream, Detail detail);
  Result<void> add_dots(InodeId directory, off_t offset, DirectoryStream& stream);
  Result<void> fill(InodeId directory, off_t offset, Detail detail, DirectoryStream& stream);
  Result<off_t> add_entries(InodeId directory, off_t offset, Detail detail, DirectoryStream& stream);

  MountContext& mount_;
};

}  // namespace reprieve::fs
