// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/flusher.h"

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
  Attempts attempts(parts_.failures, "what has changed is not safe from a power cut");
  for (std::optional<std::chrono::milliseconds> pause; wait_until_due(pause);) {
    pause = attempts.after(flush());
    if (pause) wake();
  }
}

bool Flusher::wait_until_due(std::optional<std::chrono::milliseconds> pause) {
  const MutexLock lock(mutex_);
  while (!dirty_ && !stopping_) woken_.wait(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + pause.value_or(interval_);
  // A log that has grown does not wait, unless writing it back has just failed.
  while (!stopping_ && (pause || !parts_.store->checkpoint_due())) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) break;
    woken_.wait_for(mutex_, left);
  }
  dirty_ = false;
  return !stopping_;
}

Result<void> Flusher::flush() {
  // A full disk may have no room for the number, and frees none of what is to be flushed.
  const auto number = parts_.store->begin_flush();
  REPRIEVE_TRY_VOID(parts_.make_lasting());
  // Never before: after a power cut the database would seem to be older than it is.
  if (number) parts_.blobs->note_flushed(*number);
  return parts_.store->checkpoint_due() ? parts_.store->checkpoint() : Result<void>();
}

}  // namespace reprieve
