// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <thread>

#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

struct CoreParts;

// Makes changes durable that nobody asked to sync: `interval` after the first of them the log is flushed, and when it
// has grown it is written back. Where that fails it is tried again, until it has been done. Sleeps without a timer
// while there is nothing to flush.
class Flusher {
 public:
  Flusher(CoreParts& parts, std::chrono::milliseconds interval);
  ~Flusher();

  // io: no thread could be started.
  Result<void> start();
  void stop();  // idempotent
  // Makes every change so far durable, and notes beside the blobs that the database knows it. io.
  Result<void> flush();
  // There is something to flush, or to write back. Any thread, any lock held.
  void wake();

 private:
  void run();
  // False when it is to stop.
  bool wait_until_due(std::optional<std::chrono::milliseconds> pause);

  CoreParts& parts_;
  const std::chrono::milliseconds interval_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool dirty_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprieve
