// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <climits>

#include "core/parts.h"
#include "core/tree/namespace.h"
#include "core/view/ancestry.h"

// Paths as control clients write them. The kernel resolves its own, one lookup a component.
namespace reprieve {
namespace {

Result<std::vector<EntryName>> components(std::string_view path) {
  if (path.size() > PATH_MAX) return fail(Errc::name_too_long, "the path is over 4096 bytes long");
  std::vector<EntryName> names;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    const std::string_view component = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") return fail(Errc::invalid_argument, "\"..\" is not resolved here; name the item itself");
    REPRIEVE_TRY(EntryName name, EntryName::parse(component));
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

Result<PathTarget> Namespace::resolve(const Account& account, std::string_view path) {
  return parts_.store->read([&](Transaction& tx) { return resolve_in(tx, account, path); });
}

Result<PathTarget> Namespace::resolve_in(Transaction& tx, const Account& account, std::string_view path) {
  REPRIEVE_TRY(const auto names, components(path));
  if (names.empty()) return fail(Errc::invalid_argument, "the path names no item");
  InodeId parent = account.root;
  InodeId at = account.root;
  std::string walked;
  for (const EntryName& name : names) {
    parent = at;
    const std::string before = walked;
    walked = join(walked, name.bytes());
    if (parent == account.trash) {
      const auto item = tx.trash.find_by_name(account.id, name.bytes());
      if (!item) return fail(Errc::not_found, walked + " does not exist");
      at = item->inode;
      continue;
    }
    const auto entry = tx.entries.find_live(parent, name.bytes());
    if (!entry || tx.hidden.contains(account.id, parent, entry->id)) {
      const auto row = tx.inodes.find(parent);
      if (row && !S_ISDIR(row->mode)) return fail(Errc::not_directory, before + " is not a directory");
      return fail(Errc::not_found, walked + " does not exist");
    }
    at = entry->inode;
  }
  return PathTarget{.parent = parent, .name = names.back(), .inode = at};
}

}  // namespace reprieve
