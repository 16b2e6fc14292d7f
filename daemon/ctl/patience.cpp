// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/patience.h"

#include <algorithm>
#include <thread>

namespace reprieve::ctl {

bool Patience::wait() {
  if (Clock::now() >= end_) return false;
  std::this_thread::sleep_for(pause_);
  pause_ = std::min(pause_ * 2, kLongest);
  return true;
}

void Patience::extend() { end_ = Clock::now() + kLimit; }

void Patience::begin_again() {
  pause_ = kFirst;
  extend();
}

}  // namespace reprieve::ctl
