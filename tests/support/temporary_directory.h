// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

// A fresh directory under $TMPDIR that other users may pass through, removed with its content on destruction. What
// is mounted below it is left alone. Directories of test processes that were killed are removed by the next one.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  FileDescriptor lock_;  // tells other processes that the directory is in use
};

// Removes a tree without crossing into another file system.
void remove_tree(const std::filesystem::path& path);

}  // namespace reprieve::test
