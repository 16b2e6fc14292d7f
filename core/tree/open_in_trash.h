// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts/accounts.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;
struct InodeRow;
class Transaction;

// Whether a file without a live name is held open by somebody who may still change it: since before it lost the last
// one, however many names it lost before that. What never had a name, or was destroyed, is in no trash, and only who
// holds it open can have asked.
[[nodiscard]] bool is_open_since_deletion(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode);

// Whether the account may still change a file that it holds open: for ever what it owns, also in the trash; what is
// shared as long as it is an editor of it. viewer_only, stale.
Result<void> may_go_on_writing(Transaction& tx, const Account& account, const InodeRow& row);

}  // namespace reprieve
