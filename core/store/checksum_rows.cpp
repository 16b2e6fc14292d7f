// SPDX-License-Identifier: Apache-2.0
#include "core/store/checksum_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

std::uint64_t number_from(Query query) {
  query.step();
  return static_cast<std::uint64_t>(query.integer(0));
}

ChecksumRow read_row(Query& query) {
  return {.inode = query.id<InodeId>(0),
          .sum = query.bytes(1),
          .verified = query.time(2),
          .damaged = query.integer(3) != 0};
}

}  // namespace

ChecksumRows::ChecksumRows(SQLite::Database& database)
    : find_(database, "SELECT inode, sum, verified, damaged FROM checksums WHERE inode = ?1"),
      after_(database, "SELECT inode, sum, verified, damaged FROM checksums WHERE inode > ?1 ORDER BY inode LIMIT ?2"),
      put_(database, "INSERT OR REPLACE INTO checksums (inode, sum, verified, damaged) VALUES (?1, ?2, ?3, ?4)"),
      remove_(database, "DELETE FROM checksums WHERE inode = ?1"),
      remove_all_(database, "DELETE FROM checksums"),
      any_(database, "SELECT 1 FROM checksums LIMIT 1"),
      count_(database, "SELECT count(*) FROM checksums"),
      count_damaged_(database, "SELECT count(*) FROM checksums WHERE damaged = 1"),
      scrub_(database, "SELECT cursor, finished, files, bytes FROM scrub"),
      set_scrub_(database, "UPDATE scrub SET cursor = ?1, finished = ?2, files = ?3, bytes = ?4") {}

std::optional<ChecksumRow> ChecksumRows::find(InodeId inode) {
  Query query(find_, inode);
  return query.step() ? std::optional(read_row(query)) : std::nullopt;
}

std::vector<ChecksumRow> ChecksumRows::after(InodeId inode, std::size_t most) {
  Query query(after_, inode, static_cast<std::int64_t>(most));
  std::vector<ChecksumRow> rows;
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

void ChecksumRows::put(const ChecksumRow& row) { Query(put_, row.inode, row.sum, row.verified, row.damaged).run(); }

void ChecksumRows::remove(InodeId inode) { Query(remove_, inode).run(); }

void ChecksumRows::forget_all() {
  Query(remove_all_).run();
  set_scrub({});
}

bool ChecksumRows::any() { return Query(any_).step(); }

std::uint64_t ChecksumRows::count() { return number_from(Query(count_)); }

std::uint64_t ChecksumRows::count_damaged() { return number_from(Query(count_damaged_)); }

ScrubRow ChecksumRows::scrub() {
  Query query(scrub_);
  query.step();
  return {.cursor = query.id<InodeId>(0),
          .finished = query.time(1),
          .files = static_cast<std::uint64_t>(query.integer(2)),
          .bytes = static_cast<std::uint64_t>(query.integer(3))};
}

void ChecksumRows::set_scrub(const ScrubRow& row) {
  Query(set_scrub_, row.cursor, row.finished, row.files, row.bytes).run();
}

}  // namespace reprieve
