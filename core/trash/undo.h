// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/store/event_rows.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;

// One thing to take back.
struct UndoStep {
  Timestamp at{};
  TrashItemId item;  // of a deletion
  EventRow event;    // of everything else
  bool is_trash = false;
};

// What an undo takes back, in this order.
struct UndoPlan {
  SessionId session;
  std::vector<UndoStep> steps;
};

// What one undo took back. `effect` of a result: restore, trash (a restore was taken back), rejoin or unhide.
struct UndoReport {
  SessionId session;
  std::vector<BatchOutcome> results;
};

// Takes back what one process of a user did last: trash, restores of items, of their parts and of a run's files,
// replaced files, what is in the trash of its owner instead of the account's, leaving shared items and hiding what is
// in them. Thread-safe.
class Undo {
 public:
  explicit Undo(CoreParts& parts) : parts_(parts) {}

  // The last session of the account and the caller's uid. What is in the way of something that comes back goes to the
  // trash. A leave or hide comes back as long as the owner still shares the item. A request that comes again takes back
  // what it has chosen the first time. not_found: there is nothing. Of single results, running: a guard, as of
  // Trash::trash_paths, which Guard::force overrides.
  Result<UndoReport> last(const Account& account, const Caller& caller, Guard guard = Guard::heed);

 private:
  Result<SessionId> last_session(const Account& account, uid_t uid);
  Result<std::vector<UndoStep>> steps_of(const Account& account, SessionId session);
  BatchOutcome restore(const Account& account, TrashItemId item, const Caller& caller, Guard guard);
  BatchOutcome take_back(const Account& account, const EventRow& event, const Caller& caller, Guard guard);

  CoreParts& parts_;
};

}  // namespace reprieve
