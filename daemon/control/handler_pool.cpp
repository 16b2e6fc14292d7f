// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/handler_pool.h"

#include <algorithm>
#include <utility>

#include "core/base/thread.h"

namespace reprieve::control {

Result<void> HandlerPool::start() {
  while (threads_.size() < count_) {
    REPRIEVE_TRY(std::thread thread, start_thread([this] { work(); }));
    threads_.push_back(std::move(thread));
  }
  return {};
}

HandlerPool::~HandlerPool() { stop(); }

void HandlerPool::submit(uid_t uid, std::function<void()> job) {
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    waiting_.push_back({uid, std::move(job)});
  }
  wake_.notify_one();
}

void HandlerPool::stop() {
  std::deque<Job> dropped;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::deque<HandlerPool::Job>::iterator HandlerPool::next() {
  for (auto job = waiting_.begin(); job != waiting_.end(); ++job) {
    const auto running = running_.find(job->uid);
    if (running == running_.end() || running->second < most_per_uid_) return job;
  }
  return waiting_.end();
}

void HandlerPool::work() {
  mutex_.lock();
  while (!stopping_) {
    const auto found = next();
    if (found == waiting_.end()) {
      wake_.wait(mutex_);
      continue;
    }
    Job job = std::move(*found);
    waiting_.erase(found);
    ++running_[job.uid];
    mutex_.unlock();
    job.run();
    job.run = nullptr;
    mutex_.lock();
    if (--running_[job.uid] == 0) running_.erase(job.uid);
    // A job of this uid that was passed over may run now.
    wake_.notify_one();
  }
  mutex_.unlock();
}

}  // namespace reprieve::control
