// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/result.h"

namespace reprieve::protocol {

// RFC 3339 in UTC to the millisecond: "2024-05-01T12:00:00.250Z". Cut and not rounded, so that the text is never
// later than the time.
[[nodiscard]] std::string rfc3339(Timestamp time);

// RFC 3339 with any offset, a date alone (midnight UTC), or an age: a number and one of s, m, h, d, w, counted back
// from `now`. invalid_argument.
[[nodiscard]] Result<Timestamp> parse_time(std::string_view text, Timestamp now);

}  // namespace reprieve::protocol
