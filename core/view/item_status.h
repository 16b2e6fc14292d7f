// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/base/ids.h"
#include "core/base/item_status.h"
#include "core/base/result.h"
#include "core/store/store.h"

// The status of runs and analyses, and what it guards.
namespace reprieve {

// "running"…; "none" where nobody has said.
[[nodiscard]] std::string_view status_name(ItemStatus status);
// The status that users name so. Errors: invalid_argument, which lists the names.
Result<ItemStatus> parse_status(std::string_view name);

// Errors: invalid_argument for what has no status.
Result<void> require_status_kind(const InodeRow& item);

// Whether what runs may be deleted.
enum class Guard : std::uint8_t {
  heed,
  force,
};

// Whether the directory is a running item or holds one. Costs one look-up where nothing runs in the store, else a walk
// up from each item that does.
bool holds_running(Transaction& tx, InodeId directory);

}  // namespace reprieve
