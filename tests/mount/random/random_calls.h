// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"
#include "tests/mount/random/choices.h"

namespace reprieve::test {

// A sequence of random system calls below one directory. Which calls depends on seed and prefix alone and not on what
// came back, so that two of them in two places make the same ones. Of sequences that run side by side in one place each
// has names of its own, by the prefix, in directories that they share.
//
// Calls that remove a directory are made by a process of their own. Reprieve folds what one process deleted together
// with its directory, and then counts hard links as before (ARCHITECTURE.md, decision 4), which no other file system
// does.
class RandomCalls {
 public:
  RandomCalls(std::filesystem::path top, std::string prefix, std::uint64_t seed);

  // The directories that the sequences below `top` share. Once, before the first.
  static void prepare(const std::filesystem::path& top);

  // Makes the next call. Returns the call and all that came back.
  std::string next();

 private:
  struct Kind {
    unsigned weight;
    std::string (RandomCalls::*make)();
  };
  static const std::vector<Kind>& kinds();

  // A path relative to top, one or two names deep below a shared directory.
  std::string any_path();
  [[nodiscard]] std::string full(const std::string& path) const { return (top_ / path).string(); }
  [[nodiscard]] std::string told(const std::string& call, std::int64_t result) const;
  [[nodiscard]] static std::string told(const struct stat& status);
  std::int64_t in_child_if_directory(const std::string& path, const std::function<int()>& call) const;

  std::string create();
  std::string mkdir();
  std::string mknod();
  std::string symlink();
  std::string link();
  std::string unlink();
  std::string rmdir();
  std::string rename();
  std::string chmod();
  std::string chown();
  std::string set_times();
  std::string truncate();
  std::string set_xattr();
  std::string remove_xattr();
  std::string stat();
  std::string list();
  std::string readlink();
  std::string content();
  std::string open();
  std::string open_unnamed();
  std::string name_open();
  std::string write_open();
  std::string read_open();
  std::string truncate_open();
  std::string stat_open();
  std::string close_open();

  const std::filesystem::path top_;
  const std::string prefix_;
  Choices choices_;
  std::array<FileDescriptor, 6> open_;
};

}  // namespace reprieve::test
