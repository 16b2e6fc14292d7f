// SPDX-License-Identifier: Apache-2.0
#include "core/quota_ledger.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "core/parts.h"

namespace reprieve {
namespace {

// Inode numbers that are looked at under one hold of the store's lock.
constexpr std::int64_t kPortion = 2048;

constexpr InodeId kEverything{std::numeric_limits<std::int64_t>::max()};

// A file that somebody writes counts with what it had before, because its growth is told at the close.
std::int64_t counted_size(CoreParts& parts, InodeId file) {
  if (const auto before = parts.content.size_before_writers(file)) return static_cast<std::int64_t>(*before);
  const auto blob = parts.blobs->stat_blob(file);
  return blob ? blob->st_size : 0;
}

}  // namespace

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

Result<void> QuotaLedger::set(AccountId account, std::optional<std::uint64_t> limit) {
  if (limit == 0U) limit.reset();
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    tx.accounts.set_quota(account, limit);
    return {};
  }));
  {
    const MutexLock lock(mutex_);
    if (limit) {
      entries_[account] = {.limit = *limit};
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
      for (const InodeId file : files) found->second.used += counted_size(parts_, file);
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

Result<void> QuotaLedger::check_room(AccountId account) {
  const auto quota = of(account);
  if (quota && quota->used >= quota->limit) return fail(Errc::over_quota);
  return {};
}

void QuotaLedger::changed(AccountId account, InodeId file, std::int64_t bytes) {
  if (!any()) return;
  const MutexLock lock(mutex_);
  apply(account, file, bytes);
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
