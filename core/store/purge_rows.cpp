// SPDX-License-Identifier: Apache-2.0
#include "core/store/purge_rows.h"

#include "core/store/statement.h"

namespace reprieve {

PurgeRows::PurgeRows(SQLite::Database& database)
    : push_(database, "INSERT INTO purge_queue (inode, operation) VALUES (?1, ?2)"),
      take_(database, "SELECT id, inode, operation FROM purge_queue WHERE id < ?1 ORDER BY id DESC LIMIT ?2"),
      remove_(database, "DELETE FROM purge_queue WHERE id = ?1"),
      count_(database, "SELECT count(*) FROM purge_queue"),
      is_under_way_(database, "SELECT 1 FROM purge_queue WHERE operation = ?1 LIMIT 1"),
      doom_(database, "INSERT OR IGNORE INTO doomed_blobs VALUES (?1)"),
      doomed_(database, "SELECT inode FROM doomed_blobs WHERE inode > ?1 ORDER BY inode LIMIT ?2"),
      is_doomed_(database, "SELECT 1 FROM doomed_blobs WHERE inode = ?1"),
      buried_(database, "DELETE FROM doomed_blobs WHERE inode = ?1") {}

void PurgeRows::push(InodeId inode, OperationId operation) { Query(push_, inode, operation).run(); }

std::vector<PurgeRow> PurgeRows::take(std::int64_t before, std::size_t limit) {
  std::vector<PurgeRow> rows;
  Query query(take_, before, limit);
  while (query.step()) rows.push_back({query.integer(0), query.id<InodeId>(1), query.id<OperationId>(2)});
  return rows;
}

void PurgeRows::remove(std::int64_t id) { Query(remove_, id).run(); }

std::uint64_t PurgeRows::count() {
  Query query(count_);
  query.step();
  return static_cast<std::uint64_t>(query.integer(0));
}

bool PurgeRows::is_under_way(OperationId operation) { return Query(is_under_way_, operation).step(); }

void PurgeRows::doom(InodeId inode) { Query(doom_, inode).run(); }

std::vector<InodeId> PurgeRows::doomed(InodeId after, std::size_t limit) {
  std::vector<InodeId> inodes;
  Query query(doomed_, after, limit);
  while (query.step()) inodes.push_back(query.id<InodeId>(0));
  return inodes;
}

bool PurgeRows::is_doomed(InodeId inode) { return Query(is_doomed_, inode).step(); }

void PurgeRows::buried(InodeId inode) { Query(buried_, inode).run(); }

}  // namespace reprieve
