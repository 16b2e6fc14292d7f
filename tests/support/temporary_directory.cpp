// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temporary_directory.h"

#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace reprieve::test {
namespace {

constexpr std::string_view kPrefix = "reprieve-test-";

// The owner stands in the name: PREFIX<pid>-XXXXXX.
bool is_orphan(const std::string& name) {
  if (!name.starts_with(kPrefix)) return false;
  const auto owner = static_cast<pid_t>(std::strtol(name.c_str() + kPrefix.size(), nullptr, 10));
  return owner > 0 && ::kill(owner, 0) != 0 && errno == ESRCH;
}

void remove_orphans(const std::filesystem::path& base) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    if (is_orphan(entry.path().filename().string())) remove_tree(entry.path());
  }
}

int remove_one(const char* path, const struct stat* /*status*/, int /*type*/, FTW* /*where*/) {
  // Errors are left to the final state: a busy mount point stays, the rest goes.
  ::remove(path);
  return 0;
}

}  // namespace

void remove_tree(const std::filesystem::path& path) {
  constexpr int kDescriptors = 32;
  ::nftw(path.c_str(), remove_one, kDescriptors, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

TemporaryDirectory::TemporaryDirectory() {
  const char* chosen = std::getenv("TMPDIR");
  const std::filesystem::path base = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  static const bool swept = (remove_orphans(base), true);
  static_cast<void>(swept);
  std::string pattern = base / (std::string(kPrefix) + std::to_string(::getpid()) + "-XXXXXX");
  if (::mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
  path_ = pattern;
  ::chmod(path_.c_str(), 0711);
}

TemporaryDirectory::~TemporaryDirectory() { remove_tree(path_); }

}  // namespace reprieve::test
