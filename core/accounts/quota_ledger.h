// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// What an account with a quota may use and uses, in bytes. What is in the trash counts as used.
struct Quota {
  std::uint64_t limit = 0;
  std::uint64_t used = 0;
};

// Keeps account of what the accounts that have a quota use; of others it knows nothing and costs them nothing. A file
// counts for the account that owns the tree it is in (InodeRow::owner). What is written through core counts at once
// (Content::permit); what the kernel writes into a blob by itself counts when it is next looked at, at the last close
// at the latest. Thread-safe. Its lock is taken behind the store's and before that of Content.
class QuotaLedger {
 public:
  explicit QuotaLedger(CoreParts& parts) : parts_(parts) {}

  // Counts for all accounts that have a quota. Once, before anybody opens a file.
  Result<void> load();
  // Stores another quota; none, or 0: no limit. Counts, which takes time in proportion to the store, and lets others
  // work meanwhile.
  Result<void> set(AccountId account, std::optional<std::uint64_t> limit);
  // The two halves of that, for a transaction that does more: store() in it, enforce() once it is committed.
  static void store(Transaction& tx, AccountId account, std::optional<std::uint64_t> limit);
  Result<void> enforce(AccountId account, std::optional<std::uint64_t> limit);

  // Whether any account has a quota.
  [[nodiscard]] bool any() const { return any_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::optional<Quota> of(AccountId account);
  // over_quota: nothing more may be made or opened for writing.
  Result<void> check_room(Transaction& tx, AccountId account);
  // Whether the account has so little left that one open file might outgrow it: then its files are written through
  // core.
  [[nodiscard]] bool is_near(AccountId account);

  // A file of the account, which has no writer, is gone with so many bytes.
  void removed(Transaction& tx, AccountId account, InodeId file, std::int64_t bytes);
  // The tree at and below `top` is about to come into the hands of `to`. Takes time in proportion to the tree, if any
  // account has a quota.
  void hand_over(Transaction& tx, InodeId top, AccountId to);

  // Sets aside what the account's files may grow by, `wanted` at the most, until it is given back.
  [[nodiscard]] std::uint64_t reserve(AccountId account, std::uint64_t wanted);
  void give_back(AccountId account, std::uint64_t reserved);
  // Counts what the file has grown by since it was last looked at, and gives back what was reserved for that. Of a file
  // without a writer nothing.
  void measure(Transaction& tx, InodeId file, AccountId account = {}, std::uint64_t reserved = 0);
  // Counts so of every file that is open for writing.
  void measure_all(Transaction& tx);
  // The same at the end of a writer's open, which `close` is, and tells by how much; called under the lock: closing and
  // counting must not come between each other.
  template <typename Close>
  void settle(AccountId account, InodeId file, const Close& close) {
    const MutexLock lock(mutex_);
    apply(account, file, close());
  }

 private:
  struct Entry {
    std::uint64_t limit = 0;
    std::int64_t used = 0;
    std::uint64_t reserved = 0;
    InodeId counted;  // files up to this one are in `used`: later changes of others are counted when it comes to them
    [[nodiscard]] std::uint64_t room() const;
  };
  Result<void> count(AccountId account);
  void apply(AccountId account, InodeId file, std::int64_t bytes) REPRIEVE_REQUIRES(mutex_);
  void release(AccountId account, std::uint64_t reserved) REPRIEVE_REQUIRES(mutex_);

  CoreParts& parts_;
  std::atomic<bool> any_{false};
  Mutex mutex_;
  std::map<AccountId, Entry> entries_ REPRIEVE_GUARDED_BY(mutex_);
  Timestamp measured_ REPRIEVE_GUARDED_BY(mutex_){};  // when all that is open was looked at last
};

// The bytes of the account's files, counted now.
Result<std::uint64_t> count_used(CoreParts& parts, AccountId account);

}  // namespace reprieve
