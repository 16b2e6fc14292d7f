// SPDX-License-Identifier: Apache-2.0
#include "daemon/mount_point.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

#include "fs/mounting.h"

namespace reprieve {
namespace {

bool is_below(const std::filesystem::path& path, const std::filesystem::path& ancestor) {
  const auto ends = std::mismatch(ancestor.begin(), ancestor.end(), path.begin(), path.end());
  return ends.first == ancestor.end();
}

// The last component is not looked at: what a killed daemon left there answers nothing.
std::filesystem::path resolve_parent(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::canonical(path.parent_path(), error);
  return error ? path : parent / path.filename();
}

// Only a mount of this program answers to the name.
bool lies_in_a_mount(const std::filesystem::path& real) {
  return ::getxattr(real.parent_path().c_str(), "user.reprieve.kind", nullptr, 0) >= 0;
}

}  // namespace

Result<void> check_mount_point(const std::filesystem::path& path, const std::filesystem::path& store) {
  struct stat status {};
  std::error_code error;
  std::filesystem::path real = resolve_parent(path);
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode))
      return fail(Errc::not_directory, fmt::format("mount point {} is not a directory", path.string()));
    real = std::filesystem::canonical(path, error);
  } else if (errno == ENOENT) {
    return fail(Errc::not_found, fmt::format("mount point {} does not exist", path.string()));
  } else if (!fs::is_dead_mount(errno)) {
    return fail(from_errno(errno, fmt::format("mount point {}", path.string())));
  }
  const std::filesystem::path real_store = std::filesystem::weakly_canonical(store, error);
  if (!error && (is_below(real, real_store) || is_below(real_store, real)))
    return fail(Errc::invalid_argument,
                fmt::format("mount point {} and store {} lie one in the other", path.string(), store.string()));
  if (lies_in_a_mount(real))
    return fail(Errc::invalid_argument,
                fmt::format("mount point {} lies in a mount of Reprieve that is there already", path.string()));
  return {};
}

}  // namespace reprieve
