// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/ids.h"

namespace reprieve {

// A row of `purge_queue`: an inode that may have lost its last name, with all that is below it.
struct PurgeRow {
  std::int64_t id = 0;
  InodeId inode;
  OperationId operation;  // whose progress it counts for, where the daemon is still the one that began it
};

// SQL over what is destroyed but still takes space. Reached through a Transaction only.
class PurgeRows {
 public:
  explicit PurgeRows(SQLite::Database& database);

  void push(InodeId inode, OperationId operation);
  // At most `limit` rows, the newest first (so that a tree is taken down depth-first and the queue stays short), that
  // are older than `before`.
  std::vector<PurgeRow> take(std::int64_t before, std::size_t limit);
  void remove(std::int64_t id);
  std::uint64_t count();
  // Whether a row of the operation is left.
  bool is_under_way(OperationId operation);

  // Blobs whose inode is gone, to be unlinked once that is durable.
  void doom(InodeId inode);
  // At most `limit`, ascending, greater than `after`.
  std::vector<InodeId> doomed(InodeId after, std::size_t limit);
  bool is_doomed(InodeId inode);
  void buried(InodeId inode);

 private:
  SQLite::Statement push_, take_, remove_, count_, is_under_way_, doom_, doomed_, is_doomed_, buried_;
};

}  // namespace reprieve
