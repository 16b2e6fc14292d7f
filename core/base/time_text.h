// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/base/clock.h"

namespace reprieve {

// RFC 3339 in UTC to the millisecond: "2024-05-01T12:00:00.250Z". Cut and not rounded, so that the text is never
// later than the time.
[[nodiscard]] std::string rfc3339(Timestamp time);

}  // namespace reprieve
