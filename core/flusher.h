// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <thread>

#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

struct CoreParts;

// Makes changes durable that nobody asked to sync: `interval` after the first of them the log is flushed, and when it
// has grown it is written back. Sleeps without a timer while there is nothing to flush.
class Flusher {
 public:
  Flusher(CoreParts& parts, std::chrono::milliseconds interval);
  ~Flusher();

  // io: no thread could be started.
  Result<void> start();
  void stop();  // idempotent
  // There is something to flush, or to write back. Any thread, any lock held.
  void wake();

 private:
  void run();
  Result<void> flush();

  CoreParts& parts_;
  const std::chrono::milliseconds interval_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool dirty_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprieve
