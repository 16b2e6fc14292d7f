// SPDX-License-Identifier: Apache-2.0
#include "core/trash/trash.h"

#include <algorithm>
#include <utility>

#include "core/requests/once.h"
#include "core/trash/batch.h"
#include "core/trash/trash_listing.h"
#include "core/trash/tree_figures.h"
#include "core/view/standing.h"

namespace reprieve {
namespace {

void sort_rows(std::vector<TrashRow>& rows, const TrashQuery& query) {
  const auto ascending = [by = query.sort_by](const TrashRow& a, const TrashRow& b) {
    switch (by) {
      case TrashSort::date_deleted: return std::pair(a.deleted, a.id) < std::pair(b.deleted, b.id);
      case TrashSort::total_size: return std::pair(a.figures->bytes, a.id) < std::pair(b.figures->bytes, b.id);
      case TrashSort::name:
        return std::pair(std::string_view(a.name), a.id) < std::pair(std::string_view(b.name), b.id);
    }
    return false;
  };
  if (query.direction == SortDirection::ascending) {
    std::ranges::sort(rows, ascending);
  } else {
    std::ranges::sort(rows, [&ascending](const TrashRow& a, const TrashRow& b) { return ascending(b, a); });
  }
}

}  // namespace

Trash::Trash(CoreParts& parts) : parts_(parts) {}

Result<TrashPage> Trash::list(const Account& account, const TrashQuery& query) {
  REPRIEVE_TRY(auto rows, matching_rows(parts_, account, query.filter));
  if (query.sort_by == TrashSort::total_size) {
    for (TrashRow& row : rows) {
      REPRIEVE_TRY(row.figures, figures_of(parts_, row));
    }
  }
  sort_rows(rows, query);
  TrashPage page{.items = {}, .total = rows.size()};
  const std::size_t first = std::min(query.offset, rows.size());
  const std::size_t last = first + std::min(query.limit, rows.size() - first);
  for (std::size_t i = first; i < last; ++i) {
    auto item = to_counted_item(parts_, account, rows[i]);
    // Restored or purged while the page was put together.
    if (!item && item.error().code == Errc::stale) continue;
    if (!item) return fail(std::move(item).error());
    page.items.push_back(*std::move(item));
  }
  return page;
}

Result<std::vector<TrashItemId>> Trash::select(const Account& account, const TrashFilter& filter,
                                               const Caller& caller) {
  using Ids = std::vector<TrashItemId>;
  return choose_once<Ids>(parts_, caller.part, Step::selection, [&]() -> Result<Ids> {
    REPRIEVE_TRY(const auto rows, matching_rows(parts_, account, filter));
    Ids ids;
    ids.reserve(rows.size());
    std::ranges::transform(rows, std::back_inserter(ids), &TrashRow::id);
    return ids;
  });
}

Result<TrashItemDetail> Trash::show(const Account& account, TrashItemId id) {
  REPRIEVE_TRY(const TrashRow row, parts_.store->read([&](Transaction& tx) { return find_item(tx, account, id); }));
  REPRIEVE_TRY(TrashItemDetail detail, count_tree(parts_, row));
  const auto figures = detail.item.figures;
  detail.item = to_item(parts_, account, row);
  detail.item.figures = figures;
  return detail;
}

}  // namespace reprieve
