// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/shown_place.h"

#include "core/store/store.h"
#include "core/view/ancestry.h"

namespace reprieve {
namespace {

// Steps of a path. Beside a cycle the way up has no end.
constexpr int kDeepest = 4096;

}  // namespace

ShownPlace shown_place(Transaction& tx, std::optional<EntryRow> entry) {
  UpwardPath path;
  for (int depth = 0; entry && depth < kDeepest; ++depth) {
    if (entry->item) {
      const auto item = tx.trash.find(entry->item);
      const auto account = item ? tx.accounts.find(item->account) : std::nullopt;
      if (!account) return {};
      path.add(item->name);
      path.add(".trash");
      return {account->name, path.text()};
    }
    path.add(entry->name);
    const InodeId parent = entry->parent;
    for (const Account& account : tx.accounts.all()) {
      if (account.root == parent) return {account.name, path.text()};
    }
    entry = tx.entries.place(parent);
  }
  return {};
}

}  // namespace reprieve
