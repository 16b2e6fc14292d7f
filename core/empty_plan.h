// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/changes.h"
#include "core/trash_item.h"

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

// Emptying in two steps, so that nothing is destroyed that was not shown. Plans live in memory for kLifetime and are
// good for one use by the account that they were made for. Thread-safe.
class EmptyPlans {
 public:
  static constexpr std::chrono::minutes kLifetime{15};

  explicit EmptyPlans(CoreParts& parts);

  Result<EmptyPlan> plan(const Account& account, const TrashFilter& filter);
  // Destroys what the plan listed and is still in the trash; the rest is reported as skipped. Irrevocable when it
  // returns, though the bytes take longer. plan_expired, io.
  Result<PurgeOutcome> execute(const Account& account, const std::string& token, const Caller& caller);
  // Single items without a plan. Per item: not_found, held.
  Result<PurgeOutcome> purge(const Account& account, const std::vector<TrashItemId>& ids, const Caller& caller);

 private:
  struct Pending {
    AccountId account;
    Timestamp expires;
    std::vector<TrashItem> items;
  };
  // One transaction for all: what is gone already is skipped, what is held fails.
  Result<PurgeOutcome> destroy(const Account& account, const std::vector<TrashItem>& items, const Caller& caller);
  static BatchOutcome destroy_one(Transaction& tx, const Account& account, const TrashItem& item,
                                  const PurgeOutcome& outcome, Changes& changes);

  CoreParts& parts_;
  Mutex mutex_;
  std::map<std::string, Pending> pending_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve
