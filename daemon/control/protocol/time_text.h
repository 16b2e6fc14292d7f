// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/base/time_text.h"

namespace reprieve::protocol {

// RFC 3339 with any offset, a date alone (midnight UTC), or an age: a number and one of s, m, h, d, w, counted back
// from `now`. invalid_argument.
[[nodiscard]] Result<Timestamp> parse_time(std::string_view text, Timestamp now);

}  // namespace reprieve::protocol
