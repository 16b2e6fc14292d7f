// SPDX-License-Identifier: Apache-2.0
#include "core/trash/trash_listing.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "core/parts.h"
#include "core/trash/tree_figures.h"

namespace reprieve {
namespace {

// Most often the account itself; else an editor of something that it shares.
std::string name_of(CoreParts& parts, const Account& account, AccountId id) {
  if (id == account.id) return account.name;
  const auto found = parts.store->read([&](Transaction& tx) -> Result<std::string> {
    const auto other = tx.accounts.find(id);
    return other ? other->name : std::string();
  });
  return found.value_or(std::string());
}

bool matches(CoreParts& parts, const Account& account, const TrashRow& row, const TrashFilter& filter) {
  if (filter.kind && row.kind != *filter.kind) return false;
  const auto fits = [](const std::optional<std::string>& pattern, const std::string& text) {
    return !pattern || ::fnmatch(pattern->c_str(), text.c_str(), 0) == 0;
  };
  if (!fits(filter.name, row.name) || !fits(filter.origin, row.origin)) return false;
  if (filter.deleted_by && *filter.deleted_by != name_of(parts, account, row.deleted_by)) return false;
  if (filter.since && row.deleted < *filter.since) return false;
  if (filter.until && row.deleted >= *filter.until) return false;
  if (filter.session && row.session != *filter.session) return false;
  return true;
}

}  // namespace

Result<std::vector<TrashRow>> matching_rows(CoreParts& parts, const Account& account, const TrashFilter& filter) {
  REPRIEVE_TRY(auto rows, parts.store->read([&](Transaction& tx) -> Result<std::vector<TrashRow>> {
    if (filter.deleted_by && !tx.accounts.find(*filter.deleted_by))
      return fail(Errc::not_found, "there is no account \"" + *filter.deleted_by + "\"");
    return tx.trash.all(account.id);
  }));
  std::erase_if(rows, [&](const TrashRow& row) { return !matches(parts, account, row, filter); });
  if (!filter.min_bytes) return rows;
  std::vector<TrashRow> large;
  for (TrashRow& row : rows) {
    REPRIEVE_TRY(row.figures, figures_of(parts, row));
    if (row.figures->bytes >= *filter.min_bytes) large.push_back(std::move(row));
  }
  return large;
}

TrashItem to_item(CoreParts& parts, const Account& account, const TrashRow& row) {
  return {.id = row.id,
          .name = row.name,
          .kind = row.kind == ItemKind::samples || row.kind == ItemKind::analyses ? ItemKind::folder : row.kind,
          .origin = row.origin,
          .account = account.name,
          .deleted_by = name_of(parts, account, row.deleted_by),
          .deleted_by_uid = row.uid,
          .deleted_at = row.deleted,
          .session = row.session,
          .held = row.held,
          .mode = row.mode,
          .together = row.together,
          .figures = row.figures};
}

Result<TrashItem> to_counted_item(CoreParts& parts, const Account& account, const TrashRow& row) {
  TrashItem item = to_item(parts, account, row);
  if (!item.figures) {
    REPRIEVE_TRY(item.figures, figures_of(parts, row));
  }
  return item;
}

}  // namespace reprieve
