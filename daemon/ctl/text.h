// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "daemon/control/protocol/printable.h"

// Values as people read them.
namespace reprieve::ctl {

using protocol::printable;
// How many columns of a terminal the text takes. `text` is printable().
[[nodiscard]] std::size_t columns(std::string_view text);

// "512 B", "1.5 KiB", "23 GiB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
// "12s", "5m", "3h", "2d".
[[nodiscard]] std::string human_duration(std::uint64_t seconds);
// "3h ago"; what is older than four weeks is a date.
[[nodiscard]] std::string human_age(Timestamp time, Timestamp now);
// The user's name; the number where nobody has it.
[[nodiscard]] std::string user_name(std::uint64_t uid);
// "1 item", "3 items", "2 analyses".
[[nodiscard]] std::string counted(std::uint64_t number, std::string_view noun);

}  // namespace reprieve::ctl
