// SPDX-License-Identifier: Apache-2.0
#include "core/trash/empty_plan.h"

#include <utility>

#include "core/base/random_token.h"
#include "core/changes.h"
#include "core/requests/once.h"
#include "core/trash/batch.h"
#include "core/trash/departure.h"
#include "core/trash/history.h"
#include "core/trash/trash_listing.h"
#include "core/trash/tree_figures.h"

namespace reprieve {
namespace {

void add(TreeFigures& total, const TreeFigures& figures) {
  total.files += figures.files;
  total.folders += figures.folders;
  total.bytes += figures.bytes;
  total.exclusive_bytes += figures.exclusive_bytes;
}

// Irrevocable, and a matter of a few rows whatever the item's size: the tree itself is left to the purger.
void purge_row(Transaction& tx, const TrashRow& item, const Deletion& who, OperationId operation) {
  forget_hidden(tx, item.inode);
  tx.grants.remove_all(item.inode);
  tx.trash.conclude(item.id);
  EventRow event = event_of(who, EventKind::purge, item.inode, item.origin);
  event.item = item.id;
  tx.events.insert(event);
  tx.entries.remove(item.parent, item.entry);
  tx.purges.push(item.inode, operation);
}

// What the planned items hold that are still to be destroyed.
TreeFigures figures_of_planned(Transaction& tx, const Account& account, const std::vector<PlannedItem>& items) {
  TreeFigures total;
  for (const PlannedItem& item : items) {
    const auto row = find_item(tx, account, item.id);
    if (row && row->figures) add(total, *row->figures);
  }
  return total;
}

BatchOutcome destroy_one(Transaction& tx, const Deletion& who, const PlannedItem& item, OperationId operation,
                         Changes& changes) {
  const auto row = find_item(tx, who.account, item.id);
  if (!row || row->held) {
    const Error error = row ? Error{Errc::held, {}} : row.error();
    const std::string name = item.name.empty() ? std::to_string(item.id.number()) : item.name;
    BatchOutcome skipped = failed_outcome(row ? row->name : name, error, item.id);
    skipped.state = row ? BatchState::failed : BatchState::skipped;
    return skipped;
  }
  purge_row(tx, *row, who, operation);
  changes.seen.push_back({who.account.trash, EntryName::trusted(row->name)});
  return {.state = BatchState::done, .id = item.id, .subject = row->name};
}

}  // namespace

EmptyPlans::EmptyPlans(CoreParts& parts) : parts_(parts) {}

Result<EmptyPlan> EmptyPlans::plan(const Account& account, const TrashFilter& filter, const Caller& caller) {
  REPRIEVE_TRY(const auto rows, matching_rows(parts_, account, filter));
  EmptyPlan plan;
  REPRIEVE_TRY(plan.token, random_token());
  PlanRow kept{.token = plan.token, .account = account.id, .uid = caller.uid};
  std::vector<InodeId> sharing;  // trees with files that have names outside
  for (const TrashRow& row : rows) {
    auto item = to_counted_item(parts_, account, row);
    if (!item && item.error().code == Errc::stale) continue;  // gone while the plan was made
    if (!item) return fail(std::move(item).error());
    if (!item->held && item->figures->bytes != item->figures->exclusive_bytes) {
      sharing.push_back(row.inode);
    } else if (!item->held) {
      add(plan.total, *item->figures);
    }
    if (!item->held) kept.items.push_back({item->id, item->name});
    (item->held ? plan.kept : plan.items).push_back(*std::move(item));
  }
  // The other names may lie in other items of the plan.
  REPRIEVE_TRY(const TreeFigures shared, count_together(parts_, sharing));
  add(plan.total, shared);
  const Timestamp now = parts_.clock.now();
  plan.expires = kept.expires = now + kLifetime;
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    tx.plans.insert(kept, now);
    return {};
  }));
  return plan;
}

Result<PurgeOutcome> EmptyPlans::execute(const Account& account, const std::string& token, const Caller& caller) {
  return destroy(account, caller, [&](Transaction& tx) -> Result<std::vector<PlannedItem>> {
    auto plan = tx.plans.find(token);
    if (!plan || plan->account != account.id || plan->expires < parts_.clock.now())
      return fail(Errc::plan_expired, "the token names no plan that is still valid; make a new plan");
    tx.plans.remove(token);
    return std::move(plan->items);
  });
}

Result<PurgeOutcome> EmptyPlans::purge(const Account& account, const std::vector<TrashItemId>& ids,
                                       const Caller& caller) {
  std::vector<PlannedItem> items;
  for (const TrashItemId id : ids) {
    items.push_back({id, {}});
    const auto row = parts_.store->read([&](Transaction& tx) { return find_item(tx, account, id); });
    // Counted for the progress, outside of the transaction.
    if (row) REPRIEVE_TRY_VOID(figures_of(parts_, *row));
  }
  REPRIEVE_TRY(PurgeOutcome outcome,
               destroy(account, caller, [&](Transaction&) -> Result<std::vector<PlannedItem>> { return items; }));
  for (BatchOutcome& item : outcome.items) {
    if (item.state == BatchState::skipped) item.state = BatchState::failed;
  }
  return outcome;
}

Result<PurgeOutcome> EmptyPlans::destroy(const Account& account, const Caller& caller, const Choice& choice) {
  OperationId begun;
  Changes changes{.through = caller.mount};
  const auto purge = [&](Transaction& tx) -> Result<PurgeOutcome> {
    REPRIEVE_TRY(const auto items, choice(tx));
    const Deletion who{account, {}, caller, parts_.clock.now()};
    begun = parts_.purger.begin(account.id, figures_of_planned(tx, account, items));
    PurgeOutcome outcome{.operation = begun, .items = {}};
    for (const PlannedItem& item : items) outcome.items.push_back(destroy_one(tx, who, item, begun, changes));
    tx.requests.carried_out(caller);
    return outcome;
  };
  auto outcome = write_once<PurgeOutcome>(parts_, caller.part, Step::first, purge);
  if (begun) parts_.purger.queued(begun);
  if (!outcome) return outcome;
  parts_.trash_view.touch();
  parts_.announce(changes);
  return outcome;
}

}  // namespace reprieve
