// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/event_kind.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/event_rows.h"
#include "core/trash/removal.h"

namespace reprieve {

struct CoreParts;

// Something that happened, as users see it.
struct HistoryEvent {
  EventId seq;
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

// What happened since some event.
struct EventPage {
  std::vector<HistoryEvent> events;  // in the order of their numbers
  EventId upto;                      // nothing up to this number is left to tell
  bool missed = false;               // something of theirs behind that event may not be kept any more
};

// What happened in the accounts of a store. Events are numbered in the order of their commits, and an event that was
// told keeps its number; but deletions that are folded into a later one are told no more once they are. Thread-safe.
class History {
 public:
  explicit History(CoreParts& parts) : parts_(parts) {}

  // Oldest first. Without an account: of all, and what belongs to none.
  Result<std::vector<HistoryEvent>> list(const std::optional<Account>& account, const HistoryQuery& query);
  // At most `limit` events with greater numbers than `seq`, of the account, or of all and none. invalid_argument: no
  // event has had that number yet.
  Result<EventPage> after(const std::optional<Account>& account, EventId seq, std::size_t limit);
  // No event has a greater number.
  Result<EventId> newest();
  // Store::on_event().
  void on_event(std::function<void()> wake);
  // The daemon has read its configuration: `detail` says what it found.
  void configured(const Caller& caller, const std::string& detail) { note(EventKind::configuration, caller, detail); }
  // A backup could not be made, for the reason in `detail`.
  void backup_failed(const Caller& caller, const std::string& detail) {
    note(EventKind::backup_failed, caller, detail);
  }
  // Somebody asked for what it has no right to. At most one a second of each user is kept, so that nobody can push
  // others' events out.
  void denied(const std::optional<std::string>& account, const Caller& caller, const std::string& request);

 private:
  // Of the store and no account.
  void note(EventKind kind, const Caller& caller, const std::string& detail);

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
