// SPDX-License-Identifier: Apache-2.0
#include "core/trash/files_only.h"

#include <sys/stat.h>

#include "core/accounts/arrival.h"
#include "core/parts.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/history.h"
#include "core/view/ancestry.h"
#include "core/view/free_entry_name.h"

namespace reprieve {
namespace {

// Children are looked at in portions of so many.
constexpr std::size_t kPortion = 1024;

// Every child goes over, under its name. How many of them are directories.
int move_children(Transaction& tx, InodeId from, InodeId to, Changes& changes) {
  int directories = 0;
  for (EntryId after{}; true;) {
    const auto children = tx.entries.list(from, after, kPortion);
    for (const auto& [entry, inode] : children) {
      directories += S_ISDIR(inode.mode) ? 1 : 0;
      changes.seen.push_back({from, EntryName::trusted(entry.name)});
      changes.seen.push_back({to, EntryName::trusted(entry.name)});
    }
    if (children.size() < kPortion) break;
    after = children.back().entry.id;
  }
  tx.outdated.add_children(from);
  tx.entries.move_all(from, to);
  return directories;
}

struct Return {
  CoreParts& parts;
  Transaction& tx;
  const Deletion& who;
  const TrashRow& item;
  OnCollision on_collision;
  bool changes_hands;  // which it does as a whole
  Changes& changes;
};

// The name that the child gets in the record; none: it stays in the trash.
Result<std::optional<EntryName>> name_in_record(const Return& r, const EntryRow& child) {
  EntryName name = EntryName::trusted(child.name);
  const auto existing = r.tx.entries.find_live_with_inode(r.item.parent, child.name);
  if (!existing) return std::optional(std::move(name));
  switch (r.on_collision) {
    case OnCollision::fail: return fail(Errc::exists, "\"" + child.name + "\" is taken there; see --on-collision");
    case OnCollision::skip:
      if (!r.changes_hands) return std::optional<EntryName>();
      return fail(Errc::exists, "\"" + child.name + "\" is taken there, and what is another account's goes back whole");
    case OnCollision::rename: return std::optional(free_entry_name(r.tx, r.item.parent, name));
    case OnCollision::replace: {
      const Location location = locate(r.tx, r.who.account, r.item.parent);
      REPRIEVE_TRY_VOID(clear_place(r.parts, r.tx, r.who, *existing, location, Guard::heed, r.changes));
      return std::optional(std::move(name));
    }
  }
  return fail(Errc::internal);
}

// The children one by one, because the record holds something. How many directories went back.
Result<int> return_children(const Return& r) {
  int directories = 0;
  for (EntryId after{}; true;) {
    const auto children = r.tx.entries.list(r.item.inode, after, kPortion);
    for (const auto& [entry, inode] : children) {
      after = entry.id;
      REPRIEVE_TRY(const auto name, name_in_record(r, entry));
      if (!name) continue;
      r.tx.entries.move(entry, r.item.parent, name->bytes());
      r.tx.inodes.set_changed(inode.id, r.who.now);
      directories += S_ISDIR(inode.mode) ? 1 : 0;
      r.changes.seen.push_back({r.item.inode, EntryName::trusted(entry.name)});
      r.changes.seen.push_back({r.item.parent, *name});
    }
    if (children.size() < kPortion) return directories;
  }
}

}  // namespace

Result<void> require_files(Transaction& tx, const InodeRow& record) {
  if (record.kind != ItemKind::run && record.kind != ItemKind::analysis) {
    return fail(Errc::invalid_argument, "only runs and analyses have files that can be deleted without them");
  }
  if (!tx.entries.has_live(record.id)) return fail(Errc::not_found, "it holds no files");
  return {};
}

Result<TrashRow> take_files(CoreParts& parts, Transaction& tx, const Deletion& who, const EntryWithInode& record,
                            const std::string& parent_path, Changes& changes) {
  const InodeRow& item = record.inode;
  REPRIEVE_TRY_VOID(require_files(tx, item));
  constexpr mode_t kPermissions = 07777;
  InodeRow holder = make_inode({who.account, who.account}, tx.sequences.next_inode(), ItemKind::folder,
                               S_IFDIR | (item.mode & kPermissions), item, who.caller, who.now);
  holder.uid = item.uid;
  holder.gid = item.gid;
  holder.owner = item.owner;
  holder.modified = tx.inodes.modified(item.id);
  tx.inodes.insert(holder, nullptr);
  const int directories = move_children(tx, item.id, holder.id, changes);
  tx.inodes.add_links(holder.id, directories, who.now);
  const EntryRow entry{
      .parent = item.id, .id = tx.sequences.next_entry(), .name = record.entry.name, .inode = holder.id, .item = {}};
  tx.entries.insert(entry);
  // One more for the holder, which discard() takes away again with its name.
  tx.inodes.add_links(item.id, 1 - directories, who.now);

  // To its users the item is the run's, and comes from where the run is.
  holder.kind = item.kind;
  TrashRow trashed =
      discard(parts, tx, who, {entry, holder}, {record.entry.parent, parent_path}, Folding::keep, changes);
  trashed.mode = TrashMode::files_only;
  tx.trash.set_mode(trashed.id, trashed.mode, TrashItemId{});
  tx.inodes.set_files_deleted(item.id, true);
  return trashed;
}

Result<bool> put_files_back(CoreParts& parts, Transaction& tx, const Deletion& who, const TrashRow& item,
                            OnCollision on_collision, Changes& changes) {
  const bool undisturbed = tx.inodes.modified(item.parent) == item.parent_modified_after;
  const auto record = tx.inodes.find(item.parent);
  const auto files = tx.inodes.find(item.inode);
  const bool changes_hands = files->owner != record->owner;
  REPRIEVE_TRY_VOID(settle_owner(parts, tx, who, *files, item.entry, *record, changes));
  EventRow event =
      event_of(who, EventKind::restore_files, record->id, locate(tx, who.account, record->id).path, item.origin);
  event.item = item.id;
  tx.events.insert(event);
  int directories = 0;
  if (tx.entries.has_live(item.parent)) {
    REPRIEVE_TRY(directories, return_children({parts, tx, who, item, on_collision, changes_hands, changes}));
  } else {
    directories = move_children(tx, item.inode, item.parent, changes);
  }
  tx.inodes.directory_changed(item.parent, directories, who.now);
  parts.trash_view.touch();
  changes.seen.push_back({item.parent, std::nullopt});
  changes.seen.push_back({who.account.trash, EntryName::trusted(item.name)});
  if (tx.entries.has_live(item.inode)) {
    tx.inodes.add_links(item.inode, -directories, who.now);
    tx.trash.clear_figures(item.id);
    return false;
  }
  if (undisturbed) tx.inodes.set_modified(item.parent, item.parent_modified_before);
  tx.trash.conclude(item.id);
  tx.entries.remove(item.parent, item.entry);
  // What was trashed from it earlier still names it as its parent; it is purged like any other that has lost its name.
  tx.purges.push(item.inode, OperationId{});
  parts.purger.wake();
  tx.inodes.set_files_deleted(item.parent, false);
  return true;
}

}  // namespace reprieve
