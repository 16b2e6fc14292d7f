// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/trash_item.h"

namespace reprieve {

struct CoreParts;
struct EventRow;

// What one undo took back. `effect` of a result: restore, trash (a restore was taken back), rejoin or unhide.
struct UndoReport {
  SessionId session;
  std::vector<BatchOutcome> results;
};

// Takes back what one process of a user did last: trash, restores of items, of their parts and of a run's files,
// replaced files (also those of another account in what is shared), leaving shared items and hiding what is in them.
// Thread-safe.
class Undo {
 public:
  explicit Undo(CoreParts& parts) : parts_(parts) {}

  // The last session of the account and the caller's uid. What is in the way of something that comes back goes to the
  // trash. A leave or hide comes back as long as the owner still shares the item. not_found: there is nothing.
  Result<UndoReport> last(const Account& account, const Caller& caller);

 private:
  struct Step;
  Result<SessionId> last_session(const Account& account, uid_t uid);
  Result<std::vector<Step>> steps_of(const Account& account, SessionId session);
  BatchOutcome restore(const Account& account, TrashItemId item, const Caller& caller);
  BatchOutcome take_back(const Account& account, const EventRow& event, const Caller& caller);

  CoreParts& parts_;
};

}  // namespace reprieve
