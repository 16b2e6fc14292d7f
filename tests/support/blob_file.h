// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>

#include "core/base/ids.h"

namespace reprieve::test {

// Where a store keeps the bytes of the file with this inode number; empty where it does not.
inline std::filesystem::path blob_file(const std::filesystem::path& store, InodeId inode) {
  std::array<char, 17> name{};
  std::snprintf(name.data(), name.size(), "%016llx", static_cast<unsigned long long>(inode.number()));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store / "blobs")) {
    if (entry.path().filename() == name.data()) return entry.path();
  }
  return {};
}

}  // namespace reprieve::test
