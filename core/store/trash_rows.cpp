// SPDX-License-Identifier: Apache-2.0
#include "core/store/trash_rows.h"

#include <algorithm>
#include <functional>

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr int kTrashColumns = 21;

std::string select(const char* rest) {
  return std::string(
             "SELECT t.id, t.account, t.name, t.kind, t.parent, t.entry, t.inode, t.origin, t.session, t.deleted_by,"
             " t.uid, t.deleted, t.parent_modified_before, t.parent_modified_after, t.hold_reason IS NOT NULL,"
             " t.files, t.folders, t.bytes, t.exclusive_bytes, t.mode, t.together") +
         rest;
}

TrashRow read_row(Query& query) {
  int column = 0;
  TrashRow row;
  row.id = query.id<TrashItemId>(column++);
  row.account = query.id<AccountId>(column++);
  row.name = query.bytes(column++);
  row.kind = static_cast<ItemKind>(query.integer(column++));
  row.parent = query.id<InodeId>(column++);
  row.entry = query.id<EntryId>(column++);
  row.inode = query.id<InodeId>(column++);
  row.origin = query.bytes(column++);
  row.session = query.id<SessionId>(column++);
  row.deleted_by = query.id<AccountId>(column++);
  row.uid = static_cast<uid_t>(query.integer(column++));
  row.deleted = query.time(column++);
  row.parent_modified_before = query.time(column++);
  row.parent_modified_after = query.time(column++);
  row.held = query.integer(column++) != 0;
  if (!query.is_null(column)) {
    const auto figure = [&query](int at) { return static_cast<std::uint64_t>(query.integer(at)); };
    row.figures = TreeFigures{.files = figure(column),
                              .folders = figure(column + 1),
                              .bytes = figure(column + 2),
                              .exclusive_bytes = figure(column + 3)};
  }
  column += 4;
  row.mode = static_cast<TrashMode>(query.integer(column++));
  row.together = query.id<TrashItemId>(column);  // NULL reads as 0, no group
  return row;
}

}  // namespace

TrashRows::TrashRows(SQLite::Database& database)
    : find_(database, select(" FROM trash_items t WHERE t.id = ?1")),
      find_by_name_(database, select(" FROM trash_items t WHERE t.account = ?1 AND t.name = ?2")),
      name_taken_(database, "SELECT 1 FROM trash_items WHERE account = ?1 AND name = ?2"),
      all_(database, select(" FROM trash_items t WHERE +t.account = ?1 ORDER BY t.id")),
      list_(database, select(", ") + InodeRows::columns() +
                          " FROM trash_items t CROSS JOIN inodes i ON i.id = t.inode"
                          " WHERE t.id > ?2 AND +t.account = ?1 ORDER BY t.id LIMIT ?3"),
      of_session_in_(database,
                     "SELECT t.id, t.parent_modified_before, t.parent_modified_after, e.id, e.name, i.id, i.links,"
                     " i.owner, t.kind, t.account <> t.deleted_by"
                     " FROM entries e CROSS JOIN trash_items t ON t.id = e.item CROSS JOIN inodes i ON i.id = e.inode"
                     " WHERE e.parent = ?1 AND e.item IS NOT NULL AND t.session = ?2 AND t.mode <> 2"),
      count_(database, "SELECT count(*) FROM trash_items"),
      last_session_(database,
                    "SELECT session, deleted FROM trash_items WHERE +account = ?1 AND uid = ?2 AND deleted_by = ?1"
                    " ORDER BY id DESC LIMIT 1"),
      insert_(database,
              "INSERT INTO trash_items (id, account, name, kind, parent, entry, inode, origin, session, deleted_by,"
              " uid, deleted, parent_modified_before, parent_modified_after)"
              " VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14) ON CONFLICT (account, name) DO NOTHING"),
      remove_(database, "DELETE FROM trash_items WHERE id = ?1"),
      keep_event_(database,
                  "INSERT INTO events (" + EventRows::columns() + ") " + EventRows::of_trash() + " WHERE t.id = ?1"),
      set_account_(database, "UPDATE trash_items SET account = ?2, name = ?3 WHERE id = ?1"),
      set_figures_(database,
                   "UPDATE trash_items SET files = ?2, folders = ?3, bytes = ?4, exclusive_bytes = ?5 WHERE id = ?1"),
      clear_figures_(
          database,
          "UPDATE trash_items SET files = NULL, folders = NULL, bytes = NULL, exclusive_bytes = NULL WHERE id = ?1"),
      clear_all_figures_(database,
                         "UPDATE trash_items SET files = NULL, folders = NULL, bytes = NULL, exclusive_bytes = NULL"),
      set_mode_(database, "UPDATE trash_items SET mode = ?2, together = nullif(?3, 0) WHERE id = ?1"),
      group_(database, select(" FROM trash_items t WHERE t.together = ?2 AND +t.account = ?1 ORDER BY t.id")) {}

std::optional<TrashRow> TrashRows::find(TrashItemId id) {
  Query query(find_, id);
  if (!query.step()) return std::nullopt;
  return read_row(query);
}

std::optional<TrashRow> TrashRows::find_by_name(AccountId account, const std::string& name) {
  Query query(find_by_name_, account, name);
  if (!query.step()) return std::nullopt;
  return read_row(query);
}

bool TrashRows::name_taken(AccountId account, const std::string& name) {
  return Query(name_taken_, account, name).step();
}

std::vector<TrashRow> TrashRows::all(AccountId account) {
  std::vector<TrashRow> rows;
  Query query(all_, account);
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

std::vector<TrashRow> TrashRows::group(AccountId account, TrashItemId first) {
  std::vector<TrashRow> rows;
  Query query(group_, account, first);
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

std::vector<TrashRowWithInode> TrashRows::list(AccountId account, TrashItemId after, std::size_t limit) {
  std::vector<TrashRowWithInode> rows;
  Query query(list_, account, after, limit);
  while (query.step()) rows.push_back({read_row(query), InodeRows::read_row(query, kTrashColumns)});
  return rows;
}

std::deque<FoldableRow> TrashRows::of_session_in(InodeId directory, SessionId session) {
  std::deque<FoldableRow> rows;  // which does not hold everything twice while it grows
  Query query(of_session_in_, directory, session);
  while (query.step()) {
    rows.push_back({.item = query.id<TrashItemId>(0),
                    .parent_modified_before = query.time(1),
                    .parent_modified_after = query.time(2),
                    .entry = query.id<EntryId>(3),
                    .name = query.bytes(4),
                    .inode = query.id<InodeId>(5),
                    .links = static_cast<std::uint32_t>(query.integer(6)),
                    .owner = query.id<AccountId>(7),
                    .kind = static_cast<ItemKind>(query.integer(8)),
                    .at_owner = query.integer(9) != 0});
  }
  std::ranges::sort(rows, std::ranges::greater{}, &FoldableRow::item);
  return rows;
}

std::uint64_t TrashRows::count() {
  Query query(count_);
  query.step();
  return static_cast<std::uint64_t>(query.integer(0));
}

std::optional<SessionEnd> TrashRows::last_session(AccountId account, uid_t uid) {
  Query query(last_session_, account, uid);
  if (!query.step()) return std::nullopt;
  return SessionEnd{query.id<SessionId>(0), query.time(1)};
}

bool TrashRows::insert(const TrashRow& row) {
  Query query(insert_, row.id, row.account, row.name, static_cast<std::int64_t>(row.kind), row.parent, row.entry,
              row.inode, row.origin, row.session, row.deleted_by, row.uid, row.deleted, row.parent_modified_before,
              row.parent_modified_after);
  query.run();
  return query.changed() > 0;
}

void TrashRows::remove(TrashItemId id) { Query(remove_, id).run(); }

void TrashRows::conclude(TrashItemId id) {
  Query(keep_event_, id).run();
  remove(id);
}

void TrashRows::set_account(TrashItemId id, AccountId account, const std::string& name) {
  Query(set_account_, id, account, name).run();
}

void TrashRows::set_figures(TrashItemId id, const TreeFigures& figures) {
  Query(set_figures_, id, figures.files, figures.folders, figures.bytes, figures.exclusive_bytes).run();
}

void TrashRows::clear_figures(TrashItemId id) { Query(clear_figures_, id).run(); }

void TrashRows::clear_all_figures() { Query(clear_all_figures_).run(); }

void TrashRows::set_mode(TrashItemId id, TrashMode mode, TrashItemId together) {
  Query(set_mode_, id, static_cast<std::int64_t>(mode), together).run();
}

}  // namespace reprieve
