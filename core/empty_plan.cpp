// SPDX-License-Identifier: Apache-2.0
#include "core/empty_plan.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/batch.h"
#include "core/departure.h"
#include "core/parts.h"
#include "core/trash_listing.h"
#include "core/tree_figures.h"

namespace reprieve {
namespace {

// 128 random bits: a token cannot be guessed, so it proves that its holder has been shown the plan.
Result<std::string> new_token() {
  std::array<unsigned char, 16> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) return fail(Errc::io, "getrandom");
  std::string token;
  for (const unsigned char byte : bits) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned>(byte));
    token += digits.data();
  }
  return token;
}

void add(TreeFigures& total, const TreeFigures& figures) {
  total.files += figures.files;
  total.folders += figures.folders;
  total.bytes += figures.bytes;
  total.exclusive_bytes += figures.exclusive_bytes;
}

// Irrevocable, and a matter of a few rows whatever the item's size: the tree itself is left to the purger.
void purge_row(Transaction& tx, const TrashRow& item, OperationId operation) {
  forget_hidden(tx, item.inode);
  tx.grants.remove_all(item.inode);
  tx.trash.remove(item.id);
  tx.entries.remove(item.parent, item.entry);
  tx.purges.push(item.inode, operation);
}

}  // namespace

EmptyPlans::EmptyPlans(CoreParts& parts) : parts_(parts) {}

Result<EmptyPlan> EmptyPlans::plan(const Account& account, const TrashFilter& filter) {
  REPRIEVE_TRY(const auto rows, matching_rows(parts_, account, filter));
  EmptyPlan plan;
  REPRIEVE_TRY(plan.token, new_token());
  plan.expires = parts_.clock.now() + kLifetime;
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
    (item->held ? plan.kept : plan.items).push_back(*std::move(item));
  }
  // The other names may lie in other items of the plan.
  REPRIEVE_TRY(const TreeFigures shared, count_together(parts_, sharing));
  add(plan.total, shared);
  const MutexLock lock(mutex_);
  std::erase_if(pending_, [now = parts_.clock.now()](const auto& entry) { return entry.second.expires < now; });
  pending_[plan.token] = {account.id, plan.expires, plan.items};
  return plan;
}

Result<PurgeOutcome> EmptyPlans::execute(const Account& account, const std::string& token, const Caller& caller) {
  Pending plan;
  {
    const MutexLock lock(mutex_);
    const auto found = pending_.find(token);
    const bool valid =
        found != pending_.end() && found->second.account == account.id && found->second.expires >= parts_.clock.now();
    if (!valid) return fail(Errc::plan_expired, "the token names no plan that is still valid; make a new plan");
    plan = std::move(found->second);
    pending_.erase(found);
  }
  auto outcome = destroy(account, plan.items, caller);
  if (!outcome) {
    // Nothing was destroyed, so what was confirmed is still to be done.
    const MutexLock lock(mutex_);
    pending_[token] = std::move(plan);
  }
  return outcome;
}

Result<PurgeOutcome> EmptyPlans::purge(const Account& account, const std::vector<TrashItemId>& ids,
                                       const Caller& caller) {
  std::vector<TrashItem> items;
  for (const TrashItemId id : ids) {
    const auto row = parts_.store->read([&](Transaction& tx) { return find_item(tx, account, id); });
    if (!row) {
      items.push_back({.id = id, .name = std::to_string(id.number()), .figures = TreeFigures{}});
      continue;
    }
    REPRIEVE_TRY(TrashItem item, to_counted_item(parts_, account, *row));
    items.push_back(std::move(item));
  }
  REPRIEVE_TRY(PurgeOutcome outcome, destroy(account, items, caller));
  for (BatchOutcome& item : outcome.items) {
    if (item.state == BatchState::skipped) item.state = BatchState::failed;
  }
  return outcome;
}

Result<PurgeOutcome> EmptyPlans::destroy(const Account& account, const std::vector<TrashItem>& items,
                                         const Caller& caller) {
  TreeFigures expected;
  for (const TrashItem& item : items) add(expected, *item.figures);
  PurgeOutcome outcome{.operation = parts_.purger.begin(expected), .items = {}};
  Changes changes{.through = caller.mount};
  auto destroyed = parts_.store->write([&](Transaction& tx) -> Result<void> {
    for (const TrashItem& item : items) outcome.items.push_back(destroy_one(tx, account, item, outcome, changes));
    tx.requests.carried_out(caller);
    return {};
  });
  parts_.purger.queued(outcome.operation);
  if (!destroyed) return fail(std::move(destroyed).error());
  parts_.trash_view.touch();
  parts_.announce(changes);
  return outcome;
}

BatchOutcome EmptyPlans::destroy_one(Transaction& tx, const Account& account, const TrashItem& item,
                                     const PurgeOutcome& outcome, Changes& changes) {
  const auto row = find_item(tx, account, item.id);
  if (!row || row->held) {
    const Error error = row ? Error{Errc::held, {}} : row.error();
    BatchOutcome skipped = failed_outcome(item.name, error, item.id);
    skipped.state = row ? BatchState::failed : BatchState::skipped;
    return skipped;
  }
  purge_row(tx, *row, outcome.operation);
  changes.seen.push_back({account.trash, EntryName::trusted(row->name)});
  return {.state = BatchState::done, .id = item.id, .subject = item.name};
}

}  // namespace reprieve
