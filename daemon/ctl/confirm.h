// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "daemon/ctl/screen.h"

namespace reprieve::ctl {

// Asks on the terminal; anything but y or yes is a no. `question` is printable() and ends in a question mark.
[[nodiscard]] bool confirm(Screen& screen, const std::string& question);

}  // namespace reprieve::ctl
