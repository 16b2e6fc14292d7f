// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <utility>

#include "core/accounts/associations.h"
#include "core/requests/once.h"
#include "core/trash/batch.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/files_only.h"
#include "core/trash/trash.h"
#include "core/trash/trash_group.h"
#include "core/view/standing.h"

// Trash::trash_paths: an item alone, with what was made from it, or its files alone.
namespace reprieve {
namespace {

// What one transaction trashes of a group: SequenceRows sets aside numbers for twice as many.
constexpr std::size_t kPortion = 256;

// One thing to be trashed: a live entry, and where it is.
struct Doomed {
  EntryWithInode what;
  Location parent;
  Fate fate;
};

Result<Doomed> require_doomed(Transaction& tx, const Account& account, InodeId directory, const std::string& name,
                              Guard guard) {
  auto what = tx.entries.find_live_with_inode(directory, name);
  if (!what || is_hidden(tx, account, *what)) return fail(Errc::not_found, name + " does not exist");
  Location parent = locate(tx, account, directory);
  REPRIEVE_TRY(const Fate fate, judge_deletion(tx, account, *what, parent, guard));
  return Doomed{*std::move(what), std::move(parent), fate};
}

Result<Doomed> find_doomed(Transaction& tx, const Account& account, const std::string& path, Guard guard) {
  REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
  if (target.parent == account.trash) return fail(Errc::in_trash, path + " is in the trash already");
  return require_doomed(tx, account, target.parent, target.name.bytes(), guard);
}

BatchOutcome done(const Account& account, const Removed& removed, const std::string& path) {
  BatchOutcome outcome{.state = BatchState::done, .subject = path};
  outcome.effect = event_of(removed.fate);
  removed.tell_of_item(account, outcome);
  return outcome;
}

}  // namespace

Result<std::vector<EntryRow>> find_group(Transaction& tx, const Account& account, const std::string& path,
                                         Guard guard) {
  REPRIEVE_TRY(const Doomed first, find_doomed(tx, account, path, guard));
  const ItemKind kind = first.what.inode.kind;
  if (kind != ItemKind::run && kind != ItemKind::sample) {
    return fail(Errc::invalid_argument, "only a run or a sample has associated items to be trashed with it");
  }
  if (first.fate != Fate::trash)
    return fail(Errc::not_yours, "only its owner can delete what was made from it with it");
  std::vector<EntryRow> group{first.what.entry};
  for (const InodeId made : made_from(tx, first.what.inode.id)) {
    for (EntryRow& place : live_places(tx, account, made)) {
      auto doomed = require_doomed(tx, account, place.parent, place.name, guard);
      if (!doomed && doomed.error().code != Errc::not_found) return fail(std::move(doomed).error());
      // What belongs to others, or is hidden, is left alone.
      if (doomed && doomed->fate == Fate::trash) group.push_back(std::move(place));
    }
  }
  return group;
}

std::vector<BatchOutcome> Trash::trash_paths(const Account& account, const std::vector<std::string>& paths,
                                             const Caller& caller, const TrashHow& how) {
  std::vector<BatchOutcome> outcomes;
  for (const std::string& path : paths) {
    auto trashed = how.mode == TrashMode::with_associated ? trash_group(account, path, caller, how)
                                                          : trash_path(account, path, caller, how);
    if (!trashed) {
      outcomes.push_back(failed_outcome(path, trashed.error()));
      continue;
    }
    std::ranges::move(*trashed, std::back_inserter(outcomes));
  }
  return outcomes;
}

Result<std::vector<BatchOutcome>> Trash::trash_path(const Account& account, const std::string& path,
                                                    const Caller& caller, const TrashHow& how) {
  REPRIEVE_TRY(const SessionId session, parts_.sessions.of(account, caller));
  Changes changes{.through = caller.mount};
  const auto trash = [&](Transaction& tx) -> Result<BatchOutcome> {
    REPRIEVE_TRY(const Doomed doomed, find_doomed(tx, account, path, how.guard));
    const Deletion deletion{account, session, caller, parts_.clock.now()};
    if (how.mode == TrashMode::files_only) {
      if (doomed.fate != Fate::trash) return fail(Errc::not_yours, "only its owner can delete its files");
      REPRIEVE_TRY(TrashRow files, take_files(parts_, tx, deletion, doomed.what, doomed.parent.path, changes));
      return done(account, {Fate::trash, std::move(files)}, path);
    }
    return done(account, take_away(parts_, tx, deletion, doomed.what, doomed.parent, Folding::keep, changes), path);
  };
  REPRIEVE_TRY(BatchOutcome trashed, write_once<BatchOutcome>(parts_, caller.part, Step::first, trash));
  parts_.announce(changes);
  return std::vector<BatchOutcome>{std::move(trashed)};
}

Result<std::vector<BatchOutcome>> Trash::trash_group(const Account& account, const std::string& path,
                                                     const Caller& caller, const TrashHow& how) {
  using Outcomes = std::vector<BatchOutcome>;
  REPRIEVE_TRY(const SessionId session, parts_.sessions.of(account, caller));
  REPRIEVE_TRY(const auto group, choose_once<std::vector<EntryRow>>(parts_, caller.part, Step::order, [&] {
                 return parts_.store->read([&](Transaction& tx) { return find_group(tx, account, path, how.guard); });
               }));
  Outcomes outcomes;
  // The first item of the group in each trash that it goes to.
  std::map<AccountId, TrashItemId> firsts;
  for (std::size_t from = 0; from < group.size(); from += kPortion) {
    Changes changes{.through = caller.mount};
    const std::size_t to = std::min(from + kPortion, group.size());
    const auto trash = [&](Transaction& tx) -> Result<Outcomes> {
      const Deletion deletion{account, session, caller, parts_.clock.now()};
      std::vector<std::pair<TrashItemId, std::string>> discarded;
      for (std::size_t i = from; i < to; ++i) {
        const EntryRow& member = group[i];
        auto doomed = require_doomed(tx, account, member.parent, member.name, how.guard);
        // Moved or deleted since the group was put together; without the first there is no group.
        if (!doomed && i > 0 && doomed.error().code == Errc::not_found) continue;
        if (!doomed) return fail(std::move(doomed).error());
        if (doomed->fate != Fate::trash) continue;
        const TrashRow item =
            discard(parts_, tx, deletion, doomed->what, {member.parent, doomed->parent.path}, Folding::keep, changes);
        discarded.emplace_back(item.id, i == 0 ? path : join(doomed->parent.path, member.name));
      }
      // By now they lie where they stay: with its last place a sample may come into another account's trash.
      Outcomes portion;
      auto leaders = firsts;
      for (auto& [id, subject] : discarded) {
        const auto item = tx.trash.find(id);
        if (!item) continue;
        portion.push_back(done(account, {Fate::trash, *item}, subject));
        const TrashItemId leader = leaders.try_emplace(item->account, id).first->second;
        tx.trash.set_mode(id, TrashMode::with_associated, leader);
      }
      return portion;
    };
    REPRIEVE_TRY(Outcomes portion, write_once<Outcomes>(parts_, caller.part, step_number(from / kPortion), trash));
    parts_.announce(changes);
    for (const BatchOutcome& outcome : portion) {
      if (outcome.id) firsts.try_emplace(account.id, outcome.id);
    }
    std::ranges::move(portion, std::back_inserter(outcomes));
  }
  return outcomes;
}

}  // namespace reprieve
