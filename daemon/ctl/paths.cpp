// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/paths.h"

#include <algorithm>
#include <system_error>

namespace reprieve::ctl {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& path, const fs::path& directory) {
  const auto [rest, unused] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return rest == directory.end();
}

bool lies_in_any(const fs::path& path, const std::vector<protocol::Mount>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(),
                     [&path](const protocol::Mount& mount) { return lies_in(path, mount.path); });
}

// The path with its directory resolved. Where that fails (it is gone, or may not be read) only the text is tidied.
fs::path resolve(fs::path path) {
  while (!path.has_filename() && path != path.root_path()) path = path.parent_path();
  const bool names_itself = path.filename() != "." && path.filename() != "..";
  std::error_code error;
  const fs::path directory = fs::canonical(names_itself ? path.parent_path() : path, error);
  if (error) return path.lexically_normal();
  return names_itself ? directory / path.filename() : directory;
}

}  // namespace

std::string to_daemon_path(const std::string& argument, const fs::path& here,
                           const std::vector<protocol::Mount>& mounts) {
  const fs::path path(argument);
  if (path.is_absolute()) {
    const fs::path resolved = resolve(path);
    return lies_in_any(resolved, mounts) ? resolved.native() : argument;
  }
  return lies_in_any(here, mounts) ? resolve(here / path).native() : argument;
}

}  // namespace reprieve::ctl
