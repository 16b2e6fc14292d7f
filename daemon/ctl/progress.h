// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/screen.h"

namespace reprieve::ctl {

// Waits until an operation has ended; draws a progress bar where the screen can show one.
Outcome<void> follow(Client& client, std::int64_t operation, Screen& screen);

// Goes back to the start of the line and clears it.
inline constexpr std::string_view kEraseLine = "\r\033[K";
// From 0 to 1; of nothing all is done.
[[nodiscard]] double share_of(std::uint64_t done, std::uint64_t total);
// "[####....]  50%".
[[nodiscard]] std::string progress_bar(double part);
// One line without the line's end: "[####....]  50%  1.0 GiB of 2.0 GiB  120 MiB/s".
[[nodiscard]] std::string progress_line(const protocol::Progress& progress);

}  // namespace reprieve::ctl
