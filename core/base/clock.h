// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include <chrono>

namespace reprieve {

// Nanoseconds since the Unix epoch, UTC; reaches from 1677 to 2262.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

// Times beyond that become the first or the last of it.
[[nodiscard]] constexpr Timestamp to_timestamp(const timespec& time) {
  constexpr auto kFirst = std::chrono::ceil<std::chrono::seconds>(Timestamp::min().time_since_epoch());
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(Timestamp::max().time_since_epoch());
  if (time.tv_sec < kFirst.count()) return Timestamp(kFirst);
  if (time.tv_sec >= kLast.count()) return Timestamp(kLast);
  return Timestamp(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

[[nodiscard]] constexpr timespec to_timespec(Timestamp time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  return {.tv_sec = seconds.count(), .tv_nsec = (time.time_since_epoch() - seconds).count()};
}

// Where core gets the time from. Thread-safe. Tests bring one that they can set.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;
};

// The clock that the kernel stamps files with: CLOCK_REALTIME_COARSE (clock_gettime(2)). Times in rows then never
// run ahead of times on blobs, which together make up one inode's attributes.
class KernelClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
};

}  // namespace reprieve
