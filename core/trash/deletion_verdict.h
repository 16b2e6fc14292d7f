// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/store/store.h"
#include "core/trash/departure.h"
#include "core/view/item_status.h"

namespace reprieve {

// What deleting a live entry means for the account, or why it may not: the one answer to rm, mv, the socket and
// explain. `parent` is where its directory lies. What runs holds up only those who would send it to the trash, not
// those who leave it. Errors: skeleton, in_trash, not_found (the directory was purged), running.
Result<Fate> judge_deletion(Transaction& tx, const Account& account, const EntryWithInode& doomed,
                            const Location& parent, Guard guard);

// What has the name that a restore or an undo wants, where it may replace, goes the way of anything that the account
// deletes. Errors of judge_deletion(); exists: it is not the account's to replace.
Result<void> clear_place(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& taken,
                         const Location& parent, Guard guard, Changes& changes);

}  // namespace reprieve
