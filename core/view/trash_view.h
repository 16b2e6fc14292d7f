// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/base/clock.h"

namespace reprieve {

// When .trash/ changed last. It is a view without rows of its own, so this is kept in memory: the kernel tells by a
// directory's mtime whether the listing that it cached is still good, and forgets all listings with the mount.
// Thread-safe.
class TrashView {
 public:
  explicit TrashView(const Clock& clock) : clock_(clock), modified_(clock.now().time_since_epoch().count()) {}

  // Something came into the trash or left it. The time always moves, also within one tick of the clock.
  void touch() {
    const std::int64_t now = clock_.now().time_since_epoch().count();
    std::int64_t before = modified_.load();
    while (!modified_.compare_exchange_weak(before, std::max(now, before + 1))) {
    }
  }

  [[nodiscard]] Timestamp modified() const { return Timestamp(std::chrono::nanoseconds(modified_.load())); }

 private:
  const Clock& clock_;
  std::atomic<std::int64_t> modified_;
};

}  // namespace reprieve
