// SPDX-License-Identifier: Apache-2.0
#include "core/trash/purger.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "core/base/thread.h"
#include "core/parts.h"

namespace reprieve {
namespace {

// Inodes in one transaction: about a millisecond of the store's lock.
constexpr std::size_t kPortion = 64;
// Blobs to unlink behind one flush of the log.
constexpr std::size_t kBlobPortion = 2048;
// Between transactions, so that whoever waits for the lock gets it.
constexpr std::chrono::microseconds kGiveWay{300};
// Finished operations that can still be asked for.
constexpr std::size_t kRemembered = 256;

}  // namespace

// Numbers go on behind those of any daemon before, as clients may still ask for these.
Purger::Purger(CoreParts& parts)
    : parts_(parts),
      last_operation_(
          std::chrono::duration_cast<std::chrono::milliseconds>(parts.clock.now().time_since_epoch()).count()) {}

Purger::~Purger() { stop(); }

Result<void> Purger::start() {
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void Purger::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    woken_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Purger::wake() {
  const MutexLock lock(mutex_);
  work_ = true;
  woken_.notify_all();
}

void Purger::closed(InodeId /*inode*/) {
  if (waiting_for_close_.load(std::memory_order_relaxed)) wake();
}

OperationId Purger::begin(AccountId account, const TreeFigures& expected) {
  const MutexLock lock(mutex_);
  while (operations_.size() >= kRemembered && operations_.begin()->second.progress.state == OperationState::done) {
    operations_.erase(operations_.begin());
  }
  const OperationId id(++last_operation_);
  operations_[id] = {
      .account = account,
      .progress = {.inodes_total = expected.files + expected.folders, .bytes_total = expected.exclusive_bytes},
      .started = std::chrono::steady_clock::now()};
  return id;
}

std::uint64_t Purger::being_destroyed(AccountId account) {
  const MutexLock lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& [id, operation] : operations_) {
    const OperationProgress& progress = operation.progress;
    if (operation.account == account && operation.is_under_way())
      bytes += progress.bytes_total - std::min(progress.bytes_done, progress.bytes_total);
  }
  return bytes;
}

void Purger::queued(OperationId id) {
  const MutexLock lock(mutex_);
  const auto found = operations_.find(id);
  if (found != operations_.end()) found->second.queued = true;
  work_ = true;
  woken_.notify_all();
}

Result<OperationProgress> Purger::progress(OperationId id) {
  if (auto known = known_progress(id)) return *known;
  REPRIEVE_TRY(const bool is_left,
               parts_.store->read([&](Transaction& tx) -> Result<bool> { return tx.purges.is_under_way(id); }));
  if (is_left) return OperationProgress{};
  return fail(Errc::not_found, "there is no operation " + std::to_string(id.number()));
}

std::optional<OperationProgress> Purger::known_progress(OperationId id) {
  const MutexLock lock(mutex_);
  const auto found = operations_.find(id);
  if (found == operations_.end()) return std::nullopt;
  OperationProgress progress = found->second.progress;
  if (progress.state == OperationState::running) {
    progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - found->second.started).count();
    progress.held_up = held_up_;
  }
  return progress;
}

bool Purger::is_stopping() {
  const MutexLock lock(mutex_);
  return stopping_;
}

void Purger::run() {
  Attempts attempts(parts_.failures, "what was destroyed still takes space");
  for (std::optional<std::chrono::milliseconds> pause; wait_for_work(pause);) {
    const Result<void> drained = drain();
    pause = attempts.after(drained);
    const MutexLock lock(mutex_);
    held_up_ = drained ? std::string() : std::string(reason_of(drained.error()));
  }
}

bool Purger::wait_for_work(std::optional<std::chrono::milliseconds> pause) {
  const MutexLock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + pause.value_or(std::chrono::milliseconds(0));
  while (!work_ && !stopping_) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (pause && left <= left.zero()) break;
    if (pause) {
      woken_.wait_for(mutex_, left);
    } else {
      woken_.wait(mutex_);
    }
  }
  work_ = false;
  return !stopping_;
}

// One pass after the other over the queue until one changes nothing: what is left then is open.
Result<void> Purger::drain() {
  bool progressed = true;
  while (progressed && !is_stopping()) {
    progressed = false;
    waiting_for_close_ = false;
    for (std::int64_t cursor = std::numeric_limits<std::int64_t>::max(); !is_stopping();) {
      REPRIEVE_TRY(const Portion portion, take_apart(cursor));
      record(portion);
      progressed = progressed || portion.progressed;
      if (portion.exhausted) break;
      cursor = portion.cursor;
      std::this_thread::sleep_for(kGiveWay);
    }
    REPRIEVE_TRY_VOID(unlink_blobs());
  }
  return is_stopping() ? Result<void>() : finish_operations();
}

Result<Purger::Portion> Purger::take_apart(std::int64_t cursor) {
  return parts_.store->write([&](Transaction& tx) -> Result<Portion> {
    Portion portion{.cursor = cursor};
    std::size_t work = 0;
    while (work < kPortion) {
      const auto rows = tx.purges.take(portion.cursor, 1);
      if (rows.empty()) {
        portion.exhausted = true;
        break;
      }
      const PurgeRow& row = rows.front();
      portion.cursor = row.id;
      const bool is_directory = tx.entries.has_live(row.inode);
      work += is_directory ? kPortion : 1;
      if (reap(tx, row, portion)) {
        tx.purges.remove(row.id);
        portion.progressed = true;
      }
    }
    return portion;
  });
}

bool Purger::reap(Transaction& tx, const PurgeRow& row, Portion& portion) {
  if (tx.entries.place(row.inode)) return true;  // it has another name, live or in the trash
  const auto inode = tx.inodes.find(row.inode);
  if (!inode) return true;
  if (S_ISDIR(inode->mode)) return reap_directory(tx, row, portion);
  return reap_leaf(tx, *inode, row.operation, portion);
}

// Removes a portion of the children; the directory itself goes when there are none left. Trashed children are items of
// their own and outlive it.
bool Purger::reap_directory(Transaction& tx, const PurgeRow& row, Portion& portion) {
  const auto children = tx.entries.list(row.inode, EntryId{}, kPortion);
  for (const auto& [entry, inode] : children) {
    portion.progressed = true;
    tx.entries.remove(entry.parent, entry.id);
    if (S_ISDIR(inode.mode)) {
      tx.purges.push(inode.id, row.operation);
      continue;
    }
    tx.inodes.add_links(inode.id, -1, parts_.clock.now());
    if (!tx.entries.place(inode.id) && !reap_leaf(tx, inode, row.operation, portion)) {
      tx.purges.push(inode.id, row.operation);
    }
  }
  if (!children.empty()) return false;
  tx.inodes.remove(row.inode);
  tx.derivations.remove_all(row.inode);
  ++portion.done[row.operation].inodes_done;
  return true;
}

bool Purger::reap_leaf(Transaction& tx, const InodeRow& inode, OperationId operation, Portion& portion) {
  if (parts_.content.is_open(inode.id)) {
    waiting_for_close_ = true;
    // A close that came before that has woken nobody.
    if (parts_.content.is_open(inode.id)) return false;
  }
  OperationProgress& done = portion.done[operation];
  ++done.inodes_done;
  if (S_ISREG(inode.mode)) {
    if (const auto blob = parts_.blobs->stat_blob(inode.id)) {
      done.bytes_done += static_cast<std::uint64_t>(blob->st_size);
      parts_.quotas.removed(tx, inode.owner, inode.id, blob->st_size);
    }
    tx.purges.doom(inode.id);
    parts_.scrubber.purged(tx, inode.id);
  }
  tx.inodes.remove(inode.id);
  return true;
}

// One that cannot be removed holds up no other, and is tried again with the next.
Result<void> Purger::unlink_blobs() {
  Result<void> outcome;
  for (InodeId last; !is_stopping();) {
    REPRIEVE_TRY(const auto doomed, parts_.store->read([&](Transaction& tx) -> Result<std::vector<InodeId>> {
      return tx.purges.doomed(last, kBlobPortion);
    }));
    if (doomed.empty()) break;
    last = doomed.back();
    // A blob goes only after a power cut could no longer bring back the row that needs it.
    REPRIEVE_TRY_VOID(parts_.store->sync());
    std::vector<InodeId> gone;
    for (const InodeId blob : doomed) {
      auto removed = parts_.blobs->remove(blob);
      if (removed) {
        gone.push_back(blob);
      } else if (outcome) {
        outcome = std::move(removed);
      }
    }
    // And is forgotten only after one could no longer bring it back.
    REPRIEVE_TRY_VOID(parts_.blobs->sync_names());
    REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
      for (const InodeId blob : gone) tx.purges.buried(blob);
      return {};
    }));
  }
  return outcome;
}

void Purger::record(const Portion& portion) {
  const MutexLock lock(mutex_);
  for (const auto& [id, done] : portion.done) {
    const auto found = operations_.find(id);
    if (found == operations_.end()) continue;
    found->second.progress.inodes_done += done.inodes_done;
    found->second.progress.bytes_done += done.bytes_done;
  }
}

// The queue has been worked through; an operation whose rows came meanwhile has set work_ again and is looked at then.
Result<void> Purger::finish_operations() {
  std::vector<OperationId> ended;
  {
    const MutexLock lock(mutex_);
    if (work_) return {};
    for (const auto& [id, operation] : operations_) {
      if (operation.queued && operation.is_under_way()) ended.push_back(id);
    }
  }
  if (ended.empty()) return {};
  REPRIEVE_TRY(const auto left, parts_.store->read([&](Transaction& tx) -> Result<std::set<OperationId>> {
    std::set<OperationId> found;
    for (const OperationId id : ended) {
      if (tx.purges.is_under_way(id)) found.insert(id);
    }
    return found;
  }));
  const MutexLock lock(mutex_);
  for (const OperationId id : ended) {
    const auto found = operations_.find(id);
    if (found == operations_.end()) continue;
    Operation& operation = found->second;
    operation.has_rows_left = left.contains(id);
    if (operation.progress.state == OperationState::done) continue;
    operation.progress.state = OperationState::done;
    operation.progress.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - operation.started).count();
  }
  return {};
}

}  // namespace reprieve
