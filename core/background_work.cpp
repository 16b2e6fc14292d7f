// SPDX-License-Identifier: Apache-2.0
#include "core/background_work.h"

#include <algorithm>

namespace reprieve {

void BackgroundFailures::listen(const Listener& listener) {
  std::vector<Failure> before;
  {
    const MutexLock lock(mutex_);
    listener_ = listener;
    before.swap(untold_);
  }
  for (const Failure& failure : before) listener(failure.work, failure.why);
}

void BackgroundFailures::tell(std::string_view work, const Error& why) {
  Listener listener;
  {
    const MutexLock lock(mutex_);
    listener = listener_;
    if (!listener && untold_.size() < kMostKept) untold_.push_back({std::string(work), why});
  }
  if (listener) listener(work, why);
}

std::chrono::milliseconds Attempts::failed(const Error& why) {
  constexpr std::chrono::milliseconds kFirst{50};
  constexpr unsigned kMostDoublings = 8;  // to about 13 seconds
  if (in_a_row_ == 0) failures_.tell(work_, why);
  const std::chrono::milliseconds pause = kFirst * (1U << std::min(in_a_row_, kMostDoublings));
  ++in_a_row_;
  return pause;
}

}  // namespace reprieve
