// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <thread>

#include "core/accounts/storage_figures.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/store.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;

// Gives back the space of what was destroyed: takes trees in the purge queue apart in small transactions and unlinks
// their blobs once that is durable. Resumes after a crash where the queue says, and after a failure by itself. A file
// that is open is left until its last close. Thread-safe; the work is done by one thread of its own.
class Purger {
 public:
  explicit Purger(CoreParts& parts);
  ~Purger();

  // io: no thread could be started.
  Result<void> start();
  void stop();  // idempotent; what is left waits for the next start
  // There is something in the queue. Any thread, any lock held.
  void wake();
  // The last open of the inode was closed. Called for every file, so it must cost next to nothing.
  void closed(InodeId inode);

  // Registers work whose progress can be asked for; the queue's rows name it. It runs at least until queued().
  OperationId begin(AccountId account, const TreeFigures& expected);
  // The operation's rows are in the queue, or none will come.
  void queued(OperationId id);
  // Of one that a daemon before this one began only that it is under way. not_found: it ended, or never was.
  Result<OperationProgress> progress(OperationId id);
  // Bytes of what the account destroyed since this was started that are still to be given back.
  std::uint64_t being_destroyed(AccountId account);

 private:
  struct Operation {
    AccountId account;
    OperationProgress progress;
    bool queued = false;
    bool has_rows_left = false;  // it is done but for what is open
    std::chrono::steady_clock::time_point started;

    [[nodiscard]] bool is_under_way() const { return has_rows_left || progress.state == OperationState::running; }
  };
  // What one transaction took apart.
  struct Portion {
    bool progressed = false;
    bool exhausted = false;  // the pass has reached the end of the queue
    std::int64_t cursor = 0;
    std::map<OperationId, OperationProgress> done;
  };

  std::optional<OperationProgress> known_progress(OperationId id);
  void run();
  // After `pause` also without work; false when it is to stop.
  bool wait_for_work(std::optional<std::chrono::milliseconds> pause);
  Result<void> drain();
  Result<Portion> take_apart(std::int64_t cursor);
  // True when the row is finished with.
  bool reap(Transaction& tx, const PurgeRow& row, Portion& portion);
  bool reap_directory(Transaction& tx, const PurgeRow& row, Portion& portion);
  bool reap_leaf(Transaction& tx, const InodeRow& inode, OperationId operation, Portion& portion);
  Result<void> unlink_blobs();
  void record(const Portion& portion);
  Result<void> finish_operations();
  bool is_stopping();

  CoreParts& parts_;
  std::atomic<bool> waiting_for_close_{false};
  Mutex mutex_;
  ConditionVariable woken_;
  bool work_ REPRIEVE_GUARDED_BY(mutex_) = true;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::int64_t last_operation_ REPRIEVE_GUARDED_BY(mutex_);
  std::map<OperationId, Operation> operations_ REPRIEVE_GUARDED_BY(mutex_);
  std::string held_up_ REPRIEVE_GUARDED_BY(mutex_);  // by the last attempt
  std::thread thread_;
};

}  // namespace reprieve
