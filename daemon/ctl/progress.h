// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/screen.h"

namespace reprieve::ctl {

// Waits until an operation has ended; draws a progress bar where the screen can show one.
Outcome<void> follow(Client& client, std::int64_t operation, Screen& screen);

// One line without the line's end: "[####....]  50%  1.0 GiB of 2.0 GiB  120 MiB/s".
[[nodiscard]] std::string progress_line(const protocol::Progress& progress);

}  // namespace reprieve::ctl
