// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

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
};

// Removes a tree without crossing into another file system.
void remove_tree(const std::filesystem::path& path);

}  // namespace reprieve::test
