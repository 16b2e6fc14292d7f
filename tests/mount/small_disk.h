// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace reprieve::test {

// A disk of 64 MiB for a store: an image with ext4, mounted at `directory`/store until destruction. Needs root.
class SmallDisk {
 public:
  explicit SmallDisk(const std::filesystem::path& directory);
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  // Empty, or why this machine has none.
  std::string make();
  // The power fails: what the file system has not written to the disk is not written any more, and every call fails.
  // An errno.
  [[nodiscard]] int cut_power() const;
  // Mounts it again, when nobody uses the dead file system any more. Empty, or what went wrong.
  std::string start_again();

 private:
  [[nodiscard]] std::string mount() const;

  const std::filesystem::path store_;
  const std::filesystem::path image_;
};

}  // namespace reprieve::test
