// SPDX-License-Identifier: Apache-2.0
#include "core/store/event_rows.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string_view>
#include <utility>

#include "core/store/statement.h"

namespace reprieve {
namespace {

// Old events are removed once in so many numbers: it takes a look at every row.
constexpr std::int64_t kTrimEvery = 4096;

// What `undone` holds where it is not 0.
constexpr int kUndone = 1;
constexpr int kIsUndo = 2;

// Before events were counted by account, their removal was noted for all accounts as "trimmed".
constexpr std::string_view kTrimmed = "trimmed";

// What remains of what each has when nobody may have more than some share and all together `most`: that share.
std::int64_t fair_share(std::vector<std::int64_t> counts, std::int64_t most) {
  std::ranges::sort(counts);
  auto sharers = static_cast<std::int64_t>(counts.size());
  for (const std::int64_t count : counts) {
    if (count > most / sharers) return most / sharers;
    most -= count;
    --sharers;
  }
  return std::numeric_limits<std::int64_t>::max();
}

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
  row.undone = query.integer(11) == kUndone;
  return row;
}

std::vector<EventRow> read_rows(Query& query) {
  std::vector<EventRow> rows;
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

std::string trimmed_name(AccountId account) { return std::string(kTrimmed) + ":" + std::to_string(account.number()); }

std::string from_events() { return "SELECT " + EventRows::columns() + " FROM events"; }

}  // namespace

std::string EventRows::columns() {
  return "id, at, kind, account, uid, process, session, inode, item, path, detail, undone";
}

std::string EventRows::of_trash() {
  return "SELECT t.id, t.deleted, 'trash', t.account, t.uid, coalesce(s.process, 0), t.session, t.inode, t.id, "
         "t.origin,"
         " '', 0 FROM trash_items t LEFT JOIN sessions s ON s.id = t.session";
}

EventRows::EventRows(SQLite::Database& database, SequenceRows& sequences)
    : sequences_(sequences),
      insert_(database,
              "INSERT INTO events (id, at, kind, account, uid, process, session, inode, item, path, detail)"
              " VALUES (?1, ?2, CAST(?3 AS TEXT), ?4, ?5, ?6, ?7, nullif(?8, 0), nullif(?9, 0), ?10,"
              " CAST(?11 AS TEXT))"),
      count_(database, "SELECT count(*) FROM events"),
      whose_(database, "SELECT id, account FROM events ORDER BY id"),
      remove_(database, "DELETE FROM events WHERE id = ?1"),
      set_trimmed_(database,
                   "INSERT INTO sequences VALUES (CAST(?1 AS TEXT), ?2)"
                   " ON CONFLICT (name) DO UPDATE SET next = max(next, excluded.next)"),
      trimmed_(database, "SELECT max(next) FROM sequences WHERE name IN ('trimmed', CAST(?1 AS TEXT))"),
      all_trimmed_(database, "SELECT max(next) FROM sequences WHERE name GLOB 'trimmed*'"),
      list_(database, "SELECT * FROM (" + from_events() +
                          " WHERE (?1 = 0 OR account = ?1) AND at >= ?2 AND (?3 IS NULL OR kind = CAST(?3 AS TEXT))"
                          " ORDER BY id DESC LIMIT ?4) UNION ALL SELECT * FROM (" +
                          of_trash() +
                          " WHERE (?1 = 0 OR t.account = ?1) AND t.deleted >= ?2"
                          " AND (?3 IS NULL OR 'trash' = CAST(?3 AS TEXT)) ORDER BY t.id DESC LIMIT ?4)"
                          " ORDER BY 2 DESC, 1 DESC LIMIT ?4"),
      after_(database, from_events() + " WHERE id > ?2 AND (?1 = 0 OR account = ?1) UNION ALL " + of_trash() +
                           " WHERE t.id > ?2 AND (?1 = 0 OR t.account = ?1) ORDER BY 1 LIMIT ?3"),
      of_session_(database, from_events() + " WHERE session = ?1 AND undone = 0 ORDER BY id DESC"),
      set_undone_(database, "UPDATE events SET undone = " + std::to_string(kUndone) + " WHERE id = ?1"),
      set_is_undo_(database, "UPDATE events SET undone = " + std::to_string(kIsUndo) + " WHERE id = ?1"),
      insert_at_owner_(database, "INSERT INTO events (" + columns() +
                                     ") SELECT ?1, t.deleted, CAST(?2 AS TEXT), t.deleted_by, t.uid,"
                                     " coalesce(s.process, 0), t.session, t.inode, t.id, ?4, CAST(?5 AS TEXT), 0"
                                     " FROM trash_items t LEFT JOIN sessions s ON s.id = t.session WHERE t.id = ?3"),
      remove_at_owner_(database,
                       "DELETE FROM events WHERE session = ?1 AND item = ?2 AND kind IN ('replace', 'trash_at_owner')"),
      // Not by number: an item that comes to another account's trash later is told of as of when it was deleted.
      last_session_(database,
                    "SELECT session, at FROM events WHERE account = ?1 AND uid = ?2 AND session <> 0 AND undone = 0"
                    " AND kind IN ('restore', 'restore_part', 'restore_files', 'replace', 'trash_at_owner', 'leave',"
                    " 'hide') ORDER BY at DESC, id DESC LIMIT 1") {}

void EventRows::insert(const EventRow& row) {
  const std::string kind(event_name(row.kind));
  Query(insert_, next(), row.at, kind, row.account, row.uid, row.process, row.session, row.inode, row.item, row.path,
        row.detail)
      .run();
}

void EventRows::insert_at_owner(EventKind kind, TrashItemId item, const std::string& path, const std::string& holder) {
  const std::string name(event_name(kind));
  Query(insert_at_owner_, next(), name, item, path, "it is in the trash of " + holder).run();
}

EventId EventRows::next() {
  const EventId id = sequences_.next_event();
  if (id.number() / kTrimEvery != last_trim_) {
    last_trim_ = id.number() / kTrimEvery;
    trim();
  }
  return id;
}

void EventRows::trim() {
  {
    Query count(count_);
    count.step();
    if (count.integer(0) <= kKept) return;
  }
  std::vector<std::pair<EventId, AccountId>> all;
  std::map<AccountId, std::int64_t> counts;
  {
    Query whose(whose_);
    while (whose.step()) {
      all.emplace_back(whose.id<EventId>(0), whose.id<AccountId>(1));
      ++counts[all.back().second];
    }
  }
  std::vector<std::int64_t> all_counts;
  all_counts.reserve(counts.size());
  for (const auto& [account, count] : counts) all_counts.push_back(count);
  const std::int64_t share = fair_share(std::move(all_counts), kKept);
  std::map<AccountId, EventId> trimmed;
  for (const auto& [id, account] : all) {
    if (counts[account] <= share) continue;
    --counts[account];
    Query(remove_, id).run();
    trimmed[account] = id;
  }
  for (const auto& [account, last] : trimmed) Query(set_trimmed_, trimmed_name(account), last).run();
}

EventId EventRows::trimmed(AccountId account) {
  const std::string name = trimmed_name(account);
  Query of_one(trimmed_, name);
  Query of_all(all_trimmed_);
  Query& asked = account ? of_one : of_all;
  asked.step();
  return asked.id<EventId>(0);
}

std::vector<EventRow> EventRows::list(AccountId account, Timestamp since, std::optional<EventKind> kind,
                                      std::size_t limit) {
  if (!kind) {
    Query query(list_, account, since, nullptr, limit);
    return read_rows(query);
  }
  const std::string name(event_name(*kind));
  Query query(list_, account, since, name, limit);
  return read_rows(query);
}

std::vector<EventRow> EventRows::after(AccountId account, EventId id, std::size_t limit) {
  Query query(after_, account, id, limit);
  return read_rows(query);
}

std::vector<EventRow> EventRows::of_session(SessionId session) {
  Query query(of_session_, session);
  return read_rows(query);
}

void EventRows::set_undone(EventId id) { Query(set_undone_, id).run(); }

void EventRows::set_is_undo(EventId id) { Query(set_is_undo_, id).run(); }

void EventRows::remove_at_owner(SessionId session, TrashItemId item) { Query(remove_at_owner_, session, item).run(); }

std::optional<SessionEnd> EventRows::last_session(AccountId account, uid_t uid) {
  Query query(last_session_, account, uid);
  if (!query.step()) return std::nullopt;
  return SessionEnd{query.id<SessionId>(0), query.time(1)};
}

}  // namespace reprieve
