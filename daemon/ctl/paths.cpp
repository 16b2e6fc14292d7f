// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/paths.h"

#include <algorithm>
#include <system_error>

#include "daemon/control/protocol/printable.h"

namespace reprieve::ctl {
namespace {

namespace fs = std::filesystem;

bool lies_in(const fs::path& path, const fs::path& directory) {
  const auto [rest, unused] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return rest == directory.end();
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

const protocol::Mount* mount_of(const fs::path& path, const std::vector<protocol::Mount>& mounts) {
  const protocol::Mount* best = nullptr;
  for (const auto& mount : mounts) {
    if (lies_in(path, mount.path) && (best == nullptr || mount.path.size() > best->path.size())) best = &mount;
  }
  return best;
}

Outcome<std::string> to_daemon_path(const std::string& argument, const fs::path& here,
                                    const std::vector<protocol::Mount>& mounts) {
  const fs::path named = here / argument;  // of an absolute argument: without `here`
  const fs::path resolved = resolve(named);
  const auto* mount = mount_of(resolved, mounts);
  if (mount == nullptr) return argument;
  const auto* before = mount_of(named.lexically_normal(), mounts);
  if (before == nullptr || before->account == mount->account) return resolved.native();
  return give_up(ExitCode::refused_or_failed,
                 protocol::printable(argument) + ": a symbolic link leads from the account " + before->account +
                     " into the account " + mount->account + ": name " + protocol::printable(resolved.native()));
}

}  // namespace reprieve::ctl
