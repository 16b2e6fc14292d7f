// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/places.h"

#include <algorithm>
#include <vector>

namespace reprieve::control {
namespace {

using Components = std::vector<std::string_view>;

// Without empty components and ".".
Components split(std::string_view path) {
  Components components;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, end);
    if (!component.empty() && component != ".") components.push_back(component);
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return components;
}

std::string join(const Components& components, std::size_t from) {
  std::string path;
  for (std::size_t i = from; i < components.size(); ++i) {
    if (!path.empty()) path += '/';
    path += components[i];
  }
  return path;
}

bool is_prefix(const Components& prefix, const Components& path) {
  return prefix.size() <= path.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

struct MountMatch {
  std::string account;
  std::size_t depth = 0;  // components of the mount point
};

// With a named account, a mount of another account on the same path is not meant.
Result<MountMatch> find_mount(const Call& call, const Components& components) {
  std::optional<MountMatch> best;
  for (const MountInfo& mount : call.services.mounts.mounts()) {
    const Components point = split(mount.path);
    if (!is_prefix(point, components) || (best && point.size() <= best->depth)) continue;
    if (call.named && mount.account != *call.named) continue;
    best = MountMatch{mount.account, point.size()};
  }
  if (best) return *std::move(best);
  return fail(Errc::not_found, call.named ? "the path lies in no mount of the account \"" + *call.named + "\""
                                          : std::string("the path lies in no mount"));
}

}  // namespace

Result<Place> place_of(const Call& call, std::string_view path) {
  const Components components = split(path);
  if (std::find(components.begin(), components.end(), "..") != components.end()) {
    return fail(Errc::invalid_argument, "\"..\" is not allowed in a path");
  }
  std::size_t depth = 0;
  std::optional<std::string> account_name = call.named;
  if (path.starts_with('/')) {
    REPRIEVE_TRY(MountMatch match, find_mount(call, components));
    account_name = std::move(match.account);
    depth = match.depth;
  }
  REPRIEVE_TRY(Account account, call.rights.choose(account_name));
  if (components.size() == depth) return fail(Errc::skeleton, "this is the root of the account");
  return Place{.account = std::move(account), .path = join(components, depth)};
}

}  // namespace reprieve::control
