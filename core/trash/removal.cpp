// SPDX-License-Identifier: Apache-2.0
#include "core/trash/removal.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/accounts/arrival.h"
#include "core/accounts/sharing.h"
#include "core/parts.h"
#include "core/view/ancestry.h"

namespace reprieve {
namespace {

// The folders that a project comes with.
constexpr std::size_t kContainers = 2;

const Account& actor_of(const Deletion& deletion) {
  return deletion.actor != nullptr ? *deletion.actor : deletion.account;
}

// Undoes removals inside a directory, newest first: names, link counts and the directory's mtime become what they were.
// Of a name that was removed several times the newest goes back in; the older ones stay items, and so do names that are
// in `taken`, and what cannot come back into the hands of the directory's owner.
void put_back(CoreParts& parts, Transaction& tx, const Deletion& deletion, const InodeRow& directory,
              const std::deque<FoldableRow>& rows, std::unordered_set<std::string_view> taken, Changes& changes) {
  const AccountId by = actor_of(deletion).id;
  const Account holder = holder_of(tx, deletion.account, directory);
  Timestamp modified = directory.modified;
  bool unbroken = true;
  // A sample that is in another project too has been emptied there as well, and is full again.
  const bool seen_elsewhere = tx.entries.places_of_directory(directory.id).size() > 1;
  int subdirectories = 0;
  for (const FoldableRow& row : rows) {
    // Each removal remembers the mtime before and after it. As long as the chain holds, nobody else changed the
    // directory in between.
    unbroken = unbroken && row.parent_modified_after == modified;
    const bool changes_hands = row.owner != holder.id;
    const bool stays =
        changes_hands && !taken.contains(row.name) &&
        !hand_over(parts, tx, {*tx.inodes.find(row.inode), row.entry, by, deletion.now}, holder, changes);
    unbroken = unbroken && !stays;
    if (unbroken) modified = row.parent_modified_before;
    if (stays || !taken.insert(row.name).second) continue;
    if (row.kind != ItemKind::file) {
      ++subdirectories;
    } else {
      // Only where another name is left can somebody still look at the count that goes up again here.
      if (row.links > 0) changes.aftermath.push_back({row.inode, std::nullopt});
      tx.inodes.add_links(row.inode, 1, deletion.now);
    }
    tx.entries.set_item(directory.id, row.entry, TrashItemId{});
    tx.trash.remove(row.item);
    // One that changes hands may have done so before as the companion of another.
    if (row.at_owner || changes_hands) tx.events.remove_at_owner(deletion.session, row.item);
    if (seen_elsewhere) changes.aftermath.push_back({directory.id, EntryName::trusted(row.name)});
  }
  tx.inodes.directory_changed(directory.id, subdirectories, modified);
}

// What its session removed from a directory that it now removes as a whole goes back in: the tree in the trash is the
// tree that was deleted.
void fold(CoreParts& parts, Transaction& tx, const InodeRow& directory, const Deletion& deletion, Changes& changes) {
  const auto left = tx.entries.list(directory.id, EntryId{}, kContainers);
  std::unordered_set<std::string_view> taken;
  for (const auto& [entry, inode] : left) taken.insert(entry.name);
  put_back(parts, tx, deletion, directory, tx.trash.of_session_in(directory.id, deletion.session), std::move(taken),
           changes);
}

}  // namespace

// NAME, or NAME~2, NAME~3…: the first free name. Beyond a few it is found by doubling and halving, because a thousand
// files of one name may be in the trash; names that were freed in between may then be passed over.
EntryName free_trash_name(Transaction& tx, AccountId account, const EntryName& name) {
  const auto taken = [&](unsigned number) { return tx.trash.name_taken(account, numbered(name, number).bytes()); };
  unsigned free = 1;
  while (free <= 4 && taken(free)) ++free;
  if (free <= 4) return numbered(name, free);
  unsigned last_taken = 4;
  free = 8;
  while (taken(free)) {
    last_taken = free;
    free *= 2;
  }
  while (free - last_taken > 1) {
    const unsigned middle = last_taken + (free - last_taken) / 2;
    (taken(middle) ? last_taken : free) = middle;
  }
  return numbered(name, free);
}

TrashRow discard(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
                 const Origin& origin, Folding folding, Changes& changes, const std::optional<EntryName>& wanted) {
  const auto& [entry, inode] = doomed;
  const bool is_directory = S_ISDIR(inode.mode);
  if (folding == Folding::fold && is_directory) fold(parts, tx, inode, deletion, changes);
  // What an editor made in another account's item is in the editor's trash now, where nobody else can empty it. What
  // cannot change hands stays the other account's, whose trash it is in.
  const Account& actor = actor_of(deletion);
  const bool stays = !hand_over(parts, tx, {inode, entry.id, actor.id, deletion.now}, deletion.account, changes);
  const Account account = stays ? holder_of(tx, deletion.account, inode) : deletion.account;
  withdraw(tx, inode.id, deletion.now, changes);

  const EntryName own = EntryName::trusted(entry.name);
  TrashRow item{.id = tx.sequences.next_trash_item(),
                .account = account.id,
                .name = (wanted ? *wanted : own).bytes(),
                .kind = inode.kind,
                .parent = entry.parent,
                .entry = entry.id,
                .inode = inode.id,
                .origin = join(stays ? locate(tx, account, origin.directory).path : origin.path, entry.name),
                .session = deletion.session,
                .deleted_by = actor.id,
                .uid = deletion.caller.uid,
                .deleted = deletion.now,
                .parent_modified_before = tx.inodes.modified(entry.parent),
                .parent_modified_after = deletion.now};
  if (!tx.trash.insert(item)) {
    item.name = free_trash_name(tx, account.id, wanted ? *wanted : own).bytes();
    tx.trash.insert(item);
  }
  if (account.id != deletion.account.id)
    tx.events.insert_at_owner(EventKind::trash_at_owner, item.id, join(origin.path, entry.name), account.name);
  tx.entries.set_item(entry.parent, entry.id, item.id);
  tx.inodes.directory_changed(entry.parent, is_directory ? -1 : 0, deletion.now);
  if (!is_directory) {
    tx.inodes.add_links(inode.id, -1, deletion.now);
  } else if (folding == Folding::fold) {
    // The kernel has marked its inode dead. Under a new generation it makes another one for the same directory.
    tx.inodes.next_generation(inode.id, deletion.now);
  } else {
    tx.inodes.set_changed(inode.id, deletion.now);
  }
  parts.trash_view.touch();
  changes.seen.push_back({entry.parent, own});
  changes.seen.push_back({inode.id, std::nullopt});
  changes.seen.push_back({account.trash, EntryName::trusted(item.name)});
  return item;
}

void take_back(CoreParts& parts, Transaction& tx, const Deletion& deletion, const InodeRow& directory,
               Changes& changes) {
  std::deque<FoldableRow> rows = tx.trash.of_session_in(directory.id, deletion.session);
  std::erase_if(rows, [&](const FoldableRow& row) {
    const auto item = tx.trash.find(row.item);
    // Of what it replaced another has the name now.
    const bool is_own = item && item->deleted_by == deletion.account.id;
    return !is_own || tx.entries.find_live(directory.id, row.name);
  });
  if (rows.empty()) return;
  put_back(parts, tx, deletion, directory, rows, {}, changes);
  // It is still there, and no time that somebody has seen comes again.
  tx.inodes.set_changed(directory.id, deletion.now);
  parts.trash_view.touch();
}

void destroy(CoreParts& parts, Transaction& tx, const EntryWithInode& doomed, Timestamp now, Changes& changes) {
  const auto& [entry, inode] = doomed;
  const bool is_directory = S_ISDIR(inode.mode);
  tx.entries.remove(entry.parent, entry.id);
  tx.inodes.directory_changed(entry.parent, is_directory ? -1 : 0, now);
  if (!is_directory) tx.inodes.add_links(inode.id, -1, now);
  tx.purges.push(inode.id, OperationId{});
  parts.purger.wake();
  changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  changes.seen.push_back({inode.id, std::nullopt});
}

bool is_excluded(const CoreParts& parts, const std::string& name) {
  return std::ranges::any_of(parts.settings.trash.exclude, [&name](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

bool may_destroy(const Account& account, const InodeRow& doomed) {
  return !S_ISDIR(doomed.mode) && (doomed.owner == account.id || doomed.creator == account.id);
}

bool is_removable(Transaction& tx, const Account& account, const InodeRow& directory) {
  const auto has_live = [&](InodeId at) {
    return directory.owner == account.id ? tx.entries.has_live(at) : tx.entries.has_live_for(account.id, at);
  };
  if (!has_live(directory.id)) return true;
  if (directory.kind != ItemKind::project) return false;
  const auto children = tx.entries.list(directory.id, EntryId{}, kContainers + 1);
  return children.size() <= kContainers && std::ranges::all_of(children, [&has_live](const EntryWithInode& child) {
           const bool container = child.inode.kind == ItemKind::samples || child.inode.kind == ItemKind::analyses;
           return container && !has_live(child.inode.id);
         });
}

}  // namespace reprieve
