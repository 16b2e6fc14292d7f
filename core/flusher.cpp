// SPDX-License-Identifier: Apache-2.0
#include "core/flusher.h"

#include "core/base/thread.h"
#include "core/parts.h"

namespace reprieve {

Flusher::Flusher(CoreParts& parts, std::chrono::milliseconds interval) : parts_(parts), interval_(interval) {}

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
      while (!stopping_ && !parts_.store->checkpoint_due()) {
        const auto left = deadline - std::chrono::steady_clock::now();
        if (left <= left.zero()) break;
        woken_.wait_for(mutex_, left);
      }
      if (stopping_) return;
      dirty_ = false;
    }
    // A disk that fails here fails the next transaction or fsync too, which then reports it; the next round tries
    // again.
    static_cast<void>(flush());
  }
}

Result<void> Flusher::flush() {
  REPRIEVE_TRY_VOID(parts_.make_lasting());
  return parts_.store->checkpoint_due() ? parts_.store->checkpoint() : Result<void>();
}

}  // namespace reprieve
