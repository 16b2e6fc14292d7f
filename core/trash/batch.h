// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/accounts/accounts.h"
#include "core/base/error.h"
#include "core/store/store.h"
#include "core/trash/trash_item.h"

// What the batch operations of the trash share.
namespace reprieve {

[[nodiscard]] BatchOutcome failed_outcome(const std::string& subject, const Error& error, TrashItemId id = {});

// The item, if it is in this account's trash. not_found.
Result<TrashRow> find_item(Transaction& tx, const Account& account, TrashItemId id);

}  // namespace reprieve
