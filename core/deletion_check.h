// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/ancestry.h"
#include "core/item_status.h"
#include "core/store/store.h"

namespace reprieve {

// Whether a live entry may go to the trash: the one answer to rm, mv, the socket and explain. `parent` is where its
// directory lies. Errors: skeleton, in_trash, not_found (the directory was purged), running.
Result<void> check_deletion(Transaction& tx, const EntryWithInode& doomed, const Location& parent, Guard guard);

}  // namespace reprieve
