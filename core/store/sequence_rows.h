// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// Numbers that are never used twice, handed out from memory in blocks that were reserved on disk beforehand: after a
// crash the rest of a block is skipped. Reached through a Transaction only.
class SequenceRows {
 public:
  explicit SequenceRows(SQLite::Database& database);

  InodeId next_inode() { return InodeId(next(Sequence::inode)); }
  EntryId next_entry() { return EntryId(next(Sequence::entry)); }
  // Both from one sequence: a trash item's number is that of its trash event. Transactions run one at a time, so these
  // numbers are in the order of the commits. Any number of them in one transaction.
  EventId next_event() { return EventId(next_of_events()); }
  TrashItemId next_trash_item() { return TrashItemId(next_of_events()); }

  // None that was handed out is greater.
  [[nodiscard]] EventId newest_event() const { return EventId(counters_[2].next - 1); }
  [[nodiscard]] TrashItemId newest_trash_item() const { return TrashItemId(counters_[2].next - 1); }

  // True when some block is nearly used up, so that reserve() is due before the next transaction begins.
  [[nodiscard]] bool low() const;
  // Reserves the next blocks; own transaction. `lowest_unsettled` is that of BlobStore: recovery need not look below
  // it.
  void reserve(std::optional<InodeId> lowest_unsettled);
  // The transaction of the last reserve() did not commit: what it reserved is not ours.
  void unreserve() { counters_ = before_; }
  // What a transaction reserved for itself went with it.
  void rolled_back();
  void committed() { extended_from_.reset(); }
  // Numbers that are in use, whatever was recorded, are not given out again; nor are those up to them.
  void pass(InodeId used) { pass(Sequence::inode, used.number()); }
  void pass(EntryId used) { pass(Sequence::entry, used.number()); }
  void pass(TrashItemId used) { pass(Sequence::event, used.number()); }
  // Gives back what was not used, at a clean stop.
  void give_back(std::optional<InodeId> lowest_unsettled);
  // Whatever changed before is in the records beside the blobs; the epoch at first.
  [[nodiscard]] Timestamp recorded();
  void set_recorded(Timestamp time);
  // The last flush that was begun; none in a database from before they had numbers.
  [[nodiscard]] FlushId flush();
  FlushId next_flush();
  void pass(FlushId used);
  // For a database that is older than what was made since: moves all numbers far behind `used`, the greatest inode
  // number in use, and behind what such a database could have handed out; recovery looks for blobs from `blob_tail` on,
  // or behind everything. In a transaction of its own.
  void leap(InodeId used, std::optional<InodeId> blob_tail);
  // Where recovery looks for blobs without a row.
  [[nodiscard]] InodeId blob_tail() const { return InodeId(blob_tail_); }
  [[nodiscard]] InodeId reserved_inodes() const { return InodeId(counters_[0].reserved); }

 private:
  enum class Sequence : std::size_t { inode, entry, event };
  struct Counter {
    std::int64_t next = 0;
    std::int64_t reserved = 0;
  };
  std::int64_t next(Sequence sequence);
  std::int64_t next_of_events();
  void pass(Sequence sequence, std::int64_t used);
  void store(const char* name, std::int64_t value);
  // Of those that a database may lack.
  std::optional<std::int64_t> load_if_there(const char* name);
  void put(const char* name, std::int64_t value);

  SQLite::Statement load_, store_, put_;
  std::array<Counter, 3> counters_;
  std::array<Counter, 3> before_;
  std::int64_t blob_tail_ = 0;
  // Where the reservation of events ended before the transaction under way went on beyond it.
  std::optional<std::int64_t> extended_from_;
};

}  // namespace reprieve
