// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "core/accounts/arrival.h"
#include "core/parts.h"
#include "core/trash/batch.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/departure.h"
#include "core/trash/files_only.h"
#include "core/trash/history.h"
#include "core/trash/reinstatement.h"
#include "core/trash/removal.h"
#include "core/tree/namespace.h"
#include "core/view/ancestry.h"
#include "core/view/standing.h"

// rename(2) and what it means where one end lies in the trash: `mv ITEM .trash/` discards, `mv .trash/X DEST` restores.
namespace reprieve {
namespace {

// One rename under way.
struct Rename {
  CoreParts& parts;
  Transaction& tx;
  const Deletion& who;
  InodeId from;
  const EntryName& old_name;
  InodeId to;
  const EntryName& new_name;
  RenameMode mode;
  Changes& changes;
};

// The target directory, live, and what it holds under the new name already.
struct Target {
  InodeRow directory;
  Location location;
  std::optional<EntryWithInode> existing;
};

Result<Target> find_target(const Rename& r) {
  auto directory = r.tx.inodes.find(r.to);
  if (!directory) return fail(Errc::stale);
  if (!S_ISDIR(directory->mode)) return fail(Errc::not_directory);
  REPRIEVE_TRY(Location location, require_changeable(r.tx, r.who.account, r.to));
  auto existing = r.tx.entries.find_live_with_inode(r.to, r.new_name.bytes());
  if (existing && is_hidden(r.tx, r.who.account, *existing)) return fail(hidden_name(r.new_name));
  return Target{*directory, std::move(location), std::move(existing)};
}

Result<void> check_replacement(const Rename& r, const InodeRow& moved, const Target& target) {
  const InodeRow& existing = target.existing->inode;
  if (r.mode == RenameMode::no_replace) return fail(Errc::exists);
  REPRIEVE_TRY_VOID(judge_deletion(r.tx, r.who.account, *target.existing, target.location, Guard::heed));
  if (S_ISDIR(moved.mode) && !S_ISDIR(existing.mode)) return fail(Errc::not_directory);
  if (!S_ISDIR(moved.mode) && S_ISDIR(existing.mode)) return fail(Errc::is_directory);
  if (S_ISDIR(existing.mode) && !is_removable(r.tx, r.who.account, existing)) return fail(Errc::not_empty);
  // It goes to the owner's trash, who sees more in it than the account does.
  const bool is_others = fate_of(r.who.account, *target.existing, target.location) == Fate::hide;
  if (is_others && r.tx.entries.has_live(existing.id)) return fail(Errc::not_empty);
  if (is_others && existing.status == ItemStatus::running) return fail(Errc::running);
  return {};
}

// An editor replaces what it does not own: that goes to the trash of the account that does.
void make_way_for_guest(const Rename& r, const Target& target) {
  const Account holder = holder_of(r.tx, r.who.account, target.directory);
  const Deletion deletion{holder, r.who.session, r.who.caller, r.who.now, &r.who.account};
  const std::string path = locate(r.tx, holder, r.to).path;
  const TrashRow item = discard(r.parts, r.tx, deletion, *target.existing, {r.to, path}, Folding::fold, r.changes);
  const std::string replaced = join(target.location.path, r.new_name.bytes());
  r.tx.events.insert_at_owner(EventKind::replace, item.id, replaced, holder.name);
}

// What stands under the new name makes way: into the trash, or for good where trash.keep_replaced or trash.exclude say
// so. An empty directory always goes to the trash, as rmdir would send it.
void make_way(const Rename& r, const Target& target) {
  if (!target.existing) return;
  if (fate_of(r.who.account, *target.existing, target.location) == Fate::hide) return make_way_for_guest(r, target);
  const bool is_kept = r.parts.settings.trash.keep_replaced && !is_excluded(r.parts, r.new_name.bytes());
  if (!is_kept && may_destroy(r.who.account, target.existing->inode)) {
    destroy(r.parts, r.tx, *target.existing, r.who.now, r.changes);
  } else {
    take_away(r.parts, r.tx, r.who, *target.existing, target.location, Folding::fold, r.changes);
  }
}

// The new place of an inode, checked: kind, collision, and that a directory does not go into itself.
Result<Destination> prepare_destination(const Rename& r, const InodeRow& moved, const Target& target) {
  REPRIEVE_TRY(const ItemKind kind, placement(moved.kind, target.directory.kind, r.new_name));
  if (S_ISDIR(moved.mode) && is_within(r.tx, r.to, moved.id)) {
    return fail(Errc::invalid_argument, "a directory cannot be moved into itself");
  }
  if (target.existing) REPRIEVE_TRY_VOID(check_replacement(r, moved, target));
  return Destination{r.to, r.new_name, kind};
}

// The kernel takes what it finds under the new name for replaced, and this is still there. A directory it has marked
// dead (vfs_rename, fs/namei.c): nothing can be looked up in it. Under a new generation it makes another inode for it.
void survive(const Rename& r, InodeId inode) {
  const auto row = r.tx.inodes.find(inode);
  if (row && S_ISDIR(row->mode)) r.tx.inodes.next_generation(inode, r.who.now);
  r.changes.aftermath.push_back({inode, std::nullopt});
  r.changes.misleading = true;
}

// `mv .trash/RUN runs/` and `mv .trash/RUN runs/RUN/`.
bool leads_to(const Target& target, InodeId item) {
  return target.directory.id == item || (target.existing && target.existing->inode.id == item);
}

Result<void> restore_item(const Rename& r) {
  if (r.to == r.who.account.trash) return fail(Errc::in_trash, "the name of a trash item is fixed");
  const auto item = r.tx.trash.find_by_name(r.who.account.id, r.old_name.bytes());
  if (!item) return fail(Errc::not_found);
  const auto inode = r.tx.inodes.find(item->inode);
  REPRIEVE_TRY(const Target target, find_target(r));
  if (item->mode == TrashMode::files_only && leads_to(target, item->parent)) {
    REPRIEVE_TRY_VOID(put_files_back(r.parts, r.tx, r.who, *item, OnCollision::fail, r.changes));
    if (target.existing) survive(r, target.existing->inode.id);
    // The kernel has moved the folder of the files there, which is no more.
    r.changes.aftermath.push_back({r.to, r.new_name});
    return {};
  }
  REPRIEVE_TRY_VOID(require_one_owner(r.tx, {*inode, item->entry, r.who.account.id, r.who.now}, target.directory));
  REPRIEVE_TRY(const Destination destination, prepare_destination(r, *inode, target));
  if (target.existing && target.existing->inode.id == item->inode) return fail(Errc::exists);
  make_way(r, target);
  if (r.tx.trash.find(item->id)) {
    return reinstate(r.parts, r.tx, r.who, *item, destination, r.changes);
  }
  // What made way was the directory that the item came from, and has taken it up: now it is a part of that one's item.
  const auto entry = r.tx.entries.find(item->parent, item->entry);
  const Location location = locate(r.tx, r.who.account, item->parent);
  REPRIEVE_TRY_VOID(reinstate_part(r.parts, r.tx, r.who, {*entry, *inode}, location.item, destination, r.changes));
  r.changes.seen.push_back({r.who.account.trash, EntryName::trusted(item->name)});
  return {};
}

Result<void> restore_part(const Rename& r, const EntryWithInode& part, TrashItemId item) {
  if (r.to == r.who.account.trash) return fail(Errc::in_trash);
  REPRIEVE_TRY(const Target target, find_target(r));
  REPRIEVE_TRY_VOID(
      require_one_owner(r.tx, {part.inode, part.entry.id, r.who.account.id, r.who.now}, target.directory));
  REPRIEVE_TRY(const Destination destination, prepare_destination(r, part.inode, target));
  make_way(r, target);
  return reinstate_part(r.parts, r.tx, r.who, part, item, destination, r.changes);
}

Result<void> trash_item(const Rename& r, const EntryWithInode& moved, const Location& location) {
  REPRIEVE_TRY_VOID(judge_deletion(r.tx, r.who.account, moved, location, Guard::heed));
  const auto namesake = r.tx.trash.find_by_name(r.who.account.id, r.new_name.bytes());
  take_away(r.parts, r.tx, r.who, moved, location, Folding::keep, r.changes, r.new_name);
  if (namesake) survive(r, namesake->inode);
  // The kernel has moved its entry to the name that was asked for, and trusts it for as long as it trusted the old one.
  r.changes.aftermath.push_back({r.who.account.trash, r.new_name});
  return {};
}

// Whether the account may bring what lies at `from` to that name at `to`. trash.exclude destroys files by their names,
// which nobody is to give to what another has made. Errors of check_new_place().
Result<void> check_move(const Rename& r, const InodeRow& inode, const Location& from, const Location& to,
                        const EntryName& name) {
  REPRIEVE_TRY_VOID(check_new_place(r.tx, r.who.account, inode, from, to));
  const bool is_own = from.role == Role::owner || inode.creator == r.who.account.id;
  if (is_own || S_ISDIR(inode.mode) || !is_excluded(r.parts, name.bytes())) return {};
  return fail(Errc::not_yours, "only its owner may give it a name that is not kept in the trash");
}

Result<void> exchange(const Rename& r, const EntryWithInode& moved, const Location& from) {
  REPRIEVE_TRY(const Target target, find_target(r));
  if (!target.existing) return fail(Errc::not_found);
  const EntryWithInode& other = *target.existing;
  const bool shared_items = moved.entry.role != Role::owner || other.entry.role != Role::owner;
  if (shared_items || moved.inode.owner != other.inode.owner)
    return fail(Errc::not_yours, "what is shared cannot change places with something else");
  REPRIEVE_TRY_VOID(check_move(r, moved.inode, from, target.location, r.new_name));
  REPRIEVE_TRY_VOID(check_move(r, other.inode, target.location, from, r.old_name));
  const auto source_directory = r.tx.inodes.find(r.from);
  REPRIEVE_TRY(const ItemKind moved_kind, placement(moved.inode.kind, target.directory.kind, r.new_name));
  REPRIEVE_TRY(const ItemKind other_kind, placement(other.inode.kind, source_directory->kind, r.old_name));
  if ((S_ISDIR(moved.inode.mode) && is_within(r.tx, r.to, moved.inode.id)) ||
      (S_ISDIR(other.inode.mode) && is_within(r.tx, r.from, other.inode.id))) {
    return fail(Errc::invalid_argument, "a directory cannot be moved into itself");
  }
  // Hidden was what the names led to.
  r.tx.hidden.entry_removed(r.from, moved.entry.id);
  r.tx.hidden.entry_removed(r.to, other.entry.id);
  r.tx.entries.set_inode(r.from, moved.entry.id, other.inode.id);
  r.tx.entries.set_inode(r.to, other.entry.id, moved.inode.id);
  const int came = static_cast<int>(S_ISDIR(moved.inode.mode)) - static_cast<int>(S_ISDIR(other.inode.mode));
  r.tx.inodes.directory_changed(r.to, came, r.who.now);
  r.tx.inodes.directory_changed(r.from, -came, r.who.now);
  const auto arrive = [&r](const InodeRow& inode, ItemKind kind) {
    r.tx.inodes.set_changed(inode.id, r.who.now);
    if (S_ISDIR(inode.mode)) settle_kind(r.tx, r.who.account, inode, kind, r.who.caller, r.who.now);
  };
  arrive(moved.inode, moved_kind);
  arrive(other.inode, other_kind);
  settle_hidden(r.tx, r.to, moved.inode.id);
  settle_hidden(r.tx, r.from, other.inode.id);
  if (from.top != target.location.top) {
    settle_audience(r.tx, r.who.account, moved.inode, target.directory, r.changes);
    settle_audience(r.tx, r.who.account, other.inode, *source_directory, r.changes);
  }
  r.changes.seen = {{r.from, r.old_name}, {r.to, r.new_name}};
  return {};
}

// A collaborator gives a shared item another name: that is a matter of its own view.
void rename_shared(const Rename& r, const EntryWithInode& moved) {
  r.tx.entries.move(moved.entry, r.to, r.new_name.bytes());
  r.tx.inodes.directory_changed(r.to, 0, r.who.now);
  r.tx.grants.set_name(moved.inode.id, r.who.account.id, r.new_name.bytes());
  r.changes.seen.push_back({r.from, r.old_name});
  r.changes.seen.push_back({r.to, r.new_name});
}

Result<void> move_live(const Rename& r, const EntryWithInode& moved, const Location& from) {
  REPRIEVE_TRY(const Target target, find_target(r));
  if (moved.entry.role == Role::owner) REPRIEVE_TRY_VOID(check_move(r, moved.inode, from, target.location, r.new_name));
  // Two names of one file: POSIX has rename(2) do nothing and succeed.
  if (target.existing && target.existing->inode.id == moved.inode.id) {
    if (r.mode == RenameMode::no_replace) return fail(Errc::exists);
    return {};
  }
  if (moved.entry.role == Role::owner)
    REPRIEVE_TRY_VOID(
        require_one_owner(r.tx, {moved.inode, moved.entry.id, r.who.account.id, r.who.now}, target.directory));
  REPRIEVE_TRY(const Destination destination, prepare_destination(r, moved.inode, target));
  make_way(r, target);
  if (moved.entry.role != Role::owner) {
    rename_shared(r, moved);
    return {};
  }
  const bool is_directory = S_ISDIR(moved.inode.mode);
  r.tx.entries.move(moved.entry, r.to, r.new_name.bytes());
  const int leaves = is_directory && r.from != r.to ? 1 : 0;
  r.tx.inodes.directory_changed(r.from, -leaves, r.who.now);
  if (r.from != r.to) r.tx.inodes.directory_changed(r.to, leaves, r.who.now);
  r.tx.inodes.set_changed(moved.inode.id, r.who.now);
  REPRIEVE_TRY_VOID(settle_owner(r.parts, r.tx, r.who, moved.inode, moved.entry.id, target.directory, r.changes));
  if (from.top != target.location.top) settle_audience(r.tx, r.who.account, moved.inode, target.directory, r.changes);
  settle_hidden(r.tx, r.to, moved.inode.id);
  if (is_directory) settle_kind(r.tx, r.who.account, moved.inode, destination.kind, r.who.caller, r.who.now);
  r.changes.seen.push_back({r.from, r.old_name});
  r.changes.seen.push_back({r.to, r.new_name});
  r.changes.seen.push_back({moved.inode.id, std::nullopt});
  return {};
}

Result<void> carry_out(const Rename& r) {
  const Account& account = r.who.account;
  if (r.mode == RenameMode::exchange && (r.from == account.trash || r.to == account.trash)) {
    return fail(Errc::invalid_argument, "nothing can be exchanged with what is in the trash");
  }
  if (r.from == account.trash) return restore_item(r);
  const auto moved = r.tx.entries.find_live_with_inode(r.from, r.old_name.bytes());
  if (!moved || is_hidden(r.tx, account, *moved)) return fail(Errc::not_found);
  const Location location = locate(r.tx, account, r.from);
  if (location.life == Life::purged) return fail(Errc::not_found);
  if (location.life == Life::trashed) {
    if (r.mode == RenameMode::exchange) return fail(Errc::in_trash);
    REPRIEVE_TRY_VOID(find_item(r.tx, account, location.item));
    return restore_part(r, *moved, location.item);
  }
  if (r.to == account.trash) return trash_item(r, *moved, location);
  if (r.mode == RenameMode::exchange) {
    if (location.role == Role::viewer) return fail(Errc::viewer_only);
    return exchange(r, *moved, location);
  }
  return move_live(r, *moved, location);
}

}  // namespace

Result<void> Namespace::rename(const Account& account, InodeId from, const EntryName& old_name, InodeId to,
                               const EntryName& new_name, RenameMode mode, const Caller& caller) {
  // Every rename may send something to the trash: what it replaces, or the item itself.
  REPRIEVE_TRY(const SessionId session, parts_.sessions.of(account, caller));
  Changes changes{.through = caller.mount};
  auto renamed = parts_.store->write([&](Transaction& tx) -> Result<void> {
    const Deletion who{account, session, caller, parts_.clock.now()};
    REPRIEVE_TRY_VOID(carry_out({parts_, tx, who, from, old_name, to, new_name, mode, changes}));
    tx.requests.carried_out(caller);
    return {};
  });
  if (renamed) parts_.announce(changes);
  return renamed;
}

}  // namespace reprieve
