// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/quota_ledger.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/parts.h"

namespace reprieve {
namespace {

// Inode numbers that are looked at under one hold of the store's lock.
constexpr std::int64_t kPortion = 2048;

constexpr InodeId kEverything{std::numeric_limits<std::int64_t>::max()};

// What an account must have left for the kernel to write its files by itself: more than a file usually gets.
constexpr std::uint64_t kFarOff = std::uint64_t{64} << 30;

// Files that are open for writing are not all looked at more often.
constexpr std::chrono::milliseconds kBetweenLooks{20};

}  // namespace

std::uint64_t QuotaLedger::Entry::room() const {
  const std::uint64_t taken = static_cast<std::uint64_t>(std::max<std::int64_t>(used, 0)) + reserved;
  return limit > taken ? limit - taken : 0;
}

Result<void> QuotaLedger::load() {
  REPRIEVE_TRY(const auto accounts,
               parts_.store->read([](Transaction& tx) -> Result<std::vector<Account>> { return tx.accounts.all(); }));
  for (const Account& account : accounts) {
    REPRIEVE_TRY(const auto limit, parts_.store->read([&](Transaction& tx) -> Result<std::optional<std::uint64_t>> {
      return tx.accounts.quota(account.id);
    }));
    if (!limit) continue;
    {
      const MutexLock lock(mutex_);
      entries_[account.id] = {.limit = *limit};
      any_ = true;
    }
    REPRIEVE_TRY_VOID(count(account.id));
  }
  return {};
}

void QuotaLedger::store(Transaction& tx, AccountId account, std::optional<std::uint64_t> limit) {
  if (limit == 0U) limit.reset();
  tx.accounts.set_quota(account, limit);
}

Result<void> QuotaLedger::set(AccountId account, std::optional<std::uint64_t> limit) {
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    store(tx, account, limit);
    return {};
  }));
  return enforce(account, limit);
}

Result<void> QuotaLedger::enforce(AccountId account, std::optional<std::uint64_t> limit) {
  if (limit == 0U) limit.reset();
  {
    const MutexLock lock(mutex_);
    if (limit) {
      Entry& entry = entries_[account];
      entry = {.limit = *limit, .used = 0, .reserved = entry.reserved, .counted = {}};
    } else {
      entries_.erase(account);
    }
    any_ = !entries_.empty();
  }
  if (!limit) return {};
  return count(account);
}

// From the first inode to the last, portion by portion. A portion is read and entered under both locks.
Result<void> QuotaLedger::count(AccountId account) {
  for (InodeId from{}; true;) {
    const InodeId to(from.number() + kPortion);
    REPRIEVE_TRY(const bool more, parts_.store->read([&](Transaction& tx) -> Result<bool> {
      const bool last = tx.inodes.last() <= to;
      const auto files = tx.inodes.files_of(account, from, to);
      const MutexLock lock(mutex_);
      const auto found = entries_.find(account);
      if (found == entries_.end()) return false;  // the quota was taken away meanwhile
      for (const InodeId file : files)
        found->second.used += static_cast<std::int64_t>(parts_.content.counted_size(file));
      found->second.counted = last ? kEverything : to;
      return !last;
    }));
    if (!more) return {};
    from = to;
  }
}

std::optional<Quota> QuotaLedger::of(AccountId account) {
  if (!any()) return std::nullopt;
  const MutexLock lock(mutex_);
  const auto found = entries_.find(account);
  if (found == entries_.end()) return std::nullopt;
  const std::int64_t used = std::max<std::int64_t>(found->second.used, 0);
  return Quota{.limit = found->second.limit, .used = static_cast<std::uint64_t>(used)};
}

Result<void> QuotaLedger::check_room(Transaction& tx, AccountId account) {
  if (!any()) return {};
  const Timestamp now = parts_.clock.now();
  bool is_due = false;
  {
    const MutexLock lock(mutex_);
    if (!entries_.contains(account)) return {};
    is_due = now < measured_ || now - measured_ >= kBetweenLooks;
    if (is_due) measured_ = now;
  }
  if (is_due) measure_all(tx);
  const MutexLock lock(mutex_);
  const auto found = entries_.find(account);
  if (found != entries_.end() && found->second.room() == 0) return fail(Errc::over_quota);
  return {};
}

bool QuotaLedger::is_near(AccountId account) {
  if (!any()) return false;
  const MutexLock lock(mutex_);
  const auto found = entries_.find(account);
  return found != entries_.end() && found->second.room() < kFarOff;
}

void QuotaLedger::removed(Transaction& tx, AccountId account, InodeId file, std::int64_t bytes) {
  if (!any()) return;
  const auto put = [this, account, file](std::int64_t change) {
    const MutexLock lock(mutex_);
    apply(account, file, change);
  };
  put(-bytes);
  tx.on_roll_back([put, bytes] { put(bytes); });
}

void QuotaLedger::hand_over(Transaction& tx, InodeId top, AccountId to) {
  if (!any()) return;
  for (const OwnedFile& file : tx.inodes.files_of_others(top, to)) {
    const auto move = [this, id = file.id](AccountId from, AccountId into, std::int64_t bytes) {
      const MutexLock lock(mutex_);
      apply(from, id, -bytes);
      apply(into, id, bytes);
    };
    std::int64_t bytes = 0;
    {
      // What it grows by from now on is measured against this.
      const MutexLock lock(mutex_);
      bytes = static_cast<std::int64_t>(parts_.content.counted_size(file.id));
      apply(file.owner, file.id, -bytes);
      apply(to, file.id, bytes);
    }
    tx.on_roll_back([move, from = file.owner, to, bytes] { move(to, from, bytes); });
  }
}

std::uint64_t QuotaLedger::reserve(AccountId account, std::uint64_t wanted) {
  const MutexLock lock(mutex_);
  const auto found = entries_.find(account);
  if (found == entries_.end()) return wanted;
  const std::uint64_t granted = std::min(wanted, found->second.room());
  found->second.reserved += granted;
  return granted;
}

void QuotaLedger::give_back(AccountId account, std::uint64_t reserved) {
  const MutexLock lock(mutex_);
  release(account, reserved);
}

void QuotaLedger::release(AccountId account, std::uint64_t reserved) {
  const auto found = entries_.find(account);
  // The quota may have been taken away and set again meanwhile.
  if (found != entries_.end()) found->second.reserved -= std::min(reserved, found->second.reserved);
}

void QuotaLedger::measure(Transaction& tx, InodeId file, AccountId account, std::uint64_t reserved) {
  const auto row = tx.inodes.find(file);
  const MutexLock lock(mutex_);
  if (row) apply(row->owner, file, parts_.content.take_growth(file));
  release(account, reserved);
}

void QuotaLedger::measure_all(Transaction& tx) {
  if (!any()) return;
  for (const InodeId file : parts_.content.written()) measure(tx, file);
}

void QuotaLedger::apply(AccountId account, InodeId file, std::int64_t bytes) {
  const auto found = entries_.find(account);
  if (found != entries_.end() && file <= found->second.counted) found->second.used += bytes;
}

Result<std::uint64_t> count_used(CoreParts& parts, AccountId account) {
  std::uint64_t used = 0;
  for (InodeId from{}; true;) {
    const InodeId to(from.number() + kPortion);
    bool last = false;
    REPRIEVE_TRY(const auto files, parts.store->read([&](Transaction& tx) -> Result<std::vector<InodeId>> {
      last = tx.inodes.last() <= to;
      return tx.inodes.files_of(account, from, to);
    }));
    for (const InodeId file : files) {
      const auto blob = parts.blobs->stat_blob(file);
      used += blob ? static_cast<std::uint64_t>(blob->st_size) : 0;
    }
    if (last) return used;
    from = to;
  }
}

}  // namespace reprieve
