// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/ids.h"

namespace reprieve {

// Numbers that are never used twice, handed out from memory in blocks that were reserved on disk beforehand: after a
// crash the rest of a block is skipped. Reached through a Transaction only.
class SequenceRows {
 public:
  explicit SequenceRows(SQLite::Database& database);

  InodeId next_inode() { return InodeId(next(Sequence::inode)); }
  EntryId next_entry() { return EntryId(next(Sequence::entry)); }
  TrashItemId next_trash_item() { return TrashItemId(next(Sequence::trash_item)); }

  // None that was handed out is greater.
  [[nodiscard]] TrashItemId newest_trash_item() const { return TrashItemId(counters_[2].next - 1); }

  // True when some block is nearly used up, so that reserve() is due before the next transaction begins.
  [[nodiscard]] bool low() const;
  // Reserves the next blocks; own transaction. `lowest_unsettled` is that of BlobStore: recovery need not look below
  // it.
  void reserve(std::optional<InodeId> lowest_unsettled);
  // The transaction of the last reserve() did not commit: what it reserved is not ours.
  void unreserve() { counters_ = before_; }
  // Gives back what was not used, at a clean stop.
  void give_back(std::optional<InodeId> lowest_unsettled);
  // Where recovery looks for blobs without a row.
  [[nodiscard]] InodeId blob_tail() const { return InodeId(blob_tail_); }
  [[nodiscard]] InodeId reserved_inodes() const { return InodeId(counters_[0].reserved); }

 private:
  enum class Sequence : std::size_t { inode, entry, trash_item };
  struct Counter {
    std::int64_t next = 0;
    std::int64_t reserved = 0;
  };
  std::int64_t next(Sequence sequence);
  void store(const char* name, std::int64_t value);

  SQLite::Statement load_, store_;
  std::array<Counter, 3> counters_;
  std::array<Counter, 3> before_;
  std::int64_t blob_tail_ = 0;
};

}  // namespace reprieve
