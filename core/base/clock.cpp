// SPDX-License-Identifier: Apache-2.0
#include "core/base/clock.h"

namespace reprieve {

Timestamp KernelClock::now() const {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &time);
  return to_timestamp(time);
}

}  // namespace reprieve
