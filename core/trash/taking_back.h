// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/event_kind.h"
#include "core/base/result.h"
#include "core/changes.h"
#include "core/store/store.h"
#include "core/trash/removal.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;

// One event that is being taken back, inside its transaction.
struct TakingBack {
  CoreParts& parts;
  Transaction& tx;
  const Deletion& who;
  const EventRow& event;
  Changes& changes;
  Guard guard = Guard::heed;  // of what goes to the trash again
};

[[nodiscard]] bool can_be_taken_back(EventKind kind);

// Takes it back. The outcome's `effect` says how: trash (a restore), restore (what is in its owner's trash), rejoin,
// unhide.
Result<BatchOutcome> taken_back(const TakingBack& t);

}  // namespace reprieve
