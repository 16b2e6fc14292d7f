// SPDX-License-Identifier: Apache-2.0
#include "core/flusher.h"

#include "core/base/thread.h"
#include "core/store/store.h"

namespace reprieve {

Flusher::Flusher(Store& store, std::chrono::milliseconds interval) : store_(store), interval_(interval) {}

Flusher::~Flusher() { stop(); }

Result<void> Flusher::start() {
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void Flusher::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    woken_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Flusher::wake() {
  const MutexLock lock(mutex_);
  dirty_ = true;
  woken_.notify_all();
}

void Flusher::run() {
  while (true) {
    {
      const MutexLock lock(mutex_);
      while (!dirty_ && !stopping_) woken_.wait(mutex_);
      const auto deadline = std::chrono::steady_clock::now() + interval_;
      while (!stopping_ && !store_.checkpoint_due()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero()) break;
        woken_.wait_for(mutex_, left);
      }
      if (stopping_) return;
      dirty_ = false;
    }
    // A disk that fails here fails the next transaction or fsync too, which then reports it; the next round tries
    // again.
    static_cast<void>(store_.checkpoint_due() ? store_.checkpoint() : store_.sync());
  }
}

}  // namespace reprieve
