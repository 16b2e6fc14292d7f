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

}  // namespace reprieve
