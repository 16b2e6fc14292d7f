// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.h"

struct sqlite3;
struct sqlite3_backup;

namespace reprieve {

// A copy of an open database that is made piece by piece, while the connection goes on being used between the pieces:
// what it commits meanwhile is carried into the copy (https://www.sqlite.org/c3ref/backup_finish.html, "Concurrent
// Usage of Database Handles"). Everything here, the destructor too, is called with the lock of the source's connection
// held. The copy is not on the disk when it is done: nothing here waits for one.
class DatabaseCopy {
 public:
  // `into` is made. no_space, io.
  static Result<DatabaseCopy> begin(sqlite3* source, const std::filesystem::path& into);

  // Copies the next piece; true when that was the last, and the copy is as the source is now. A transaction that is
  // rolled back has the copy begin anew (pagerUndoCallback, pager.c), so pieces grow each time until it gets done.
  // no_space, store_damaged, io.
  Result<bool> step();

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_backup* backup) const;
  };
  DatabaseCopy() = default;

  std::unique_ptr<sqlite3, Closer> into_;
  std::unique_ptr<sqlite3_backup, Closer> backup_;  // goes first
  int pages_ = 0;                                   // a piece
  int remaining_ = 0;
};

}  // namespace reprieve
