// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace reprieve::test {

// What users can tell of one entry.
struct NodeSnapshot {
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  nlink_t links = 0;
  std::uint64_t size = 0;  // not of directories: each file system counts those its own way
  std::int64_t modified_seconds = 0;
  std::int64_t modified_nanoseconds = 0;
  dev_t device = 0;
  bool sparse = false;       // fewer blocks than bytes
  std::string first_name{};  // of the inode, in byte order of the paths: tells hard links
  std::string symlink_target{};
  std::map<std::string, std::string> xattrs{};  // without user.reprieve.*
  std::uint64_t content = 0;                    // a hash

  friend bool operator==(const NodeSnapshot&, const NodeSnapshot&) = default;
};

// A tree by path relative to its top, which is "".
using TreeSnapshot = std::map<std::string, NodeSnapshot>;

// Throws std::system_error when something cannot be read.
TreeSnapshot snapshot(const std::filesystem::path& top);
// What differs, a line each; empty when nothing does.
std::string differences(const TreeSnapshot& expected, const TreeSnapshot& actual);
// The whole of a file; throws std::system_error.
std::string read_file(const std::filesystem::path& path);
// Makes or overwrites a file; throws std::system_error.
void write_file(const std::filesystem::path& path, std::string_view content);

}  // namespace reprieve::test
