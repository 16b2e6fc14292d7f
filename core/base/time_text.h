// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace reprieve {

// RFC 3339 in UTC to the millisecond: "2024-05-01T12:00:00.250Z". Cut and not rounded, so that the text is never
// later than the time.
[[nodiscard]] std::string rfc3339(Timestamp time);

// The same to the second and without punctuation, as it stands in names of files: "20240501T120000Z".
[[nodiscard]] std::string compact_time(Timestamp time);
// Reverses compact_time(). None for anything else.
[[nodiscard]] std::optional<Timestamp> parse_compact_time(std::string_view text);

}  // namespace reprieve
