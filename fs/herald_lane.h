// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "fs/herald.h"

namespace reprieve::fs {

// A herald and the thread that waits for it, so that nobody else has to: what is posted is done one after the other,
// and may take as long as a client holds a lock. Thread-safe.
class HeraldLane {
 public:
  using Work = std::function<void()>;

  HeraldLane() = default;
  ~HeraldLane();  // when all that was posted is done
  HeraldLane(const HeraldLane&) = delete;
  HeraldLane& operator=(const HeraldLane&) = delete;

  // Once. Errors: those of fork(2) and of a thread's start.
  Result<void> start();
  void post(Work work);
  // Returns when everything that was posted before is done.
  void settle();

  [[nodiscard]] Herald& herald() { return *herald_; }

 private:
  void run();

  Mutex mutex_;
  ConditionVariable wake_;     // there is work, or it is over
  ConditionVariable settled_;  // there is none
  std::deque<Work> queue_ REPRIEVE_GUARDED_BY(mutex_);
  bool busy_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Herald> herald_;  // constant once started
  std::thread thread_;
};

}  // namespace reprieve::fs
