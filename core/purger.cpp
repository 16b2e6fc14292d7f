// SPDX-License-Identifier: Apache-2.0
#include "core/purger.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>

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

Purger::Purger(CoreParts& parts) : parts_(parts) {}

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

OperationId Purger::begin(const TreeFigures& expected) {
  const MutexLock lock(mutex_);
  while (operations_.size() >= kRemembered && operations_.begin()->second.progress.state == OperationState::done) {
    operations_.erase(operations_.begin());
  }
  const OperationId id(++last_operation_);
  operations_[id] = {
      .progress = {.inodes_total = expected.files + expected.folders, .bytes_total = expected.exclusive_bytes},
      .started = std::chrono::steady_clock::now()};
  return id;
}

void Purger::queued(OperationId id) {
  const MutexLock lock(mutex_);
  const auto found = operations_.find(id);
  if (found != operations_.end()) found->second.queued = true;
  work_ = true;
  woken_.notify_all();
}

Result<OperationProgress> Purger::progress(OperationId id) {
  const MutexLock lock(mutex_);
  const auto found = operations_.find(id);
  if (found == operations_.end()) return fail(Errc::not_found, "there is no operation " + std::to_string(id.number()));
  OperationProgress progress = found->second.progress;
  if (progress.state == OperationState::running) {
    progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - found->second.started).count();
  }
  return progress;
}

bool Purger::is_stopping() {
  const MutexLock lock(mutex_);
  return stopping_;
}

void Purger::run() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      while (!work_ && !stopping_) woken_.wait(mutex_);
      if (stopping_) return;
      work_ = false;
    }
    drain();
  }
}

// One pass after the other over the queue until one changes nothing: what is left then is open.
void Purger::drain() {
  bool progressed = true;
  while (progressed && !is_stopping()) {
    progressed = false;
    waiting_for_close_ = false;
    for (std::int64_t cursor = std::numeric_limits<std::int64_t>::max(); !is_stopping();) {
      const auto portion = take_apart(cursor);
      // A failing disk: the queue stays, and the next wake-up or start tries again.
      if (!portion) return;
      record(*portion);
      progressed = progressed || portion->progressed;
      if (portion->exhausted) break;
      cursor = portion->cursor;
      std::this_thread::sleep_for(kGiveWay);
    }
    if (!unlink_blobs()) return;
  }
  if (!is_stopping()) finish_operations();
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
  }
  tx.inodes.remove(inode.id);
  return true;
}

Result<void> Purger::unlink_blobs() {
  while (!is_stopping()) {
    REPRIEVE_TRY(const auto doomed, parts_.store->read([](Transaction& tx) -> Result<std::vector<InodeId>> {
      return tx.purges.doomed(kBlobPortion);
    }));
    if (doomed.empty()) return {};
    // A blob goes only after a power cut could no longer bring back the row that needs it.
    REPRIEVE_TRY_VOID(parts_.store->sync());
    for (const InodeId blob : doomed) REPRIEVE_TRY_VOID(parts_.blobs->remove(blob));
    // And is forgotten only after one could no longer bring it back.
    REPRIEVE_TRY_VOID(parts_.blobs->sync_names());
    REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
      for (const InodeId blob : doomed) tx.purges.buried(blob);
      return {};
    }));
  }
  return {};
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
void Purger::finish_operations() {
  const MutexLock lock(mutex_);
  if (work_) return;
  for (auto& [id, operation] : operations_) {
    if (!operation.queued || operation.progress.state == OperationState::done) continue;
    operation.progress.state = OperationState::done;
    operation.progress.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - operation.started).count();
  }
}

}  // namespace reprieve
