// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "fs/kernel_channel.h"

namespace reprieve::fs {

// How many threads serve a mount at one time at the most. 0: what suits the machine.
[[nodiscard]] unsigned threads_of_mount(unsigned configured);

// The threads that serve one channel.
//
// One thread at a time is the reader: it reads a request, carries it out, answers, and reads the next. The others are
// parked and cost nothing. So a client that asks for one thing after the other is always served by the same thread,
// which is awake and has its data in the processor's caches; measured on two processors this is two to three times
// faster than waking another thread for each request. A handler that is about to take long calls step_aside(), and a
// parked thread (started on first need) becomes the reader while it works.
//
// Thread-safe.
class WorkerPool {
 public:
  // `threads`: see threads_of_mount(). Their lanes (RequestMark) are numbered from `first_lane`.
  WorkerPool(KernelChannel& channel, unsigned threads, std::uint32_t first_lane = 0);
  ~WorkerPool();  // as stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Called once, by the thread that sees that the kernel's side is gone.
  void on_gone(std::function<void()> callback) { on_gone_ = std::move(callback); }

  // io: no thread could be started.
  Result<void> start();
  // Nobody waits for what still comes: from now on it is left to gather and read a few times a second.
  void take_it_easy() { relaxed_.store(true, std::memory_order_relaxed); }
  // Waits for what is being carried out; reads nothing more. Idempotent. Not from a thread of the pool.
  void stop();

  // From a handler: lets another thread read from here on. Cheap when called again, and when no thread is left to
  // read: then whoever is done first goes on.
  static void step_aside();

 private:
  struct Worker {
    std::thread thread;
    std::uint32_t lane = 0;
    RequestBuffer buffer;
    bool finished = false;
  };

  void run(Worker& self);
  bool await_turn() REPRIEVE_EXCLUDES(mutex_);
  void read_requests(Worker& self);
  void hand_over() REPRIEVE_EXCLUDES(mutex_);
  Result<void> start_worker() REPRIEVE_REQUIRES(mutex_);
  void channel_gone() REPRIEVE_EXCLUDES(mutex_);
  [[nodiscard]] bool all_finished() REPRIEVE_REQUIRES(mutex_);

  KernelChannel& channel_;
  const unsigned most_;
  const std::uint32_t first_lane_;
  std::function<void()> on_gone_;
  std::atomic<bool> relaxed_{false};
  std::atomic<bool> stopping_{false};  // read at every request; written under the mutex

  Mutex mutex_;
  ConditionVariable turn_;      // nobody reads, or it is over
  ConditionVariable finished_;  // a thread has left run()
  bool somebody_reads_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool gone_ REPRIEVE_GUARDED_BY(mutex_) = false;
  unsigned parked_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  std::vector<std::unique_ptr<Worker>> workers_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::fs
