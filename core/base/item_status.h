// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// How far the work on a run or an analysis is. The numbers are stored in the database and never change their meaning.
enum class ItemStatus : std::uint8_t {
  none = 0,  // nobody has said
  running = 1,
  complete = 2,
  failed = 3,
  aborted = 4,
};

}  // namespace reprieve
