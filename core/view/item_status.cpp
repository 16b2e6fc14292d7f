// SPDX-License-Identifier: Apache-2.0
#include "core/view/item_status.h"

#include <algorithm>
#include <string>

namespace reprieve {
namespace {

// Whether live names lead from `item` up to `directory`.
bool leads_up_to(Transaction& tx, InodeId item, InodeId directory) {
  if (item == directory) return true;
  const auto places = tx.entries.places(item);
  return std::ranges::any_of(
      places, [&](const EntryRow& place) { return !place.item && leads_up_to(tx, place.parent, directory); });
}

}  // namespace

std::string_view status_name(ItemStatus status) {
  switch (status) {
    case ItemStatus::none: return "none";
    case ItemStatus::running: return "running";
    case ItemStatus::complete: return "complete";
    case ItemStatus::failed: return "failed";
    case ItemStatus::aborted: return "aborted";
  }
  return "none";
}

Result<ItemStatus> parse_status(std::string_view name) {
  for (const ItemStatus status : {ItemStatus::running, ItemStatus::complete, ItemStatus::failed, ItemStatus::aborted}) {
    if (name == status_name(status)) return status;
  }
  return fail(Errc::invalid_argument,
              "\"" + std::string(name) + "\" is no status; there are running, complete, failed and aborted");
}

Result<void> require_status_kind(const InodeRow& item) {
  if (item.kind == ItemKind::run || item.kind == ItemKind::analysis) return {};
  return fail(Errc::invalid_argument, "only runs and analyses have a status");
}

bool holds_running(Transaction& tx, InodeId directory) {
  const auto running = tx.inodes.running();
  return std::ranges::any_of(running, [&](InodeId item) { return leads_up_to(tx, item, directory); });
}

}  // namespace reprieve
