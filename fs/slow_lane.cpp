// SPDX-License-Identifier: Apache-2.0
#include "fs/slow_lane.h"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace reprieve::fs {

SlowLane::SlowLane(unsigned most_threads) : most_(most_threads), processors_{} {
  if (::sched_getaffinity(0, sizeof(processors_), &processors_) != 0) CPU_ZERO(&processors_);
}

void SlowLane::post(std::function<void()> work) {
  if (!queue(work)) work();
}

bool SlowLane::queue(std::function<void()>& work) {
  const MutexLock lock(mutex_);
  if (stopping_) return false;
  if (parked_ <= waiting_.size() && threads_.size() < most_) {
    try {
      threads_.emplace_back([this] { run(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) return false;
    }
  }
  waiting_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

void SlowLane::stop() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void SlowLane::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  (void)::sched_setaffinity(0, sizeof(processors_), &processors_);  // of none: refused, and nothing changes
  for (;;) {
    std::function<void()> work;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) {
        ++parked_;
        wake_.wait(mutex_);
        --parked_;
      }
      if (waiting_.empty()) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

}  // namespace reprieve::fs
