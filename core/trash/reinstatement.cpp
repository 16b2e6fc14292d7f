// SPDX-License-Identifier: Apache-2.0
#include "core/trash/reinstatement.h"

#include <sys/stat.h>

#include <utility>

#include "core/accounts/arrival.h"
#include "core/accounts/sharing.h"
#include "core/parts.h"
#include "core/trash/departure.h"
#include "core/trash/history.h"
#include "core/tree/own_attributes.h"
#include "core/view/ancestry.h"

namespace reprieve {
namespace {

// The directory's side of an arrival.
Result<void> receive(CoreParts& parts, Transaction& tx, const Deletion& who, const InodeRow& inode, EntryId name,
                     const Destination& destination, Changes& changes) {
  const bool is_directory = S_ISDIR(inode.mode);
  tx.inodes.directory_changed(destination.directory, is_directory ? 1 : 0, who.now);
  tx.inodes.set_changed(inode.id, who.now);
  const auto directory = tx.inodes.find(destination.directory);
  REPRIEVE_TRY_VOID(settle_owner(parts, tx, who, inode, name, *directory, changes));
  settle_audience(tx, who.account, inode, *directory, changes);
  if (is_directory) settle_kind(tx, who.account, inode, destination.kind, who.caller, who.now);
  changes.seen.push_back({destination.directory, destination.name});
  changes.seen.push_back({inode.id, std::nullopt});
  return {};
}

EventRow restore_event(const Deletion& who, const TrashRow& item, std::string path) {
  EventRow row = event_of(who, EventKind::restore, item.inode, std::move(path), item.origin);
  row.item = item.id;
  return row;
}

}  // namespace

Result<void> reinstate(CoreParts& parts, Transaction& tx, const Deletion& who, const TrashRow& item,
                       const Destination& destination, Changes& changes) {
  const auto inode = tx.inodes.find(item.inode);
  const auto entry = tx.entries.find(item.parent, item.entry);
  const bool in_place = destination.directory == item.parent && destination.name.bytes() == entry->name;
  const bool undisturbed = tx.inodes.modified(item.parent) == item.parent_modified_after;
  if (!S_ISDIR(inode->mode)) tx.inodes.add_links(inode->id, 1, who.now);
  tx.trash.conclude(item.id);
  if (in_place) {
    tx.entries.set_item(entry->parent, entry->id, TrashItemId{});
  } else {
    tx.entries.move(*entry, destination.directory, destination.name.bytes());
  }
  REPRIEVE_TRY_VOID(receive(parts, tx, who, *inode, entry->id, destination, changes));
  renew(tx, inode->id, who.now, changes);
  // Behind that: what a collaborator has hidden in it stays so when it has the item again.
  settle_hidden(tx, destination.directory, inode->id);
  tx.events.insert(
      restore_event(who, item, join(locate(tx, who.account, destination.directory).path, destination.name.bytes())));
  if (in_place && undisturbed) tx.inodes.set_modified(item.parent, item.parent_modified_before);
  parts.trash_view.touch();
  changes.seen.push_back({who.account.trash, EntryName::trusted(item.name)});
  return {};
}

Result<void> reinstate_part(CoreParts& parts, Transaction& tx, const Deletion& who, const EntryWithInode& part,
                            TrashItemId item, const Destination& destination, Changes& changes) {
  const auto& [entry, inode] = part;
  const std::string from = join(visible_path(tx, who.account, entry.parent).value_or(std::string()), entry.name);
  tx.entries.move(entry, destination.directory, destination.name.bytes());
  if (S_ISDIR(inode.mode)) tx.inodes.add_links(entry.parent, -1, who.now);
  tx.trash.clear_figures(item);
  parts.trash_view.touch();
  REPRIEVE_TRY_VOID(receive(parts, tx, who, inode, entry.id, destination, changes));
  settle_hidden(tx, destination.directory, inode.id);
  EventRow event = event_of(who, EventKind::restore_part, inode.id,
                            join(locate(tx, who.account, destination.directory).path, destination.name.bytes()), from);
  event.item = item;
  tx.events.insert(event);
  changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  return {};
}

}  // namespace reprieve
