// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temporary_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace reprieve::test {
namespace {

constexpr std::string_view kPrefix = "reprieve-test-";

FileDescriptor open_directory(int at, const char* name) {
  return FileDescriptor(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 3)), ::closedir);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

// By descriptors, because trees may be deeper than any path. What cannot be removed stays.
void remove_entry(int at, const std::string& name, dev_t device) {
  struct stat status {};
  if (::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || status.st_dev != device) return;
  if (!S_ISDIR(status.st_mode)) {
    ::unlinkat(at, name.c_str(), 0);
    return;
  }
  if (const FileDescriptor directory = open_directory(at, name.c_str())) {
    for (const std::string& child : names_in(directory.get())) remove_entry(directory.get(), child, device);
  }
  ::unlinkat(at, name.c_str(), AT_REMOVEDIR);
}

// The owner locks its directory as long as it lives. A young one may not have come to that yet.
bool is_orphan(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  const auto changed = std::chrono::system_clock::from_time_t(status.st_ctime);
  if (std::chrono::system_clock::now() - changed < std::chrono::minutes(1)) return false;
  const FileDescriptor directory = open_directory(AT_FDCWD, path.c_str());
  return directory && ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_orphans(const std::filesystem::path& base) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(base, error)) {
    if (entry.path().filename().string().starts_with(kPrefix) && is_orphan(entry.path())) remove_tree(entry.path());
  }
}

}  // namespace

void remove_tree(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) remove_entry(AT_FDCWD, path.string(), status.st_dev);
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
  lock_ = open_directory(AT_FDCWD, path_.c_str());
  ::flock(lock_.get(), LOCK_SH);
}

TemporaryDirectory::~TemporaryDirectory() { remove_tree(path_); }

}  // namespace reprieve::test
