// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fs/fuse_api.h"
#include "fs/mount_context.h"
#include "fs/reply.h"

namespace reprieve::fs {

// Requests about what inodes carry: attributes, extended attributes, the figures of the whole. Handlers have the
// arguments of their member of fuse_lowlevel_ops. Thread-safe.
class AttributesDispatcher {
 public:
  explicit AttributesDispatcher(MountContext& mount) : mount_(mount) {}

  void getattr(Reply reply, fuse_ino_t node, fuse_file_info* file);
  void setattr(Reply reply, fuse_ino_t node, struct stat* values, int which, fuse_file_info* file);

  void getxattr(Reply reply, fuse_ino_t node, const char* name, std::size_t size);
  void listxattr(Reply reply, fuse_ino_t node, std::size_t size);
  void setxattr(Reply reply, fuse_ino_t node, const char* name, const char* value, std::size_t size, int flags);
  void removexattr(Reply reply, fuse_ino_t node, const char* name);

  void statfs(Reply reply, fuse_ino_t node);

 private:
  void set(Reply reply, InodeId inode, const AttributeChanges& changes, const Caller& caller);

  MountContext& mount_;
};

}  // namespace reprieve::fs
