// SPDX-License-Identifier: Apache-2.0
#include "core/store/inode_rows.h"

#include "core/store/statement.h"

namespace reprieve {

namespace {

// The inode ?1 and all below it but what was trashed from there.
constexpr const char* kTree =
    "WITH RECURSIVE tree(id) AS (SELECT ?1 UNION"
    " SELECT e.inode FROM entries e JOIN tree t ON e.parent = t.id WHERE e.item IS NULL)";

// The condition of the index must be repeated for it to be used (https://www.sqlite.org/partialindex.html).
bool any_list(SQLite::Database& database) {
  SQLite::Statement any(database,
                        "SELECT EXISTS (SELECT 1 FROM xattrs INDEXED BY acls WHERE name IN"
                        " (CAST('system.posix_acl_access' AS BLOB), CAST('system.posix_acl_default' AS BLOB)))");
  return any.executeStep() && any.getColumn(0).getInt() != 0;
}

}  // namespace

InodeRows::InodeRows(SQLite::Database& database)
    : find_(database, std::string("SELECT ") + columns() + " FROM inodes i WHERE i.id = ?1"),
      insert_(database,
              "INSERT INTO inodes (id, kind, mode, uid, gid, links, device, generation, accessed, modified, changed,"
              " born, owner, creator, target) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)"),
      remove_(database, "DELETE FROM inodes WHERE id = ?1"),
      remove_xattrs_(database, "DELETE FROM xattrs WHERE inode = ?1"),
      count_(database, "SELECT count(*) FROM inodes"),
      last_(database, "SELECT coalesce(max(id), 0) FROM inodes"),
      // S_ISREG(mode) of inode(7).
      files_of_(database, "SELECT id FROM inodes WHERE id > ?2 AND id <= ?3 AND owner = ?1 AND (mode & 61440) = 32768"),
      changed_since_(database, "SELECT id FROM inodes WHERE id > ?2 AND id <= ?3 AND changed >= ?1"),
      files_from_(database, "SELECT id FROM inodes WHERE id >= ?1 AND (mode & 61440) = 32768"),
      next_file_(database, "SELECT id FROM inodes WHERE id > ?1 AND (mode & 61440) = 32768 ORDER BY id LIMIT 1"),
      target_(database, "SELECT target FROM inodes WHERE id = ?1"),
      modified_(database, "SELECT modified FROM inodes WHERE id = ?1"),
      set_owner_and_mode_(database, "UPDATE inodes SET mode = ?2, uid = ?3, gid = ?4, changed = ?5 WHERE id = ?1"),
      set_times_(database, "UPDATE inodes SET accessed = ?2, modified = ?3, changed = ?4 WHERE id = ?1"),
      set_made_by_owner_(database, "UPDATE inodes SET creator = owner WHERE id = ?1"),
      set_kind_(database, "UPDATE inodes SET kind = ?2 WHERE id = ?1"),
      set_status_(database, "UPDATE inodes SET status = ?2 WHERE id = ?1"),
      set_files_deleted_(database, "UPDATE inodes SET files_deleted = ?2 WHERE id = ?1"),
      running_(database, "SELECT id FROM inodes INDEXED BY running_items WHERE status = 1"),
      set_changed_(database, "UPDATE inodes SET changed = ?2 WHERE id = ?1"),
      set_modified_(database, "UPDATE inodes SET modified = ?2 WHERE id = ?1"),
      add_links_(database, "UPDATE inodes SET links = links + ?2, changed = ?3 WHERE id = ?1"),
      directory_changed_(database, "UPDATE inodes SET links = links + ?2, modified = ?3, changed = ?3 WHERE id = ?1"),
      next_generation_(database, "UPDATE inodes SET generation = generation + 1, changed = ?2 WHERE id = ?1"),
      // Further than a directory's own count gets. The kernel takes a root's for 0 whatever it is told
      // (fuse_get_root_inode, fs/fuse/inode.c). Kind 10: root.
      renew_generations_(database, "UPDATE inodes SET generation = generation + 1048576 WHERE kind <> 10"),
      adopt_(database, std::string(kTree) +
                           " UPDATE inodes SET owner = ?2, uid = iif(uid = ?3, ?5, uid), gid = iif(gid = ?4, ?6, gid),"
                           " changed = ?7 WHERE id IN (SELECT id FROM tree) AND owner <> ?2"),
      drop_privileges_(database, std::string(kTree) +
                                     " UPDATE inodes SET mode = mode & ~3072, changed = ?2"
                                     " WHERE id IN (SELECT id FROM tree) AND (mode & 61440) <> 16384"),
      drop_capabilities_(database, std::string(kTree) +
                                       " DELETE FROM xattrs WHERE inode IN (SELECT id FROM tree)"
                                       " AND name = CAST('security.capability' AS BLOB)"),
      other_names_(database,
                   std::string(kTree) +
                       " SELECT t.id, e.item FROM tree t JOIN inodes i ON i.id = t.id"
                       " JOIN entries e ON e.inode = t.id WHERE i.owner <> ?3 AND e.id <> ?2 AND e.role IS NULL"
                       " AND (e.item IS NOT NULL OR e.parent NOT IN (SELECT id FROM tree))"),
      made_by_others_(database, std::string(kTree) +
                                    " SELECT 1 FROM tree t JOIN inodes i ON i.id = t.id WHERE i.creator <> ?2 LIMIT 1"),
      files_of_others_(database, std::string(kTree) +
                                     " SELECT i.id, i.owner FROM tree t JOIN inodes i ON i.id = t.id"
                                     " WHERE i.owner <> ?2 AND (i.mode & 61440) = 32768"),
      change_ids_(database,
                  "UPDATE inodes SET uid = iif(uid = ?2, ?4, uid), gid = iif(gid = ?3, ?5, gid) WHERE owner = ?1"),
      xattr_(database, "SELECT value FROM xattrs WHERE inode = ?1 AND name = ?2"),
      xattr_names_(database, "SELECT name FROM xattrs WHERE inode = ?1 ORDER BY name"),
      xattr_bytes_(database, "SELECT coalesce(sum(length(name) + length(value)), 0) FROM xattrs WHERE inode = ?1"),
      set_xattr_(database, "INSERT OR REPLACE INTO xattrs VALUES (?1, ?2, ?3)"),
      remove_xattr_(database, "DELETE FROM xattrs WHERE inode = ?1 AND name = ?2"),
      has_lists_(any_list(database)) {}

const char* InodeRows::columns() {
  return "i.id, i.kind, i.mode, i.uid, i.gid, i.links, i.device, i.generation, i.accessed, i.modified, i.changed,"
         " i.born, i.owner, i.creator, length(i.target), i.status, i.files_deleted";
}

InodeRow InodeRows::read_row(Query& query, int first_column) {
  int column = first_column;
  InodeRow row;
  row.id = query.id<InodeId>(column++);
  row.kind = static_cast<ItemKind>(query.integer(column++));
  row.mode = static_cast<mode_t>(query.integer(column++));
  row.uid = static_cast<uid_t>(query.integer(column++));
  row.gid = static_cast<gid_t>(query.integer(column++));
  row.links = static_cast<std::uint32_t>(query.integer(column++));
  row.device = static_cast<dev_t>(query.integer(column++));
  row.generation = static_cast<std::uint64_t>(query.integer(column++));
  row.accessed = query.time(column++);
  row.modified = query.time(column++);
  row.changed = query.time(column++);
  row.born = query.time(column++);
  row.owner = query.id<AccountId>(column++);
  row.creator = query.id<AccountId>(column++);
  row.target_size = static_cast<std::uint64_t>(query.integer(column++));  // NULL reads as 0
  row.status = static_cast<ItemStatus>(query.integer(column++));
  row.files_deleted = query.integer(column) != 0;
  return row;
}

std::optional<InodeRow> InodeRows::find(InodeId id) {
  Query query(find_, id);
  if (!query.step()) return std::nullopt;
  return read_row(query, 0);
}

void InodeRows::insert(const InodeRow& row, const std::string* target) {
  Query query(insert_, row.id, static_cast<std::int64_t>(row.kind), row.mode, row.uid, row.gid, row.links, row.device,
              row.generation, row.accessed, row.modified, row.changed, row.born, row.owner, row.creator);
  if (target != nullptr) {
    insert_.bindNoCopy(15, static_cast<const void*>(target->data()), static_cast<int>(target->size()));
  } else {
    insert_.bind(15);
  }
  query.run();
}

void InodeRows::remove(InodeId id) {
  Query(remove_, id).run();
  Query(remove_xattrs_, id).run();
}

std::uint64_t InodeRows::count() {
  Query query(count_);
  query.step();
  return static_cast<std::uint64_t>(query.integer(0));
}

InodeId InodeRows::last() {
  Query query(last_);
  query.step();
  return query.id<InodeId>(0);
}

std::vector<InodeId> InodeRows::files_of(AccountId owner, InodeId from, InodeId to) {
  std::vector<InodeId> files;
  Query query(files_of_, owner, from, to);
  while (query.step()) files.push_back(query.id<InodeId>(0));
  return files;
}

std::vector<InodeId> InodeRows::changed_since(Timestamp moment, InodeId from, InodeId to) {
  std::vector<InodeId> inodes;
  Query query(changed_since_, moment, from, to);
  while (query.step()) inodes.push_back(query.id<InodeId>(0));
  return inodes;
}

std::vector<InodeId> InodeRows::files_from(InodeId first) {
  std::vector<InodeId> files;
  Query query(files_from_, first);
  while (query.step()) files.push_back(query.id<InodeId>(0));
  return files;
}

std::optional<InodeId> InodeRows::next_file(InodeId behind) {
  Query query(next_file_, behind);
  return query.step() ? std::optional(query.id<InodeId>(0)) : std::nullopt;
}

std::optional<std::string> InodeRows::target(InodeId id) {
  Query query(target_, id);
  if (!query.step() || query.is_null(0)) return std::nullopt;
  return query.bytes(0);
}

Timestamp InodeRows::modified(InodeId id) {
  Query query(modified_, id);
  return query.step() ? query.time(0) : Timestamp{};
}

void InodeRows::set_owner_and_mode(const InodeRow& row) {
  Query(set_owner_and_mode_, row.id, row.mode, row.uid, row.gid, row.changed).run();
}

void InodeRows::set_times(const InodeRow& row) {
  Query(set_times_, row.id, row.accessed, row.modified, row.changed).run();
}

void InodeRows::set_made_by_owner(InodeId id) { Query(set_made_by_owner_, id).run(); }

void InodeRows::set_kind(InodeId id, ItemKind kind) { Query(set_kind_, id, static_cast<std::int64_t>(kind)).run(); }

void InodeRows::set_status(InodeId id, ItemStatus status) {
  Query(set_status_, id, static_cast<std::int64_t>(status)).run();
}

void InodeRows::set_files_deleted(InodeId id, bool deleted) { Query(set_files_deleted_, id, deleted).run(); }

std::vector<InodeId> InodeRows::running() {
  std::vector<InodeId> items;
  Query query(running_);
  while (query.step()) items.push_back(query.id<InodeId>(0));
  return items;
}

void InodeRows::adopt(InodeId top, AccountId owner, uid_t from_uid, gid_t from_gid, uid_t uid, gid_t gid,
                      Timestamp now) {
  Query(adopt_, top, owner, from_uid, from_gid, uid, gid, now).run();
}

void InodeRows::drop_privileges(InodeId top, Timestamp now) {
  Query(drop_privileges_, top, now).run();
  Query(drop_capabilities_, top).run();
}

std::vector<OtherName> InodeRows::other_names(InodeId top, EntryId name, AccountId owner) {
  std::vector<OtherName> names;
  Query query(other_names_, top, name, owner);
  while (query.step()) names.push_back({query.id<InodeId>(0), query.id<TrashItemId>(1)});
  return names;
}

bool InodeRows::made_by_others(InodeId top, AccountId account) { return Query(made_by_others_, top, account).step(); }

std::vector<OwnedFile> InodeRows::files_of_others(InodeId top, AccountId owner) {
  std::vector<OwnedFile> files;
  Query query(files_of_others_, top, owner);
  while (query.step()) files.push_back({query.id<InodeId>(0), query.id<AccountId>(1)});
  return files;
}

void InodeRows::change_ids(AccountId owner, uid_t from_uid, gid_t from_gid, uid_t uid, gid_t gid) {
  Query(change_ids_, owner, from_uid, from_gid, uid, gid).run();
}

void InodeRows::set_changed(InodeId id, Timestamp now) { Query(set_changed_, id, now).run(); }

void InodeRows::set_modified(InodeId id, Timestamp modified) { Query(set_modified_, id, modified).run(); }

void InodeRows::add_links(InodeId id, int delta, Timestamp now) { Query(add_links_, id, delta, now).run(); }

void InodeRows::directory_changed(InodeId id, int links, Timestamp now) {
  Query(directory_changed_, id, links, now).run();
}

void InodeRows::next_generation(InodeId id, Timestamp now) { Query(next_generation_, id, now).run(); }

void InodeRows::renew_generations() { Query(renew_generations_).run(); }

std::optional<std::string> InodeRows::xattr(InodeId id, const std::string& name) {
  Query query(xattr_, id, name);
  if (!query.step()) return std::nullopt;
  return query.bytes(0);
}

std::vector<std::string> InodeRows::xattr_names(InodeId id) {
  std::vector<std::string> names;
  Query query(xattr_names_, id);
  while (query.step()) names.push_back(query.bytes(0));
  return names;
}

std::size_t InodeRows::xattr_bytes(InodeId id) {
  Query query(xattr_bytes_, id);
  query.step();
  return static_cast<std::size_t>(query.integer(0));
}

void InodeRows::set_xattr(InodeId id, const std::string& name, const std::string& value) {
  // A rollback may leave it set in vain, which costs a look-up here and there.
  has_lists_ = has_lists_ || is_access_list(name);
  Query(set_xattr_, id, name, value).run();
}

void InodeRows::remove_xattr(InodeId id, const std::string& name) { Query(remove_xattr_, id, name).run(); }

}  // namespace reprieve
