// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/ids.h"
#include "fs/fuse_api.h"

// What the kernel calls an inode: its number, but for the root of the mounted account, which is node 1 to every kernel.
// The inode of number 1, where it is not that root, is the root of another account and cannot be reached here.
namespace reprieve::fs {

[[nodiscard]] constexpr fuse_ino_t to_node(InodeId inode, InodeId root) {
  return inode == root ? fuse_ino_t{FUSE_ROOT_ID} : static_cast<fuse_ino_t>(inode.number());
}

[[nodiscard]] constexpr InodeId to_inode(fuse_ino_t node, InodeId root) {
  return node == FUSE_ROOT_ID ? root : InodeId(static_cast<std::int64_t>(node));
}

}  // namespace reprieve::fs
