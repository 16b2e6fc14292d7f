// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve::control {

// Runs handlers away from the thread that owns the sockets, in the order in which they come, except that no uid ever
// has all threads: whatever one user asks for, another user's request finds one free. Thread-safe.
class HandlerPool {
 public:
  explicit HandlerPool(unsigned threads) : count_(threads), most_per_uid_(threads > 1 ? threads - 1 : 1) {}
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;
  ~HandlerPool();

  // Once. io: no thread could be started; those that were wait for stop().
  Result<void> start();
  void submit(uid_t uid, std::function<void()> job);
  // Waits for what runs and drops what does not yet. Idempotent; nothing runs after it.
  void stop();

 private:
  struct Job {
    uid_t uid;
    std::function<void()> run;
  };
  void work();
  std::deque<Job>::iterator next() REPRIEVE_REQUIRES(mutex_);

  const unsigned count_;
  const std::size_t most_per_uid_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Job> waiting_ REPRIEVE_GUARDED_BY(mutex_);
  std::map<uid_t, std::size_t> running_ REPRIEVE_GUARDED_BY(mutex_);
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace reprieve::control
