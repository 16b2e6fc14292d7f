// SPDX-License-Identifier: Apache-2.0
#include "fs/herald_lane.h"

#include <pthread.h>

#include <csignal>
#include <utility>

#include "core/base/thread.h"

namespace reprieve::fs {

HeraldLane::~HeraldLane() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> HeraldLane::start() {
  REPRIEVE_TRY(herald_, Herald::start());
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void HeraldLane::post(Work work) {
  const MutexLock lock(mutex_);
  queue_.push_back(std::move(work));
  wake_.notify_one();
}

void HeraldLane::settle() {
  const MutexLock lock(mutex_);
  while (busy_ || !queue_.empty()) settled_.wait(mutex_);
}

void HeraldLane::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    std::deque<Work> work;
    {
      const MutexLock lock(mutex_);
      busy_ = false;
      if (queue_.empty()) settled_.notify_all();
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      work.swap(queue_);
      busy_ = true;
    }
    for (const Work& each : work) each();
  }
}

}  // namespace reprieve::fs
