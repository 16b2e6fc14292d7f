// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/event_kind.h"
#include "core/base/ids.h"

namespace reprieve {

// A row of `events`: something that happened and is told of later.
struct EventRow {
  EventId id;  // set by insert()
  Timestamp at{};
  EventKind kind = EventKind::share;
  AccountId account;  // whose history it is in; none: of no account
  uid_t uid = 0;
  pid_t process = 0;
  SessionId session;   // none: of no session
  InodeId inode;       // none: of no item
  TrashItemId item;    // none: of no trash item
  std::string path;    // below the account's root; may be empty
  std::string detail;  // for people; may be empty
  bool undone = false;
};

// What undo has to choose from: a session and its last action.
struct SessionEnd {
  SessionId session;
  Timestamp at{};
};

// SQL over events. Reached through a Transaction only. The newest kKept events are kept.
class EventRows {
 public:
  static constexpr std::int64_t kKept = 100'000;

  explicit EventRows(SQLite::Database& database);

  void insert(const EventRow& row);
  // The newest `limit` of the account at or behind `since`, oldest of them first; of all accounts and none for none.
  std::vector<EventRow> list(std::optional<AccountId> account, Timestamp since, std::size_t limit);
  // What is not undone of a session, newest first.
  std::vector<EventRow> of_session(SessionId session);
  void set_undone(EventId id);
  // The last session of the account's user that restored, replaced, left or hid something and did not take it back.
  std::optional<SessionEnd> last_session(AccountId account, uid_t uid);

 private:
  SQLite::Statement insert_, trim_, list_, list_all_, of_session_, set_undone_, last_session_;
};

}  // namespace reprieve
