// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "core/accounts/arrival.h"
#include "core/requests/once.h"
#include "core/trash/batch.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/departure.h"
#include "core/trash/files_only.h"
#include "core/trash/reinstatement.h"
#include "core/trash/removal.h"
#include "core/trash/trash.h"
#include "core/view/ancestry.h"
#include "core/view/free_entry_name.h"
#include "core/view/standing.h"

// Trash::restore: items back to where they came from, or to a directory of the caller's choice.
namespace reprieve {
namespace {

// Items that a rehearsal puts back for another one: a transaction has numbers for about twice as many.
constexpr std::size_t kMostRehearsed = 200;

// One restore under way, inside its transaction.
struct Restore {
  CoreParts& parts;
  Transaction& tx;
  const Deletion& who;
  const TrashRow& item;
  const RestoreOptions& options;
  Changes& changes;
};

struct Outcome {
  BatchState state = BatchState::done;
  std::string path = {};
  std::string taken = {};  // why it was skipped
};

// The directory at `path` below the root, each missing component made as the folder (or project, run…) that it would be
// there. Errors: those of placement, not_directory, name_too_long.
Result<InodeRow> make_path(const Restore& r, std::string_view path) {
  constexpr int kMostFolders = 256;  // one transaction has no more numbers to give out
  int made_folders = 0;
  auto at = r.tx.inodes.find(r.who.account.root);
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    REPRIEVE_TRY(const EntryName name, EntryName::parse(path.substr(0, slash)));
    path.remove_prefix(std::min(slash + 1, path.size()));
    auto next = r.tx.entries.find_live_with_inode(at->id, name.bytes());
    if (next) {
      if (!S_ISDIR(next->inode.mode)) return fail(Errc::not_directory, "\"" + name.bytes() + "\" is not a directory");
      at = next->inode;
      continue;
    }
    REPRIEVE_TRY_VOID(require_changeable(r.tx, r.who.account, at->id));
    if (++made_folders > kMostFolders) return fail(Errc::name_too_long, "too many folders would have to be made again");
    REPRIEVE_TRY(const ItemKind kind, placement(ItemKind::folder, at->kind, name));
    constexpr mode_t kMode = S_IFDIR | 0755;
    const Caller owner{.uid = r.who.account.uid, .gid = r.who.account.gid};
    const InodeRow made = make_inode({r.who.account, holder_of(r.tx, r.who.account, *at)}, r.tx.sequences.next_inode(),
                                     ItemKind::folder, kMode, *at, owner, r.who.now);
    r.tx.inodes.insert(made, nullptr);
    add_entry(r.tx, at->id, name.bytes(), made.id);
    r.tx.inodes.directory_changed(at->id, 1, r.who.now);
    settle_kind(r.tx, r.who.account, made, kind, owner, r.who.now);
    r.changes.seen.push_back({at->id, name});
    at = r.tx.inodes.find(made.id);
  }
  REPRIEVE_TRY_VOID(require_changeable(r.tx, r.who.account, at->id));
  return *at;
}

std::string directory_part(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

// Whether the account has hidden the live directory, or one that it lies in.
bool lies_hidden(Transaction& tx, const Account& account, InodeId directory) {
  if (!tx.hidden.any(account.id)) return false;
  for (InodeId at = directory; at != account.root;) {
    const auto place = place_in_tree(tx, account, at);
    const auto inode = tx.inodes.find(at);
    if (!place || !inode) return false;
    if (is_hidden(tx, account, {*place, *inode})) return true;
    at = place->parent;
  }
  return false;
}

Result<InodeRow> find_directory(const Restore& r) {
  if (r.options.to) {
    InodeId at = r.who.account.root;
    if (r.options.to->find_first_not_of('/') != std::string::npos) {
      REPRIEVE_TRY(const PathTarget target, r.parts.names.resolve_in(r.tx, r.who.account, *r.options.to));
      at = target.inode;
    }
    auto directory = r.tx.inodes.find(at);
    if (!directory) return fail(Errc::not_found, *r.options.to + " does not exist");
    if (!S_ISDIR(directory->mode)) return fail(Errc::not_directory, *r.options.to + " is not a directory");
    REPRIEVE_TRY_VOID(require_changeable(r.tx, r.who.account, at));
    return *directory;
  }
  const Location location = locate(r.tx, r.who.account, r.item.parent);
  if (location.life == Life::live) {
    if (location.role == Role::viewer) return fail(Errc::viewer_only);
    if (lies_hidden(r.tx, r.who.account, r.item.parent))
      return fail(Errc::not_found, location.path + " is hidden; take that back with undo, or restore with --to DIR");
    if (auto directory = r.tx.inodes.find(r.item.parent)) return *directory;
  }
  const std::string parent_path = directory_part(r.item.origin);
  if (r.options.recreate_parents && is_cut(parent_path))
    return fail(Errc::name_too_long, "where it was lies too deep to be made again; restore with --to DIR");
  if (r.options.recreate_parents) return make_path(r, parent_path);
  // Of another account's trash nothing is told: what is in it is not there.
  const bool is_in_own_trash =
      location.life == Life::trashed && find_item(r.tx, r.who.account, location.item).has_value();
  const Errc code = is_in_own_trash ? Errc::parent_in_trash : Errc::parent_purged;
  return fail(
      code, std::string(default_reason(code)) + " (" + parent_path + "); restore with --recreate-parents or --to DIR");
}

// Settles what happens when the name is taken. None: nothing is to be restored.
Result<std::optional<EntryName>> resolve_collision(const Restore& r, const InodeRow& directory, EntryName name) {
  const auto existing = r.tx.entries.find_live_with_inode(directory.id, name.bytes());
  if (!existing) return std::optional(std::move(name));
  const bool needs_name = r.options.on_collision == OnCollision::fail || r.options.on_collision == OnCollision::replace;
  if (needs_name && is_hidden(r.tx, r.who.account, *existing)) return fail(hidden_name(name));
  switch (r.options.on_collision) {
    case OnCollision::fail: return fail(Errc::exists, "\"" + name.bytes() + "\" is taken there; see --on-collision");
    case OnCollision::skip: return std::optional<EntryName>();
    case OnCollision::rename: return std::optional(free_entry_name(r.tx, directory.id, name));
    case OnCollision::replace: {
      const Location location = locate(r.tx, r.who.account, directory.id);
      REPRIEVE_TRY_VOID(clear_place(r.parts, r.tx, r.who, *existing, location, r.options.guard, r.changes));
      return std::optional(std::move(name));
    }
  }
  return fail(Errc::internal);
}

// The files of a run or an analysis, into it.
Result<Outcome> restore_files(const Restore& r, const Location& record) {
  REPRIEVE_TRY(const bool all_back, put_files_back(r.parts, r.tx, r.who, r.item, r.options.on_collision, r.changes));
  if (all_back) return Outcome{BatchState::done, record.path};
  return Outcome{BatchState::skipped, record.path, "names in " + record.path + " are taken"};
}

Result<Outcome> carry_out(const Restore& r) {
  const auto inode = r.tx.inodes.find(r.item.inode);
  const auto entry = r.tx.entries.find(r.item.parent, r.item.entry);
  if (!inode || !entry) return fail(Errc::internal, "the trash item has lost its entry");
  if (r.item.mode == TrashMode::files_only && !r.options.to) {
    const Location record = locate(r.tx, r.who.account, r.item.parent);
    if (record.life == Life::live && record.role == Role::viewer) return fail(Errc::viewer_only);
    if (record.life == Life::live) return restore_files(r, record);
  }
  REPRIEVE_TRY(const InodeRow directory, find_directory(r));
  REPRIEVE_TRY_VOID(placement(inode->kind, directory.kind, EntryName::trusted(entry->name)));
  REPRIEVE_TRY_VOID(require_one_owner(r.tx, {*inode, entry->id, r.who.account.id, r.who.now}, directory));
  REPRIEVE_TRY(const auto name, resolve_collision(r, directory, EntryName::trusted(entry->name)));
  const auto place = [&](const std::string& bytes) {
    return join(locate(r.tx, r.who.account, directory.id).path, bytes);
  };
  if (!name) return Outcome{BatchState::skipped, {}, place(entry->name) + " is taken"};
  REPRIEVE_TRY(const ItemKind kind, placement(inode->kind, directory.kind, *name));
  REPRIEVE_TRY_VOID(reinstate(r.parts, r.tx, r.who, r.item, {directory.id, *name, kind}, r.changes));
  return Outcome{BatchState::done, place(name->bytes())};
}

BatchOutcome to_outcome(const Outcome& outcome, TrashItemId id, const std::string& subject) {
  if (outcome.state != BatchState::skipped)
    return {.state = outcome.state, .id = id, .subject = subject, .path = outcome.path};
  BatchOutcome skipped = failed_outcome(subject, {Errc::exists, outcome.taken}, id);
  skipped.state = BatchState::skipped;
  skipped.path = outcome.path;
  return skipped;
}

}  // namespace

std::vector<BatchOutcome> Trash::restore(const Account& account, std::vector<TrashItemId> ids,
                                         const RestoreOptions& options, const Caller& caller) {
  using Ids = std::vector<TrashItemId>;
  const auto ordered = choose_once<Ids>(parts_, caller.part, Step::order, [&]() -> Result<Ids> {
    REPRIEVE_TRY(Ids all, with_groups(account, ids, options));
    // A directory is trashed after what was trashed from inside it, and has to be back before that can go into it.
    std::ranges::sort(all, std::ranges::greater{});
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
  });
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(ids.size());
  if (!ordered) {
    for (const TrashItemId id : ids)
      outcomes.push_back(failed_outcome(std::to_string(id.number()), ordered.error(), id));
    return outcomes;
  }
  if (options.rehearse) return rehearse(account, *ordered, options, caller);
  for (std::size_t i = 0; i < ordered->size(); ++i)
    outcomes.push_back(restore_one(account, (*ordered)[i], options, caller, step_number(i)));
  return outcomes;
}

Result<std::vector<TrashItemId>> Trash::with_groups(const Account& account, const std::vector<TrashItemId>& ids,
                                                    const RestoreOptions& options) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<TrashItemId>> {
    std::vector<TrashItemId> all = ids;
    for (const TrashItemId id : ids) {
      const auto item = tx.trash.find(id);
      if (!item || !item->together || (!options.together && item->together != id)) continue;
      for (const TrashRow& member : tx.trash.group(account.id, item->together)) all.push_back(member.id);
    }
    return all;
  });
}

BatchOutcome Trash::restore_one(const Account& account, TrashItemId id, const RestoreOptions& options,
                                const Caller& caller, Step step) {
  std::string subject = std::to_string(id.number());
  Changes changes{.through = caller.mount};
  const auto session = parts_.sessions.of(account, caller);
  if (!session) return failed_outcome(subject, session.error(), id);
  auto restored = write_once<BatchOutcome>(parts_, caller.part, step, [&](Transaction& tx) -> Result<BatchOutcome> {
    const Deletion who{account, *session, caller, parts_.clock.now()};
    REPRIEVE_TRY(const TrashRow item, find_item(tx, account, id));
    subject = item.name;
    REPRIEVE_TRY(const Outcome outcome, carry_out({parts_, tx, who, item, options, changes}));
    if (options.as_undo) {
      for (const EventRow& event : tx.events.of_session(*session)) {
        const bool is_restore = event.kind == EventKind::restore || event.kind == EventKind::restore_files;
        if (is_restore && event.item == id) tx.events.set_is_undo(event.id);
      }
    }
    return to_outcome(outcome, id, subject);
  });
  if (!restored) return failed_outcome(subject, restored.error(), id);
  parts_.announce(changes);
  return *std::move(restored);
}

std::vector<BatchOutcome> Trash::rehearse(const Account& account, const std::vector<TrashItemId>& ids,
                                          const RestoreOptions& options, const Caller& caller) {
  std::vector<BatchOutcome> outcomes;
  // Of the items that would be back by then: which of the others have to be back before each, and where it would be.
  std::map<TrashItemId, std::vector<TrashItemId>> back;
  std::map<std::pair<InodeId, std::string>, std::vector<TrashItemId>> by_place;
  for (const TrashItemId id : ids) {
    std::pair<InodeId, std::string> place;
    std::vector<TrashItemId> before;
    const auto add = [&](TrashItemId needed) {
      const auto known = back.find(needed);
      if (known == back.end()) return;
      before.insert(before.end(), known->second.begin(), known->second.end());
      before.push_back(needed);
    };
    static_cast<void>(parts_.store->read([&](Transaction& tx) -> Result<void> {
      REPRIEVE_TRY(const TrashRow item, find_item(tx, account, id));
      const auto entry = tx.entries.find(item.parent, item.entry);
      place = {options.to ? InodeId() : item.parent, entry ? entry->name : std::string()};
      if (!options.to) add(locate(tx, account, item.parent).item);
      return {};
    }));
    for (const TrashItemId same : by_place[place]) add(same);
    std::ranges::sort(before, std::ranges::greater{});
    before.erase(std::unique(before.begin(), before.end()), before.end());
    outcomes.push_back(rehearse_one(account, id, before, options, caller));
    if (outcomes.back().state != BatchState::done) continue;
    by_place[place].push_back(id);
    back.emplace(id, std::move(before));
  }
  return outcomes;
}

BatchOutcome Trash::rehearse_one(const Account& account, TrashItemId id, const std::vector<TrashItemId>& before,
                                 const RestoreOptions& options, const Caller& caller) {
  std::string subject = std::to_string(id.number());
  if (before.size() > kMostRehearsed)
    return failed_outcome(subject, {Errc::too_large, "too many items have to be back before it for a dry run"}, id);
  Changes changes{.through = caller.mount};
  Result<Outcome> found = fail(Errc::internal);
  const auto rolled_back = parts_.store->write([&](Transaction& tx) -> Result<void> {
    const Deletion who{account, {}, caller, parts_.clock.now()};
    for (const TrashItemId each : before) {
      REPRIEVE_TRY(const TrashRow item, find_item(tx, account, each));
      REPRIEVE_TRY(const Outcome done, carry_out({parts_, tx, who, item, options, changes}));
    }
    REPRIEVE_TRY(const TrashRow item, find_item(tx, account, id));
    subject = item.name;
    found = carry_out({parts_, tx, who, item, options, changes});
    return fail(Errc::interrupted);
  });
  if (rolled_back.error().code != Errc::interrupted) found = fail(rolled_back.error());
  return found ? to_outcome(*found, id, subject) : failed_outcome(subject, found.error(), id);
}

}  // namespace reprieve
