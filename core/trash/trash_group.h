// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/store/store.h"
#include "core/view/item_status.h"

namespace reprieve {

// The entries that TrashMode::with_associated trashes: the item and what was made from it, as far as it is live in the
// account and its own. The item comes first. invalid_argument: of a kind from which nothing is made; not_yours; errors
// of Namespace::resolve and judge_deletion().
Result<std::vector<EntryRow>> find_group(Transaction& tx, const Account& account, const std::string& path, Guard guard);

}  // namespace reprieve
