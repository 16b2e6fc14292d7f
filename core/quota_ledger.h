// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

struct CoreParts;

// What an account with a quota may use and uses, in bytes. What is in the trash counts as used.
struct Quota {
  std::uint64_t limit = 0;
  std::uint64_t used = 0;
};

// Keeps account of what the accounts that have a quota use; of others it knows nothing and costs them nothing. A file
// counts for the account that owns the tree it is in (InodeRow::owner), with the size that it had when its last writer
// closed it: the kernel writes blobs without telling. Thread-safe. Its lock is taken behind the store's and before that
// of Content.
class QuotaLedger {
 public:
  explicit QuotaLedger(CoreParts& parts) : parts_(parts) {}

  // Counts for all accounts that have a quota. Once, before anybody opens a file.
  Result<void> load();
  // Stores another quota; none, or 0: no limit. Counts, which takes time in proportion to the store, and lets others
  // work meanwhile.
  Result<void> set(AccountId account, std::optional<std::uint64_t> limit);

  // Whether any account has a quota.
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::optional<Quota> of(AccountId account);
  // over_quota: nothing more may be made or opened for writing.
  Result<void> check_room(AccountId account);

  // A file of the account has grown by so much, or shrunk, and has no writer.
  void changed(AccountId account, InodeId file, std::int64_t bytes);
  // The same where `close` tells by how much, called under the lock: closing and counting must not come between each
  // other.
  template <typename Close>
  void settle(AccountId account, InodeId file, const Close& close) {
    const MutexLock lock(mutex_);
    apply(account, file, close());
  }

 private:
  struct Entry {
    std::uint64_t limit = 0;
    std::int64_t used = 0;
    InodeId counted;  // files up to this one are in `used`: later changes of others are counted when it comes to them
  };
  Result<void> count(AccountId account);
  void apply(AccountId account, InodeId file, std::int64_t bytes) REPRIEVE_REQUIRES(mutex_);

  CoreParts& parts_;
  std::atomic<bool> any_{false};
  Mutex mutex_;
  std::map<AccountId, Entry> entries_ REPRIEVE_GUARDED_BY(mutex_);
};

// The bytes of the account's files, counted now.
Result<std::uint64_t> count_used(CoreParts& parts, AccountId account);

}  // namespace reprieve
