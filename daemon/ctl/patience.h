// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace reprieve::ctl {

// With a daemon that was there before, and went: another one may come.
class Patience {
 public:
  // Pauses before the next attempt, each time twice as long, up to a second. False, at once, when there is no use any
  // more: nobody came for 30 seconds.
  [[nodiscard]] bool wait();
  // Somebody was there.
  void extend();
  // And did its work: the next pause is the shortest again.
  void begin_again();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kFirst{20};
  static constexpr std::chrono::milliseconds kLongest{1000};
  static constexpr std::chrono::seconds kLimit{30};

  std::chrono::milliseconds pause_ = kFirst;
  Clock::time_point end_ = Clock::now() + kLimit;
};

}  // namespace reprieve::ctl
