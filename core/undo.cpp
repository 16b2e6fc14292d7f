// SPDX-License-Identifier: Apache-2.0
#include "core/undo.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/ancestry.h"
#include "core/batch.h"
#include "core/departure.h"
#include "core/history.h"
#include "core/parts.h"
#include "core/sharing.h"

namespace reprieve {
namespace {

// A name of the inode that the account sees live.
std::optional<EntryWithInode> live_entry(Transaction& tx, const Account& account, InodeId inode, Location& parent) {
  for (const EntryRow& place : tx.entries.places(inode)) {
    if (place.item) continue;
    parent = locate(tx, account, place.parent);
    if (parent.life == Life::live) return EntryWithInode{place, *tx.inodes.find(inode)};
  }
  return std::nullopt;
}

BatchOutcome done(const std::string& subject, EventKind effect, std::string path) {
  BatchOutcome outcome{.state = BatchState::done, .subject = subject, .path = std::move(path)};
  outcome.effect = effect;
  return outcome;
}

}  // namespace

// One thing to take back.
struct Undo::Step {
  Timestamp at{};
  TrashItemId item;  // of a deletion
  EventRow event;    // of everything else
  bool is_trash = false;
};

Result<UndoReport> Undo::last(const Account& account, const Caller& caller) {
  REPRIEVE_TRY(const SessionId session, last_session(account, caller.uid));
  REPRIEVE_TRY(const std::vector<Step> steps, steps_of(account, session));
  UndoReport report{.session = session, .results = {}};
  for (const Step& step : steps) {
    if (step.is_trash) {
      report.results.push_back(restore(account, step.item, caller));
    } else if (step.event.kind == EventKind::restore) {
      report.results.push_back(trash_again(account, step.event, caller));
    } else if (step.event.kind == EventKind::leave) {
      report.results.push_back(rejoin_shared(account, step.event, caller));
    } else {
      report.results.push_back(unhide(account, step.event, caller));
    }
  }
  return report;
}

Result<SessionId> Undo::last_session(const Account& account, uid_t uid) {
  return parts_.store->read([&](Transaction& tx) -> Result<SessionId> {
    const auto trashed = tx.trash.last_session(account.id, uid);
    const auto other = tx.events.last_session(account.id, uid);
    if (!trashed && !other) return fail(Errc::not_found, "there is nothing to undo");
    if (!other) return trashed->session;
    return trashed && trashed->at > other->at ? trashed->session : other->session;
  });
}

// Newest first. A restore that replaced something made an item of it at the same moment, and is taken back before.
Result<std::vector<Undo::Step>> Undo::steps_of(const Account& account, SessionId session) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<Step>> {
    std::vector<Step> steps;
    for (EventRow& event : tx.events.of_session(session)) {
      const bool counts =
          event.kind == EventKind::restore || event.kind == EventKind::leave || event.kind == EventKind::hide;
      if (counts) steps.push_back({.at = event.at, .item = {}, .event = std::move(event)});
    }
    const auto items = tx.trash.all(account.id);
    std::for_each(items.rbegin(), items.rend(), [&](const TrashRow& item) {
      if (item.session == session)
        steps.push_back({.at = item.deleted, .item = item.id, .event = {}, .is_trash = true});
    });
    std::ranges::stable_sort(steps, std::ranges::greater{}, &Step::at);
    return steps;
  });
}

BatchOutcome Undo::restore(const Account& account, TrashItemId item, const Caller& caller) {
  const RestoreOptions options{.on_collision = OnCollision::replace, .to = {}};
  BatchOutcome outcome = parts_.trash.restore(account, {item}, options, caller).front();
  outcome.effect = EventKind::restore;
  // Taking back is not something to take back: the next undo goes further into the past.
  const auto session = parts_.sessions.of(account, caller);
  static_cast<void>(parts_.store->write([&](Transaction& tx) -> Result<void> {
    for (const EventRow& event : tx.events.of_session(session.value_or(SessionId{}))) {
      if (event.kind == EventKind::restore && event.item == item) tx.events.set_undone(event.id);
    }
    return {};
  }));
  return outcome;
}

BatchOutcome Undo::trash_again(const Account& account, const EventRow& event, const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto session = parts_.sessions.of(account, caller);
  if (!session) return failed_outcome(event.path, session.error());
  const auto outcome = parts_.store->write([&](Transaction& tx) -> Result<BatchOutcome> {
    const Deletion who{account, *session, caller, parts_.clock.now()};
    tx.events.set_undone(event.id);
    Location parent;
    const auto entry = live_entry(tx, account, event.inode, parent);
    if (!entry) return fail(Errc::not_found, "what was restored is no longer there");
    const Removed removed = take_away(parts_, tx, who, *entry, parent, Folding::keep, changes);
    BatchOutcome trashed = done(event.path, event_of(removed.fate), {});
    if (removed.item) {
      trashed.id = removed.item->id;
      trashed.path = removed.item->name;
    }
    return trashed;
  });
  if (!outcome) return failed_outcome(event.path, outcome.error());
  parts_.announce(changes);
  return *outcome;
}

BatchOutcome Undo::rejoin_shared(const Account& account, const EventRow& event, const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto outcome = parts_.store->write([&](Transaction& tx) -> Result<BatchOutcome> {
    const Deletion who{account, event.session, caller, parts_.clock.now()};
    REPRIEVE_TRY_VOID(rejoin(tx, account, event.inode, who.now, changes));
    tx.events.set_undone(event.id);
    const Location location = locate(tx, account, event.inode);
    tx.events.insert(event_of(who, EventKind::rejoin, event.inode, location.path));
    return done(event.path, EventKind::rejoin, location.path);
  });
  if (!outcome) return failed_outcome(event.path, outcome.error());
  parts_.announce(changes);
  return *outcome;
}

BatchOutcome Undo::unhide(const Account& account, const EventRow& event, const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto outcome = parts_.store->write([&](Transaction& tx) -> Result<BatchOutcome> {
    const Deletion who{account, event.session, caller, parts_.clock.now()};
    tx.events.set_undone(event.id);
    for (const HiddenRow& row : tx.hidden.of_session(event.session)) {
      const auto entry = tx.entries.find(row.parent, row.entry);
      if (!entry || entry->inode != event.inode) continue;
      tx.hidden.remove(row);
      changes.seen.push_back({row.parent, EntryName::trusted(entry->name)});
      std::string path = join(locate(tx, account, row.parent).path, entry->name);
      tx.events.insert(event_of(who, EventKind::unhide, event.inode, path));
      return done(event.path, EventKind::unhide, std::move(path));
    }
    BatchOutcome skipped{.state = BatchState::skipped, .subject = event.path};
    skipped.reason = "it is not hidden any more";
    return skipped;
  });
  if (!outcome) return failed_outcome(event.path, outcome.error());
  parts_.announce(changes);
  return *outcome;
}

}  // namespace reprieve
