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
#include "core/store/sequence_rows.h"

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

// SQL over events. Trash is told from the row of its item while there is one, under the item's number; everything else,
// and trash that is over, has a row in `events`. Reached through a Transaction only.
class EventRows {
 public:
  // Of the rows in `events` so many are kept, and up to some thousand more. Where there are too many, the oldest go of
  // the accounts that have most, so that what happens in one takes no room from others that have less.
  static constexpr std::int64_t kKept = 100'000;

  EventRows(SQLite::Database& database, SequenceRows& sequences);

  // Gives the row its number.
  void insert(const EventRow& row);
  // What an account deleted is a trash item of another, by the name of `holder`: tells the account that deleted it,
  // with the path that it had there.
  void insert_at_owner(EventKind kind, TrashItemId item, const std::string& path, const std::string& holder);
  // That is no longer so: the item of the session has been folded, or is in the trash of who deleted it.
  void remove_at_owner(SessionId session, TrashItemId item);
  // The newest `limit` of the account, or of all and none for AccountId(), at or behind `since`; newest first.
  std::vector<EventRow> list(AccountId account, Timestamp since, std::optional<EventKind> kind, std::size_t limit);
  // The first `limit` of the account, or of all and none, with greater numbers; in the order of the numbers.
  std::vector<EventRow> after(AccountId account, EventId id, std::size_t limit);
  // The greatest number of an event of the account, or of all and none, that is not kept any more.
  EventId trimmed(AccountId account);
  // What can be taken back of a session, newest first. Trash is only in it when it is over.
  std::vector<EventRow> of_session(SessionId session);
  void set_undone(EventId id);
  // It took something back: it is neither taken back itself nor shown as undone.
  void set_is_undo(EventId id);
  // The last session of the account's user that did something which can be taken back, and was not.
  std::optional<SessionEnd> last_session(AccountId account, uid_t uid);

  // Columns of `events`, and the same of trash items `t`, as SQL.
  static std::string columns();
  static std::string of_trash();

 private:
  EventId next();
  void trim();

  SequenceRows& sequences_;
  SQLite::Statement insert_, count_, whose_, remove_, set_trimmed_, trimmed_, all_trimmed_, list_, after_, of_session_,
      set_undone_, set_is_undo_, insert_at_owner_, remove_at_owner_, last_session_;
  std::int64_t last_trim_ = -1;  // number over kTrimEvery
};

}  // namespace reprieve
