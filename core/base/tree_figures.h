// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// What a tree holds. Bytes are sizes as stat(2) shows them, each inode once.
struct TreeFigures {
  std::uint64_t files = 0;    // everything that is not a directory
  std::uint64_t folders = 0;  // every directory, the top one too
  std::uint64_t bytes = 0;
  std::uint64_t exclusive_bytes = 0;  // of inodes that have no name outside the tree: what a purge gives back
};

}  // namespace reprieve
