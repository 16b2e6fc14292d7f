// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts/accounts.h"
#include "core/base/result.h"
#include "core/store/trash_rows.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;

// The rows of the account that match, oldest first. Counts trees only where the filter asks for a size.
Result<std::vector<TrashRow>> matching_rows(CoreParts& parts, const Account& account, const TrashFilter& filter);

// As users see it. Figures are what the row remembers, perhaps none.
TrashItem to_item(CoreParts& parts, const Account& account, const TrashRow& row);

// The same with figures, counted now where the row remembers none.
Result<TrashItem> to_counted_item(CoreParts& parts, const Account& account, const TrashRow& row);

}  // namespace reprieve
