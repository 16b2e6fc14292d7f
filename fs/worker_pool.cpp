// SPDX-License-Identifier: Apache-2.0
#include "fs/worker_pool.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <new>
#include <utility>

#include "core/base/thread.h"
#include "fs/eager_wait.h"

namespace reprieve::fs {
namespace {

// Ends a read(2) that waits for the kernel. Ignored by default, so that a stray one does no harm.
constexpr int kWakeSignal = SIGURG;
// A signal that comes between the look at `stopping_` and the read is lost, so it is sent until the thread has seen it.
constexpr std::chrono::milliseconds kWakeInterval{2};

// Between two reads of what nobody waits for. Each wake-up takes a processor from somebody who may want it.
constexpr timespec kRest{.tv_sec = 0, .tv_nsec = 20'000'000};

constexpr unsigned kFewestThreads = 4;
constexpr unsigned kMostThreadsByDefault = 16;

void install_wake_handler() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = 0;  // not SA_RESTART: the point is that read(2) returns
  ::sigaction(kWakeSignal, &action, nullptr);
}

// The process's signals are for the thread that composes it.
void take_only_the_wake_signal() {
  sigset_t all_others;
  ::sigfillset(&all_others);
  ::sigdelset(&all_others, kWakeSignal);
  ::pthread_sigmask(SIG_SETMASK, &all_others, nullptr);
}

// The pool whose reader this thread is, if any. Handlers run deep inside libfuse, which passes no context but the
// session's own through.
thread_local WorkerPool* reader_of = nullptr;

}  // namespace

unsigned threads_of_mount(unsigned configured) {
  if (configured != 0) return configured;
  return std::clamp(2 * std::thread::hardware_concurrency(), kFewestThreads, kMostThreadsByDefault);
}

WorkerPool::WorkerPool(KernelChannel& channel, unsigned threads, std::uint32_t first_lane)
    : channel_(channel), most_(threads_of_mount(threads)), first_lane_(first_lane) {
  install_wake_handler();
}

WorkerPool::~WorkerPool() { stop(); }

Result<void> WorkerPool::start() {
  MutexLock lock(mutex_);
  return start_worker();
}

Result<void> WorkerPool::start_worker() {
  try {
    workers_.push_back(std::make_unique<Worker>());
  } catch (const std::bad_alloc&) {
    return fail(Errc::out_of_memory);
  }
  Worker& worker = *workers_.back();
  worker.lane = first_lane_ + static_cast<std::uint32_t>(workers_.size()) - 1;
  auto started = start_thread([this, &worker] { run(worker); });
  if (!started) {
    workers_.pop_back();
    return fail(std::move(started).error());
  }
  worker.thread = *std::move(started);
  return {};
}

void WorkerPool::stop() {
  std::vector<std::unique_ptr<Worker>> workers;
  {
    MutexLock lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    turn_.notify_all();
    while (!all_finished()) {
      for (const auto& worker : workers_) {
        if (!worker->finished) ::pthread_kill(worker->thread.native_handle(), kWakeSignal);
      }
      finished_.wait_for(mutex_, kWakeInterval);
    }
    workers.swap(workers_);
  }
  for (const auto& worker : workers) worker->thread.join();
}

bool WorkerPool::all_finished() {
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker->finished; });
}

void WorkerPool::step_aside() {
  if (reader_of != nullptr) std::exchange(reader_of, nullptr)->hand_over();
}

void WorkerPool::hand_over() {
  MutexLock lock(mutex_);
  somebody_reads_ = false;
  if (stopping_.load(std::memory_order_relaxed)) return;
  if (parked_ > 0) {
    turn_.notify_one();
  } else if (workers_.size() < most_) {
    // Whoever is done first reads on.
    if (const auto started = start_worker(); !started) spdlog::warn("{}", reason_of(started.error()));
  }
}

void WorkerPool::run(Worker& self) {
  take_only_the_wake_signal();
  while (await_turn()) read_requests(self);
  MutexLock lock(mutex_);
  self.finished = true;
  finished_.notify_all();
}

bool WorkerPool::await_turn() {
  MutexLock lock(mutex_);
  while (somebody_reads_ && !gone_ && !stopping_.load(std::memory_order_relaxed)) {
    ++parked_;
    turn_.wait(mutex_);
    --parked_;
  }
  if (gone_ || stopping_.load(std::memory_order_relaxed)) return false;
  somebody_reads_ = true;
  return true;
}

void WorkerPool::read_requests(Worker& self) {
  EagerWait wait;
  reader_of = this;
  while (reader_of != nullptr && !stopping_.load(std::memory_order_relaxed)) {
    if (relaxed_.load(std::memory_order_relaxed)) {
      ::nanosleep(&kRest, nullptr);  // not the library's, which would go on sleeping after the wake signal
    } else {
      wait.before_read(channel_.descriptor());
    }
    switch (channel_.receive(self.buffer)) {
      case KernelChannel::Event::request: channel_.process(self.buffer, self.lane); break;
      case KernelChannel::Event::interrupted: break;
      case KernelChannel::Event::gone: channel_gone(); return;
    }
  }
  reader_of = nullptr;
}

void WorkerPool::channel_gone() {
  reader_of = nullptr;
  bool by_itself = false;
  {
    MutexLock lock(mutex_);
    by_itself = !gone_ && !stopping_.load(std::memory_order_relaxed);
    gone_ = true;
    somebody_reads_ = false;
    turn_.notify_all();
  }
  if (by_itself && on_gone_) on_gone_();
}

}  // namespace reprieve::fs
