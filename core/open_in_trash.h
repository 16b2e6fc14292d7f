// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts.h"
#include "core/base/ids.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// Whether a file without a live name is held open by somebody who may still change it: since before it lost the last
// one, however many names it lost before that. What never had a name, or was destroyed, is in no trash, and only who
// holds it open can have asked.
[[nodiscard]] bool is_open_since_deletion(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode);

}  // namespace reprieve
