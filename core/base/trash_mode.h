// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// What goes to the trash with an item. The numbers are stored in the database and never change their meaning.
enum class TrashMode : std::uint8_t {
  item = 0,             // the item alone
  with_associated = 1,  // what was made from it too, as one group
  files_only = 2,       // of a run or an analysis what it holds; the record stays
};

}  // namespace reprieve
