// SPDX-License-Identifier: Apache-2.0
#include "core/trash/undo.h"

#include <algorithm>
#include <utility>

#include "core/requests/once.h"
#include "core/trash/batch.h"
#include "core/trash/taking_back.h"

namespace reprieve {

Result<UndoReport> Undo::last(const Account& account, const Caller& caller, Guard guard) {
  REPRIEVE_TRY(const UndoPlan plan, choose_once<UndoPlan>(parts_, caller.part, Step::order, [&]() -> Result<UndoPlan> {
                 REPRIEVE_TRY(const SessionId session, last_session(account, caller.uid));
                 REPRIEVE_TRY(std::vector<UndoStep> steps, steps_of(account, session));
                 return UndoPlan{session, std::move(steps)};
               }));
  UndoReport report{.session = plan.session, .results = {}};
  Caller of_step = caller;
  for (const UndoStep& step : plan.steps) {
    // Each is a part of its own: the restore of an item is one of several steps.
    ++of_step.part.number;
    report.results.push_back(step.is_trash ? restore(account, step.item, of_step, guard)
                                           : take_back(account, step.event, of_step, guard));
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
Result<std::vector<UndoStep>> Undo::steps_of(const Account& account, SessionId session) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<UndoStep>> {
    std::vector<UndoStep> steps;
    for (EventRow& event : tx.events.of_session(session)) {
      if (event.account != account.id || !can_be_taken_back(event.kind)) continue;
      const Timestamp at = event.at;
      steps.push_back({.at = at, .item = {}, .event = std::move(event)});
    }
    const auto items = tx.trash.all(account.id);
    std::for_each(items.rbegin(), items.rend(), [&](const TrashRow& item) {
      if (item.session == session)
        steps.push_back({.at = item.deleted, .item = item.id, .event = {}, .is_trash = true});
    });
    std::ranges::stable_sort(steps, std::ranges::greater{}, &UndoStep::at);
    return steps;
  });
}

BatchOutcome Undo::restore(const Account& account, TrashItemId item, const Caller& caller, Guard guard) {
  const RestoreOptions options{.on_collision = OnCollision::replace, .as_undo = true, .guard = guard, .to = {}};
  BatchOutcome outcome = parts_.trash.restore(account, {item}, options, caller).front();
  outcome.effect = EventKind::restore;
  return outcome;
}

// Runs what takes back an event of that kind, in one transaction.
BatchOutcome Undo::take_back(const Account& account, const EventRow& event, const Caller& caller, Guard guard) {
  Changes changes{.through = caller.mount};
  const auto session = parts_.sessions.of(account, caller);
  if (!session) return failed_outcome(event.path, session.error());
  const auto outcome =
      write_once<BatchOutcome>(parts_, caller.part, Step::first, [&](Transaction& tx) -> Result<BatchOutcome> {
        const Deletion who{account, *session, caller, parts_.clock.now()};
        tx.events.set_undone(event.id);
        return taken_back({parts_, tx, who, event, changes, guard});
      });
  if (!outcome) return failed_outcome(event.path, outcome.error());
  parts_.announce(changes);
  return *outcome;
}

}  // namespace reprieve
