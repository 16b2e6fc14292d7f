// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "fs/fuse_api.h"
#include "fs/mount_context.h"
#include "fs/reply.h"

namespace reprieve::fs {

// Requests about names. Handlers have the arguments of their member of fuse_lowlevel_ops. Thread-safe.
class NamespaceDispatcher {
 public:
  explicit NamespaceDispatcher(MountContext& mount) : mount_(mount) {}

  void lookup(Reply reply, fuse_ino_t parent, const char* name);
  // Inodes are rows: nothing is kept for the kernel's sake that a forget would give back.
  void forget(Reply reply, fuse_ino_t node, std::uint64_t count);
  void forget_many(Reply reply, std::size_t count, fuse_forget_data* forgets);

  void mknod(Reply reply, fuse_ino_t parent, const char* name, mode_t mode, dev_t device);
  void mkdir(Reply reply, fuse_ino_t parent, const char* name, mode_t mode);
  void symlink(Reply reply, const char* target, fuse_ino_t parent, const char* name);
  void link(Reply reply, fuse_ino_t node, fuse_ino_t parent, const char* name);
  void unlink(Reply reply, fuse_ino_t parent, const char* name);
  void rmdir(Reply reply, fuse_ino_t parent, const char* name);
  void rename(Reply reply, fuse_ino_t parent, const char* name, fuse_ino_t new_parent, const char* new_name,
              unsigned flags);
  void readlink(Reply reply, fuse_ino_t node);

 private:
  void look_up_handle(Reply reply, InodeId inode, std::string_view dots);
  void make(Reply reply, fuse_ino_t parent, const char* name, const NewNode& node);

  MountContext& mount_;
};

}  // namespace reprieve::fs
