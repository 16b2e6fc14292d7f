// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// What reprieved and reprievectl exit with. One meaning a number; a number that is no longer used stays reserved.
enum class ExitCode : std::uint8_t {
  done = 0,
  refused_or_failed = 1,
  usage = 2,         // wrong usage, or a confirmation that is missing
  unreachable = 3,   // no daemon answers on the socket
  partly_failed = 4  // some of a batch was done, some failed
};

[[nodiscard]] constexpr int to_status(ExitCode code) { return static_cast<int>(code); }

}  // namespace reprieve
