// SPDX-License-Identifier: Apache-2.0
#include "core/undo.h"

#include <algorithm>
#include <utility>

#include "core/batch.h"
#include "core/parts.h"
#include "core/taking_back.h"

namespace reprieve {

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
    report.results.push_back(step.is_trash ? restore(account, step.item, caller)
                                           : take_back(account, step.event, caller));
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
      if (event.account == account.id && can_be_taken_back(event.kind))
        steps.push_back({.at = event.at, .item = {}, .event = std::move(event)});
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
  const RestoreOptions options{.on_collision = OnCollision::replace, .as_undo = true, .to = {}};
  BatchOutcome outcome = parts_.trash.restore(account, {item}, options, caller).front();
  outcome.effect = EventKind::restore;
  return outcome;
}

// Runs what takes back an event of that kind, in one transaction.
BatchOutcome Undo::take_back(const Account& account, const EventRow& event, const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto session = parts_.sessions.of(account, caller);
  if (!session) return failed_outcome(event.path, session.error());
  const auto outcome = parts_.store->write([&](Transaction& tx) -> Result<BatchOutcome> {
    const Deletion who{account, *session, caller, parts_.clock.now()};
    tx.events.set_undone(event.id);
    return taken_back({parts_, tx, who, event, changes});
  });
  if (!outcome) return failed_outcome(event.path, outcome.error());
  parts_.announce(changes);
  return *outcome;
}

}  // namespace reprieve
