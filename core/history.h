// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/base/event_kind.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/removal.h"
#include "core/store/event_rows.h"

namespace reprieve {

struct CoreParts;

// Something that happened, as users see it.
struct HistoryEvent {
  Timestamp at{};
  EventKind kind = EventKind::trash;
  std::string account;  // whose history it is in; empty: nobody's
  uid_t uid = 0;
  pid_t process = 0;   // 0 where it is not known
  SessionId session;   // none: of no session
  TrashItemId item;    // none: of no trash item
  std::string path;    // below the account's root
  std::string detail;  // for people
  bool undone = false;
};

struct HistoryQuery {
  std::optional<EventKind> kind;
  std::optional<Timestamp> since;
  std::size_t limit = 100;  // the newest so many
};

// What happened in the accounts of a store. Trash is told from the items that are still there, everything else from
// rows. Thread-safe.
class History {
 public:
  explicit History(CoreParts& parts) : parts_(parts) {}

  // Oldest first. Without an account: of all, and what belongs to none.
  Result<std::vector<HistoryEvent>> list(const std::optional<Account>& account, const HistoryQuery& query);
  // The daemon has read its configuration: `detail` says what it found.
  void configured(const Caller& caller, const std::string& detail);
  // Somebody asked for what it has no right to. At most one a second of each user is kept, so that nobody can push
  // others' events out.
  void denied(const std::optional<std::string>& account, const Caller& caller, const std::string& request);

 private:
  CoreParts& parts_;
  Mutex mutex_;
  std::map<uid_t, Timestamp> last_denied_ REPRIEVE_GUARDED_BY(mutex_);
};

// The row of an event that the deletion, or whatever else is under way, makes.
[[nodiscard]] EventRow event_of(const Deletion& who, EventKind kind, InodeId inode, std::string path,
                                std::string detail = {});

// The account has changed an item, which it sees at `path`, outside of any session: its ctime moves, and history tells.
void record_change(Transaction& tx, const Account& account, const Caller& caller, Timestamp now, EventKind kind,
                   InodeId inode, std::string path, std::string detail);

}  // namespace reprieve
