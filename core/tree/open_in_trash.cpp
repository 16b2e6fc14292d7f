// SPDX-License-Identifier: Apache-2.0
#include "core/tree/open_in_trash.h"

#include <algorithm>
#include <optional>

#include "core/parts.h"
#include "core/view/ancestry.h"

namespace reprieve {
namespace {

tl::unexpected<Error> gone() { return fail(Errc::stale, "it is no longer shared with you"); }

Result<void> may_change(Transaction& tx, const Account& account, const Location& location) {
  if (location.life == Life::purged) return gone();
  if (location.life == Life::live) {
    if (location.role == Role::viewer) return fail(Errc::viewer_only);
    return {};
  }
  const auto item = tx.trash.find(location.item);
  if (!item) return gone();
  if (item->account == account.id) return {};
  // In its owner's trash a shared item is in nobody else's tree, but the share stands.
  const auto grant = tx.grants.find(item->inode, account.id);
  if (!grant) return may_change(tx, account, locate(tx, account, item->parent));
  if (grant->state == GrantState::left) return gone();
  if (grant->role == Role::viewer) return fail(Errc::viewer_only);
  return {};
}

}  // namespace

bool is_open_since_deletion(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode) {
  TrashItemId last;
  for (const EntryRow& place : tx.entries.places(inode)) {
    last = std::max(last, place.item ? place.item : locate(tx, account, place.parent).item);
  }
  return last ? parts.content.is_open_since(inode, last) : parts.content.is_open(inode);
}

Result<void> may_go_on_writing(Transaction& tx, const Account& account, const InodeRow& row) {
  // What has no name is nobody's any more.
  if (row.owner == account.id || !tx.entries.place(row.id)) return {};
  return may_change(tx, account, locate_inode(tx, account, row.id));
}

}  // namespace reprieve
