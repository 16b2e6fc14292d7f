// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <time.h>

#include <chrono>

namespace reprieve {

// Nanoseconds since the Unix epoch, UTC; reaches from 1677 to 2262.
using Timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

[[nodiscard]] constexpr Timestamp to_timestamp(const timespec& time) {
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
