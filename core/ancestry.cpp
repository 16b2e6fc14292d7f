// SPDX-License-Identifier: Apache-2.0
#include "core/ancestry.h"

#include <algorithm>
#include <vector>

namespace reprieve {

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

Location locate(Transaction& tx, const Account& account, InodeId directory) {
  std::vector<std::string> names;
  for (InodeId at = directory; at != account.root;) {
    const EntryRow* place = tx.entries.place_of_directory(at);
    if (place == nullptr) return {.life = Life::purged};
    if (place->item) return {.life = Life::trashed, .item = place->item};
    names.push_back(place->name);
    at = place->parent;
  }
  Location location;
  std::for_each(names.rbegin(), names.rend(),
                [&location](const std::string& name) { location.path = join(location.path, name); });
  return location;
}

Result<InodeRow> require_inode(Transaction& tx, InodeId inode) {
  auto row = tx.inodes.find(inode);
  if (!row) return fail(Errc::stale);
  return *row;
}

Result<Location> require_live(Transaction& tx, const Account& account, InodeId directory) {
  Location location = locate(tx, account, directory);
  if (location.life == Life::trashed) return fail(Errc::in_trash);
  if (location.life == Life::purged) return fail(Errc::not_found, "the directory was purged");
  return location;
}

Location locate_inode(Transaction& tx, const Account& account, InodeId inode) {
  if (inode == account.root) return {};
  Location found{.life = Life::purged};
  for (const EntryRow& place : tx.entries.places(inode)) {
    Location here =
        place.item ? Location{.life = Life::trashed, .item = place.item} : locate(tx, account, place.parent);
    if (here.life == Life::live) return here;
    if (here.life == Life::trashed) found = std::move(here);
  }
  return found;
}

bool is_within(Transaction& tx, InodeId directory, InodeId ancestor) {
  for (InodeId at = directory; at != ancestor;) {
    const EntryRow* place = tx.entries.place_of_directory(at);
    if (place == nullptr) return false;
    at = place->parent;
  }
  return true;
}

}  // namespace reprieve
