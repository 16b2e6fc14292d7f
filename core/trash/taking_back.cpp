// SPDX-License-Identifier: Apache-2.0
#include "core/trash/taking_back.h"

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "core/accounts/arrival.h"
#include "core/accounts/sharing.h"
#include "core/parts.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/departure.h"
#include "core/trash/files_only.h"
#include "core/trash/history.h"
#include "core/trash/reinstatement.h"
#include "core/view/ancestry.h"
#include "core/view/item_kind.h"

namespace reprieve {
namespace {

BatchOutcome done(const TakingBack& t, EventKind effect, std::string path) {
  BatchOutcome outcome{.state = BatchState::done, .subject = t.event.path, .path = std::move(path)};
  outcome.effect = effect;
  return outcome;
}

constexpr const char* kNotThere = "what was restored is no longer there";

// There is nothing to be taken back any more, so that the next undo goes further.
BatchOutcome skipped(const TakingBack& t, std::string reason) {
  BatchOutcome outcome{.state = BatchState::skipped, .subject = t.event.path};
  outcome.reason = std::move(reason);
  return outcome;
}

// What was restored, where the account sees it live now.
struct Restored {
  EntryWithInode what;
  Location parent;
  Fate fate = Fate::trash;
};

Result<std::optional<Restored>> find_restored(const TakingBack& t) {
  for (const EntryRow& place : t.tx.entries.places(t.event.inode)) {
    if (place.item) continue;
    Location parent = locate(t.tx, t.who.account, place.parent);
    if (parent.life != Life::live) continue;
    EntryWithInode what{place, *t.tx.inodes.find(t.event.inode)};
    REPRIEVE_TRY(const Fate fate, judge_deletion(t.tx, t.who.account, what, parent, t.guard));
    return std::optional(Restored{std::move(what), std::move(parent), fate});
  }
  return std::optional<Restored>();
}

Result<BatchOutcome> trash_again(const TakingBack& t) {
  REPRIEVE_TRY(const auto restored, find_restored(t));
  if (!restored) return skipped(t, kNotThere);
  const Removed removed = take_away(t.parts, t.tx, t.who, restored->what, restored->parent, Folding::keep, t.changes);
  BatchOutcome outcome = done(t, event_of(removed.fate), {});
  removed.tell_of_item(t.who.account, outcome);
  return outcome;
}

// Where in the tree of an item a part of it was, and under which name.
struct Home {
  TrashRow item;
  InodeRow directory;
  EntryName name;
};

// None: the item is gone, or has changed so that the part has no place there any more.
std::optional<Home> find_home(const TakingBack& t, const InodeRow& part) {
  auto item = t.tx.trash.find(t.event.item);
  if (!item || item->account != t.who.account.id) return std::nullopt;
  std::string_view path = t.event.detail;  // .trash/ITEM/…/NAME
  if (is_cut(path)) return std::nullopt;
  for (int i = 0; i < 2; ++i) path.remove_prefix(std::min(path.find('/'), path.size() - 1) + 1);
  auto directory = t.tx.inodes.find(item->inode);
  for (std::size_t slash = 0; directory && (slash = path.find('/')) != std::string_view::npos;) {
    const auto next = t.tx.entries.find_live_with_inode(directory->id, std::string(path.substr(0, slash)));
    path.remove_prefix(slash + 1);
    directory = next ? std::optional(next->inode) : std::nullopt;
  }
  auto name = EntryName::parse(path);
  if (!directory || !name || !placement(part.kind, directory->kind, *name)) return std::nullopt;
  if (t.tx.entries.find_live(directory->id, name->bytes())) return std::nullopt;
  return Home{*std::move(item), *directory, *std::move(name)};
}

// Back into the tree that it was taken from; else it becomes an item of its own.
Result<BatchOutcome> put_part_back(const TakingBack& t) {
  REPRIEVE_TRY(const auto restored, find_restored(t));
  if (!restored) return skipped(t, kNotThere);
  const auto& [entry, inode] = restored->what;
  const auto home = restored->fate == Fate::trash ? find_home(t, inode) : std::nullopt;
  const Handed handed{inode, entry.id, t.who.account.id, t.who.now};
  const bool fits = home && !is_within(t.tx, home->directory.id, inode.id) &&
                    require_one_owner(t.tx, handed, home->directory).has_value();
  if (!fits) return trash_again(t);
  const bool is_directory = S_ISDIR(inode.mode);
  withdraw(t.tx, inode.id, t.who.now, t.changes);
  t.tx.entries.move(entry, home->directory.id, home->name.bytes());
  t.tx.inodes.set_changed(inode.id, t.who.now);
  t.tx.inodes.directory_changed(entry.parent, is_directory ? -1 : 0, t.who.now);
  if (is_directory) t.tx.inodes.add_links(home->directory.id, 1, t.who.now);
  t.tx.trash.clear_figures(home->item.id);
  REPRIEVE_TRY_VOID(settle_owner(t.parts, t.tx, t.who, inode, entry.id, home->directory, t.changes));
  settle_hidden(t.tx, home->directory.id, inode.id);
  t.parts.trash_view.touch();
  t.changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  t.changes.seen.push_back({home->directory.id, home->name});
  t.changes.seen.push_back({inode.id, std::nullopt});
  BatchOutcome outcome = done(t, EventKind::trash, home->item.name);
  outcome.id = home->item.id;
  return outcome;
}

Result<BatchOutcome> take_files_again(const TakingBack& t) {
  REPRIEVE_TRY(const auto restored, find_restored(t));
  if (!restored) return skipped(t, kNotThere);
  if (restored->fate != Fate::trash) return fail(Errc::not_yours);
  REPRIEVE_TRY(const TrashRow item, take_files(t.parts, t.tx, t.who, restored->what, restored->parent.path, t.changes));
  BatchOutcome outcome = done(t, EventKind::trash, {});
  Removed{Fate::trash, item}.tell_of_item(t.who.account, outcome);
  return outcome;
}

BatchOutcome done_at_owner(const TakingBack& t, const TrashRow& item, std::string path) {
  BatchOutcome outcome = done(t, EventKind::restore, std::move(path));
  outcome.id = item.id;
  outcome.subject = item.name;
  return outcome;
}

// What is in its owner's trash comes back to that; what has its name goes the way of anything that the account deletes.
Result<BatchOutcome> put_back_at_owner(const TakingBack& t) {
  const Account& account = t.who.account;
  const auto item = t.tx.trash.find(t.event.item);
  const auto holder = item ? t.tx.accounts.find(item->account) : std::nullopt;
  if (!holder) return skipped(t, "its owner has restored or destroyed it");
  REPRIEVE_TRY(const Location parent, require_changeable(t.tx, account, item->parent));
  const auto inode = t.tx.inodes.find(item->inode);
  const auto directory = t.tx.inodes.find(item->parent);
  const auto entry = t.tx.entries.find(item->parent, item->entry);
  const EntryName name = EntryName::trusted(entry->name);
  const Deletion for_holder{*holder, t.who.session, t.who.caller, t.who.now, &account};
  if (item->mode == TrashMode::files_only) {
    // Nothing that the owner has made there meanwhile gives way.
    REPRIEVE_TRY_VOID(put_files_back(t.parts, t.tx, for_holder, *item, OnCollision::fail, t.changes));
    return done_at_owner(t, *item, parent.path);
  }
  if (directory->owner != inode->owner)
    return fail(Errc::not_yours, "where it was is another account's now; its owner may restore it");
  REPRIEVE_TRY(const ItemKind kind, placement(inode->kind, directory->kind, name));
  if (const auto taken = t.tx.entries.find_live_with_inode(directory->id, entry->name)) {
    REPRIEVE_TRY_VOID(clear_place(t.parts, t.tx, t.who, *taken, parent, t.guard, t.changes));
    const auto still = t.tx.trash.find(item->id);
    if (!still || still->account != holder->id)
      return fail(Errc::exists, "\"" + entry->name + "\" is taken there by what has another name of it");
  }
  REPRIEVE_TRY_VOID(reinstate(t.parts, t.tx, for_holder, *item, {directory->id, name, kind}, t.changes));
  return done_at_owner(t, *item, join(parent.path, name.bytes()));
}

Result<BatchOutcome> come_back(const TakingBack& t) {
  REPRIEVE_TRY_VOID(rejoin(t.tx, t.who.account, t.event.inode, t.who.now, t.changes));
  const std::string path = locate(t.tx, t.who.account, t.event.inode).path;
  t.tx.events.insert(event_of(t.who, EventKind::rejoin, t.event.inode, path));
  return done(t, EventKind::rejoin, path);
}

Result<BatchOutcome> unhide(const TakingBack& t) {
  for (const HiddenRow& row : t.tx.hidden.of_session(t.event.session)) {
    const auto entry = t.tx.entries.find(row.parent, row.entry);
    if (!entry || entry->inode != t.event.inode) continue;
    t.tx.hidden.remove(row);
    t.changes.seen.push_back({row.parent, EntryName::trusted(entry->name)});
    const std::string path = join(locate(t.tx, t.who.account, row.parent).path, entry->name);
    t.tx.events.insert(event_of(t.who, EventKind::unhide, t.event.inode, path));
    return done(t, EventKind::unhide, path);
  }
  return skipped(t, "it is not hidden any more");
}

}  // namespace

bool can_be_taken_back(EventKind kind) {
  switch (kind) {
    case EventKind::restore:
    case EventKind::restore_part:
    case EventKind::restore_files:
    case EventKind::replace:
    case EventKind::trash_at_owner:
    case EventKind::leave:
    case EventKind::hide: return true;
    default: return false;
  }
}

Result<BatchOutcome> taken_back(const TakingBack& t) {
  switch (t.event.kind) {
    case EventKind::restore: return trash_again(t);
    case EventKind::restore_part: return put_part_back(t);
    case EventKind::restore_files: return take_files_again(t);
    case EventKind::replace:
    case EventKind::trash_at_owner: return put_back_at_owner(t);
    case EventKind::leave: return come_back(t);
    case EventKind::hide: return unhide(t);
    default: return fail(Errc::internal);
  }
}

}  // namespace reprieve
