// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/result.h"
#include "core/store/store.h"

// Which sample came from which runs, and which analysis used which samples.
namespace reprieve {

// Whether one may be said to be derived from the other. invalid_argument says what may.
Result<void> check_association(const InodeRow& derived, const InodeRow& source);

// What was made from the item, directly or at second hand: samples of a run with their analyses, analyses of a sample.
std::vector<InodeId> made_from(Transaction& tx, InodeId item);

// Where the account sees the inode by a live name.
std::vector<EntryRow> live_places(Transaction& tx, const Account& account, InodeId inode);

}  // namespace reprieve
