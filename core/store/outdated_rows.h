// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <vector>

#include "core/base/ids.h"

namespace reprieve {

// A row of `outdated_records`: of the inodes whose records lie in one file, something changed that moved no ctime, or
// went. Triggers put it there (schema.cpp); `changes` counts them.
struct OutdatedRow {
  InodeId first;
  std::int64_t changes = 0;
};

// SQL over files of records that are to be written anew. Reached through a Transaction only.
class OutdatedRows {
 public:
  explicit OutdatedRows(SQLite::Database& database);

  std::vector<OutdatedRow> all();
  // The file is written anew, whatever was changed.
  void add(InodeId first);
  // Likewise those of what is in the directory and not trashed.
  void add_children(InodeId directory);
  // What the row told is written; it stays where more has changed since.
  void settle(const OutdatedRow& row);

 private:
  SQLite::Statement all_, add_, add_children_, settle_;
};

}  // namespace reprieve
