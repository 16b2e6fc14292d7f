// SPDX-License-Identifier: Apache-2.0
#include "core/store/outdated_rows.h"

#include "core/store/blob_store.h"
#include "core/store/statement.h"

namespace reprieve {

static_assert(BlobStore::kBeside == 1024, "as SQL has it, here and in the triggers");

OutdatedRows::OutdatedRows(SQLite::Database& database)
    : all_(database, "SELECT folder * 1024, changes FROM outdated_records"),
      add_(database,
           "INSERT INTO outdated_records VALUES (?1 / 1024, 1) ON CONFLICT (folder) DO UPDATE SET changes = changes + "
           "1"),
      add_children_(database,
                    "INSERT INTO outdated_records SELECT DISTINCT inode / 1024, 1 FROM entries WHERE parent = ?1"
                    " AND item IS NULL ON CONFLICT (folder) DO UPDATE SET changes = changes + 1"),
      settle_(database, "DELETE FROM outdated_records WHERE folder = ?1 / 1024 AND changes = ?2") {}

std::vector<OutdatedRow> OutdatedRows::all() {
  std::vector<OutdatedRow> rows;
  for (Query query(all_); query.step();) rows.push_back({query.id<InodeId>(0), query.integer(1)});
  return rows;
}

void OutdatedRows::add(InodeId first) { Query(add_, first).run(); }

void OutdatedRows::add_children(InodeId directory) { Query(add_children_, directory).run(); }

void OutdatedRows::settle(const OutdatedRow& row) { Query(settle_, row.first, row.changes).run(); }

}  // namespace reprieve
