// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/store/plan_rows.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// What an empty would destroy: exactly these items, whatever happens to the trash in between.
struct EmptyPlan {
  std::string token;
  Timestamp expires{};
  std::vector<TrashItem> items;  // with figures
  TreeFigures total;             // bytes that items share count once; exclusive_bytes: what the disk gets back
  std::vector<TrashItem> kept;   // held items that match and stay
};

struct PurgeOutcome {
  OperationId operation;  // giving the bytes back, in the background
  std::vector<BatchOutcome> items;
};

// Emptying in two steps, so that nothing is destroyed that was not shown. Plans live for kLifetime, whichever daemon is
// there, and are good for one use by the account that they were made for. Each user has a bounded number of them
// (PlanRows); what is too much is forgotten, oldest first. For a request that comes again (RequestPart) the outcome is
// that of the first time. Thread-safe.
class EmptyPlans {
 public:
  static constexpr std::chrono::minutes kLifetime{15};

  explicit EmptyPlans(CoreParts& parts);

  Result<EmptyPlan> plan(const Account& account, const TrashFilter& filter, const Caller& caller);
  // Destroys what the plan listed and is still in the trash; the rest is reported as skipped. Irrevocable when it
  // returns, though the bytes take longer. plan_expired, io.
  Result<PurgeOutcome> execute(const Account& account, const std::string& token, const Caller& caller);
  // Single items without a plan. Per item: not_found, held.
  Result<PurgeOutcome> purge(const Account& account, const std::vector<TrashItemId>& ids, const Caller& caller);

 private:
  // Says inside the transaction what is to go.
  using Choice = std::function<Result<std::vector<PlannedItem>>(Transaction& tx)>;
  // One transaction for all: what is gone already is skipped, what is held fails.
  Result<PurgeOutcome> destroy(const Account& account, const Caller& caller, const Choice& choice);

  CoreParts& parts_;
};

}  // namespace reprieve
