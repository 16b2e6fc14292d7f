// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/disk_log.h"

namespace reprieve::test {

// The files below a directory, by path; a directory has no bytes and a name that ends with '/'.
using DiskContent = std::map<std::string, std::string>;

// How a crash treats what was not synced.
enum class Loss : std::uint8_t {
  nothing,     // a killed process: the system goes on
  everything,  // no write reached the disk before it was waited for
  some,        // any part of it
};

// A disk that plays a log of calls and can lose power at any moment. What it may do between syncs is more than any
// Linux file system does:
//
// - A write reaches it in pieces of 512 or of 4096 bytes, each of them or not, in any order, old ones over new ones. A
//   length grows and shrinks as they do. Without the pieces between, there are zeros.
// - fsync(2) and fdatasync(2) of a file make its bytes and its length last, and nothing else: not its name, which
//   ext4, XFS and btrfs do write with a new file (fsync(2) asks for the directory's own fsync).
// - Names made and removed in one directory reach it in their order, up to any of them; in different directories
//   independently. fsync(2) of the directory makes all of them last, but not its own name.
//
// ext4, XFS and btrfs write all changes of names in one order, through one journal.
class DiskModel {
 public:
  void play(const DiskEvent& event);
  [[nodiscard]] DiskContent after_crash(Loss loss, std::mt19937& random) const;

 private:
  struct File {
    std::string lasting;
    std::vector<DiskEvent> since;
  };
  struct Directory {
    std::map<std::string, DiskFile> lasting;
    std::vector<DiskEvent> since;
  };
  static std::string bytes_after(const File& file, Loss loss, std::mt19937& random);
  static std::map<std::string, DiskFile> names_after(const Directory& directory, Loss loss, std::mt19937& random);
  void add(DiskContent& content, const std::string& path, DiskFile directory, Loss loss, std::mt19937& random) const;

  std::map<DiskFile, File> files_;
  std::map<DiskFile, Directory> directories_{{0, {}}};
};

// Tells contents apart.
[[nodiscard]] std::uint64_t hash_of(const DiskContent& content);
// Makes `top`, which is not there, with these files in it.
void put_on_disk(const DiskContent& content, const std::filesystem::path& top);

}  // namespace reprieve::test
