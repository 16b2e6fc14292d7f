// SPDX-License-Identifier: Apache-2.0
#include "fs/herald_lane.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <utility>

#include "core/base/thread.h"

namespace reprieve::fs {
namespace {

constexpr std::chrono::hours kForever{24 * 365};

}  // namespace

void HeraldLane::post(Work work) {
  bool late = false;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    if (!thread_.joinable()) {
      auto started = start_thread([this] { run(); });
      if (started) thread_ = *std::move(started);
    }
    late = held_up_ || !thread_.joinable();
    if (queue_.size() == kMostWaiting) {
      queue_.pop_front();
      ++done_;
      late = true;
    }
    queue_.push_back(std::move(work));
    ++posted_;
    wake_.notify_one();
  }
  if (late) doubt_();
}

bool HeraldLane::tell(std::span<const std::byte> notice) {
  Herald::Told told = herald_.tell(notice);
  while (told == Herald::Told::sent || told == Herald::Told::not_sent) {
    if (!wait_for_herald()) return false;
    told = told == Herald::Told::sent ? Herald::Told::yes : herald_.tell(notice);
  }
  const bool never = told == Herald::Told::never;
  if (never) doubt_();
  if (never && !std::exchange(complained_, true)) {
    spdlog::error("the process that tells the kernel of changes has died, or could not be started");
  }
  if (!never) complained_ = false;
  return !never;
}

bool HeraldLane::wait_for_herald() {
  if (herald_.wait_until_free(kPatience)) return true;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return false;
    held_up_ = true;
    settled_.notify_all();
  }
  // Behind the flag: who posts from here on sees to it himself.
  doubt_();
  spdlog::warn("a program that lists a directory does not go on; its mount may be shown old listings until it does");
  const bool free = herald_.wait_until_free(kForever);
  const MutexLock lock(mutex_);
  held_up_ = !free;
  return free;
}

bool HeraldLane::settle(std::chrono::milliseconds limit) {
  {
    const auto end = std::chrono::steady_clock::now() + limit;
    const MutexLock lock(mutex_);
    const std::uint64_t last = posted_;
    for (;;) {
      if (done_ >= last) return true;
      const auto left = end - std::chrono::steady_clock::now();
      if (held_up_ || stopping_ || left <= left.zero()) break;
      settled_.wait_for(mutex_, left);
    }
  }
  doubt_();
  return false;
}

bool HeraldLane::stop() {
  std::thread thread;
  bool held_up = false;
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    queue_.clear();
    wake_.notify_one();
    settled_.notify_all();
    held_up = held_up_;
    thread = std::move(thread_);
  }
  if (held_up) herald_.give_up();
  if (thread.joinable()) thread.join();
  return herald_.wait_until_free(kPatience);
}

void HeraldLane::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    Work work;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
    const MutexLock lock(mutex_);
    ++done_;
    settled_.notify_all();
  }
}

}  // namespace reprieve::fs
