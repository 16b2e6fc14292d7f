// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/config.h"

namespace reprieve {

// Makes the default logger of spdlog write to stderr: with <N> levels and no time where the journal reads them
// (sd-daemon(3)), with time and level otherwise.
void start_logging(LogLevel level);
void set_log_level(LogLevel level);

}  // namespace reprieve
