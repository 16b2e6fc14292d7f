// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sched.h>

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/sync.h"

namespace reprieve::fs {

// Threads for requests that may wait for a disk, so that those behind them need not. Threads are started as they are
// needed and parked when they are not. Thread-safe.
class SlowLane {
 public:
  explicit SlowLane(unsigned most_threads);
  ~SlowLane() { stop(); }
  SlowLane(const SlowLane&) = delete;
  SlowLane& operator=(const SlowLane&) = delete;

  // Carried out by a thread of the lane; by the caller's own once stop() has begun or where no thread can be had.
  void post(std::function<void()> work);
  // Returns when all that was posted is done. Idempotent. Not from a thread of the lane.
  void stop();

 private:
  void run();
  // Whether a thread has taken it or will.
  bool queue(std::function<void()>& work);

  const unsigned most_;
  // Where the maker may run: threads that post may be bound to one processor, and would hand that down.
  cpu_set_t processors_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<std::function<void()>> waiting_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ REPRIEVE_GUARDED_BY(mutex_);
  std::size_t parked_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
