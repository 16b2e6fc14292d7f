// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <thread>

#include "core/base/sync.h"
#include "fs/herald.h"

namespace reprieve::fs {

// A mount's herald and a thread that waits for it, so that nobody else has to: what is posted is done one after the
// other. A client that holds the herald up for longer than kPatience holds up what is behind that, and nobody else.
// Thread and herald are started when there is something to do. Thread-safe.
class HeraldLane {
 public:
  using Work = std::function<void()>;
  static constexpr std::chrono::milliseconds kPatience{1000};

  // `doubt` has the kernel doubt all names, waiting for nothing. That is what is done, by whichever thread finds out,
  // whenever what was posted is late or is never done.
  HeraldLane(int device, Work doubt) : herald_(device), doubt_(std::move(doubt)) {}
  ~HeraldLane() { stop(); }
  HeraldLane(const HeraldLane&) = delete;
  HeraldLane& operator=(const HeraldLane&) = delete;

  void post(Work work);
  // From what was posted. Whether it was told, as long as that may take; false where it was not and will not be.
  bool tell(std::span<const std::byte> notice);
  // Returns when all that was posted before is done; false when that takes longer than the limit, or is about to.
  bool settle(std::chrono::milliseconds limit);
  // Nothing is told any more, also of what was posted. False when the herald is still held up. Idempotent.
  bool stop();

  [[nodiscard]] Herald& herald() { return herald_; }

 private:
  // Behind a client that has a lock for ever there would be no end of them.
  static constexpr std::size_t kMostWaiting = 1024;

  void run();
  bool wait_for_herald();

  Herald herald_;
  const Work doubt_;
  bool complained_ = false;  // of the lane's thread
  Mutex mutex_;
  ConditionVariable wake_;     // there is work, or it is over
  ConditionVariable settled_;  // something was done, or is held up
  std::deque<Work> queue_ REPRIEVE_GUARDED_BY(mutex_);
  std::uint64_t posted_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  std::uint64_t done_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  bool held_up_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::thread thread_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::fs
