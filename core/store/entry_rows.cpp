// SPDX-License-Identifier: Apache-2.0
#include "core/store/entry_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr int kEntryColumns = 6;

EntryRow read_entry(Query& query) {
  EntryRow row;
  row.parent = query.id<InodeId>(0);
  row.id = query.id<EntryId>(1);
  row.name = query.bytes(2);
  row.inode = query.id<InodeId>(3);
  row.item = query.id<TrashItemId>(4);             // NULL reads as 0, no item
  row.role = static_cast<Role>(query.integer(5));  // and here as the owner
  return row;
}

std::string select(const char* condition) {
  return std::string("SELECT e.parent, e.id, e.name, e.inode, e.item, e.role FROM entries e WHERE ") + condition;
}

std::string select_with_inode(const char* condition) {
  return std::string("SELECT e.parent, e.id, e.name, e.inode, e.item, e.role, ") + InodeRows::columns() +
         " FROM entries e CROSS JOIN inodes i ON i.id = e.inode WHERE " + condition;
}

}  // namespace

EntryRows::EntryRows(SQLite::Database& database, HiddenRows& hidden)
    : find_live_(database, select("e.parent = ?1 AND e.name = ?2 AND e.item IS NULL")),
      find_live_with_inode_(database, select_with_inode("e.parent = ?1 AND e.name = ?2 AND e.item IS NULL")),
      find_(database, select("e.parent = ?1 AND e.id = ?2")),
      has_live_(database, "SELECT 1 FROM entries INDEXED BY live_entries WHERE parent = ?1 AND item IS NULL LIMIT 1"),
      has_live_for_(database,
                    "SELECT 1 FROM entries e INDEXED BY live_entries WHERE e.parent = ?2 AND e.item IS NULL"
                    " AND NOT EXISTS (SELECT 1 FROM hidden_entries h"
                    " WHERE h.account = ?1 AND h.parent = ?2 AND h.entry = e.id) LIMIT 1"),
      places_(database, select("e.inode = ?1")),
      count_places_(database, "SELECT count(*) FROM entries WHERE inode = ?1"),
      list_(database, select_with_inode("e.parent = ?1 AND e.id > ?2 AND +e.item IS NULL ORDER BY e.id LIMIT ?3")),
      insert_(database,
              "INSERT INTO entries (parent, id, name, inode, item, role) VALUES (?1, ?2, ?3, ?4, nullif(?5, 0), "
              "nullif(?6, 0))"),
      remove_(database, "DELETE FROM entries WHERE parent = ?1 AND id = ?2"),
      set_item_(database, "UPDATE entries SET item = ?3 WHERE parent = ?1 AND id = ?2"),
      clear_item_(database, "UPDATE entries SET item = NULL WHERE parent = ?1 AND id = ?2"),
      move_(database, "UPDATE entries SET parent = ?3, name = ?4, item = NULL WHERE parent = ?1 AND id = ?2"),
      set_inode_(database, "UPDATE entries SET inode = ?3 WHERE parent = ?1 AND id = ?2"),
      set_role_(database, "UPDATE entries SET role = nullif(?3, 0) WHERE parent = ?1 AND id = ?2"),
      move_all_(database, "UPDATE entries SET parent = ?2 WHERE parent = ?1 AND item IS NULL"),
      hidden_(hidden) {}

std::optional<EntryRow> EntryRows::find_live(InodeId parent, const std::string& name) {
  Query query(find_live_, parent, name);
  if (!query.step()) return std::nullopt;
  return read_entry(query);
}

std::optional<EntryWithInode> EntryRows::find_live_with_inode(InodeId parent, const std::string& name) {
  Query query(find_live_with_inode_, parent, name);
  if (!query.step()) return std::nullopt;
  return EntryWithInode{read_entry(query), InodeRows::read_row(query, kEntryColumns)};
}

std::optional<EntryRow> EntryRows::find(InodeId parent, EntryId id) {
  Query query(find_, parent, id);
  if (!query.step()) return std::nullopt;
  return read_entry(query);
}

bool EntryRows::has_live(InodeId parent) { return Query(has_live_, parent).step(); }

bool EntryRows::has_live_for(AccountId account, InodeId parent) {
  return hidden_.any(account) ? Query(has_live_for_, account, parent).step() : has_live(parent);
}

std::vector<EntryRow> EntryRows::places(InodeId inode) {
  std::vector<EntryRow> rows;
  Query query(places_, inode);
  while (query.step()) rows.push_back(read_entry(query));
  return rows;
}

std::optional<EntryRow> EntryRows::place(InodeId inode) {
  Query query(places_, inode);
  if (!query.step()) return std::nullopt;
  return read_entry(query);
}

const std::vector<EntryRow>& EntryRows::places_of_directory(InodeId directory) {
  if (const auto* known = directory_places_.find(directory)) return *known;
  return directory_places_.remember(directory, places(directory));
}

std::uint64_t EntryRows::count_places(InodeId inode) {
  Query query(count_places_, inode);
  query.step();
  return static_cast<std::uint64_t>(query.integer(0));
}

std::vector<EntryWithInode> EntryRows::list(InodeId parent, EntryId after, std::size_t limit) {
  std::vector<EntryWithInode> rows;
  Query query(list_, parent, after, limit);
  while (query.step()) rows.push_back({read_entry(query), InodeRows::read_row(query, kEntryColumns)});
  return rows;
}

void EntryRows::insert(const EntryRow& row) {
  directory_places_.forget(row.inode);
  Query(insert_, row.parent, row.id, row.name, row.inode, row.item, static_cast<std::int64_t>(row.role)).run();
}

void EntryRows::remove(InodeId parent, EntryId id) {
  directory_places_.forget(id);
  hidden_.entry_removed(parent, id);
  Query(remove_, parent, id).run();
}

void EntryRows::set_item(InodeId parent, EntryId id, TrashItemId item) {
  directory_places_.forget(id);
  if (item) {
    Query(set_item_, parent, id, item).run();
  } else {
    Query(clear_item_, parent, id).run();
  }
}

void EntryRows::move(const EntryRow& from, InodeId parent, const std::string& name) {
  directory_places_.forget(from.id);
  hidden_.entry_moved(from.parent, from.id, parent);
  Query(move_, from.parent, from.id, parent, name).run();
}

void EntryRows::set_inode(InodeId parent, EntryId id, InodeId inode) {
  directory_places_.forget(id);
  directory_places_.forget(inode);
  Query(set_inode_, parent, id, inode).run();
}

void EntryRows::move_all(InodeId from, InodeId to) {
  directory_places_.forget_all();
  hidden_.entries_moved(from, to);
  Query(move_all_, from, to).run();
}

void EntryRows::set_role(InodeId parent, EntryId id, Role role) {
  directory_places_.forget(id);
  Query(set_role_, parent, id, static_cast<std::int64_t>(role)).run();
}

}  // namespace reprieve
