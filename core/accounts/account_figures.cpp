// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/account_figures.h"

#include <algorithm>

#include "core/parts.h"
#include "core/trash/trash_listing.h"
#include "core/trash/tree_figures.h"

namespace reprieve {
namespace {

constexpr std::size_t kPortion = 512;

Holdings count_items(Transaction& tx, InodeId folder) {
  Holdings holdings;
  for (EntryId after{}; true;) {
    const auto items = tx.entries.list(folder, after, kPortion);
    for (const EntryWithInode& item : items) ++(item.entry.role == Role::owner ? holdings.owned : holdings.shared);
    if (items.size() < kPortion) return holdings;
    after = items.back().entry.id;
  }
}

}  // namespace

Result<AccountFigures> account_figures(CoreParts& parts, const Account& account) {
  REPRIEVE_TRY(AccountFigures figures, parts.store->read([&](Transaction& tx) -> Result<AccountFigures> {
    parts.quotas.measure_all(tx);
    return AccountFigures{.projects = count_items(tx, account.projects), .runs = count_items(tx, account.runs)};
  }));
  if (const auto quota = parts.quotas.of(account.id)) {
    figures.quota = quota->limit;
    figures.used = quota->used;
  } else {
    REPRIEVE_TRY(figures.used, count_used(parts, account.id));
  }
  figures.being_destroyed = std::min(parts.purger.being_destroyed(account.id), figures.used);
  REPRIEVE_TRY(const auto items, matching_rows(parts, account, {}));
  for (const TrashRow& item : items) {
    const auto tree = figures_of(parts, item);
    if (!tree && tree.error().code == Errc::stale) continue;  // gone while it was counted
    if (!tree) return fail(tree.error());
    figures.trash_bytes += tree->bytes;
    ++figures.trash_items;
  }
  return figures;
}

}  // namespace reprieve
