// SPDX-License-Identifier: Apache-2.0
#include "core/store/event_rows.h"

#include <algorithm>

#include "core/store/statement.h"

namespace reprieve {
namespace {

// Old events are removed once in so many.
constexpr std::int64_t kTrimEvery = 256;

constexpr const char* kColumns =
    "SELECT id, at, kind, account, uid, process, session, inode, item, path, detail, undone FROM events";

EventRow read_row(Query& query) {
  EventRow row;
  row.id = query.id<EventId>(0);
  row.at = query.time(1);
  row.kind = event_named(query.text(2));
  row.account = query.id<AccountId>(3);
  row.uid = static_cast<uid_t>(query.integer(4));
  row.process = static_cast<pid_t>(query.integer(5));
  row.session = query.id<SessionId>(6);
  row.inode = query.id<InodeId>(7);
  row.item = query.id<TrashItemId>(8);
  row.path = query.bytes(9);
  row.detail = query.text(10);
  row.undone = query.integer(11) != 0;
  return row;
}

std::vector<EventRow> read_rows(Query& query) {
  std::vector<EventRow> rows;
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

}  // namespace

EventRows::EventRows(SQLite::Database& database)
    : insert_(database,
              "INSERT INTO events (at, kind, account, uid, process, session, inode, item, path, detail)"
              " VALUES (?1, CAST(?2 AS TEXT), ?3, ?4, ?5, ?6, nullif(?7, 0), nullif(?8, 0), ?9, CAST(?10 AS TEXT))"
              " RETURNING id"),
      trim_(database, "DELETE FROM events WHERE id <= ?1"),
      list_(database, std::string(kColumns) + " WHERE account = ?1 AND at >= ?2 ORDER BY id DESC LIMIT ?3"),
      list_all_(database, std::string(kColumns) + " WHERE at >= ?1 ORDER BY id DESC LIMIT ?2"),
      of_session_(database, std::string(kColumns) + " WHERE session = ?1 AND undone = 0 ORDER BY id DESC"),
      set_undone_(database, "UPDATE events SET undone = 1 WHERE id = ?1"),
      last_session_(database,
                    "SELECT session, at FROM events WHERE account = ?1 AND uid = ?2 AND session <> 0 AND undone = 0"
                    " AND kind IN ('restore', 'restore_part', 'restore_files', 'replace', 'leave', 'hide')"
                    " ORDER BY id DESC LIMIT 1") {}

void EventRows::insert(const EventRow& row) {
  const std::string kind(event_name(row.kind));
  std::int64_t id = 0;
  {
    Query query(insert_, row.at, kind, row.account, row.uid, row.process, row.session, row.inode, row.item, row.path,
                row.detail);
    query.step();
    id = query.integer(0);
  }
  if (id % kTrimEvery == 0 && id > kKept) Query(trim_, id - kKept).run();
}

std::vector<EventRow> EventRows::list(std::optional<AccountId> account, Timestamp since, std::size_t limit) {
  std::vector<EventRow> rows;
  if (account) {
    Query query(list_, *account, since, limit);
    rows = read_rows(query);
  } else {
    Query query(list_all_, since, limit);
    rows = read_rows(query);
  }
  std::ranges::reverse(rows);
  return rows;
}

std::vector<EventRow> EventRows::of_session(SessionId session) {
  Query query(of_session_, session);
  return read_rows(query);
}

void EventRows::set_undone(EventId id) { Query(set_undone_, id).run(); }

std::optional<SessionEnd> EventRows::last_session(AccountId account, uid_t uid) {
  Query query(last_session_, account, uid);
  if (!query.step()) return std::nullopt;
  return SessionEnd{query.id<SessionId>(0), query.time(1)};
}

}  // namespace reprieve
