// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// A row of `checksums`: what the bytes of a file were when nobody had it open for writing. It goes before somebody
// opens the file for writing, so whatever differs from it has not been written by a program.
struct ChecksumRow {
  InodeId inode;
  std::string sum;       // XXH3 of 128 bits, in its canonical form; empty where the bytes could not even be read
  Timestamp verified{};  // when they were last read
  bool damaged = false;  // they were not these then
};

// How far the comparison of all files has come: `scrub`, one row.
struct ScrubRow {
  InodeId cursor;           // the last file that was looked at; none: no pass is under way
  Timestamp finished{};     // the last pass; the epoch: none was
  std::uint64_t files = 0;  // of the pass under way, or else the last
  std::uint64_t bytes = 0;
};

// SQL over checksums. Reached through a Transaction only.
class ChecksumRows {
 public:
  explicit ChecksumRows(SQLite::Database& database);

  std::optional<ChecksumRow> find(InodeId inode);
  void put(const ChecksumRow& row);
  void remove(InodeId inode);
  void forget_all();  // with how far the comparison had come
  bool any();
  // The first so many behind that one.
  std::vector<ChecksumRow> after(InodeId inode, std::size_t most);
  std::uint64_t count();
  std::uint64_t count_damaged();

  ScrubRow scrub();
  void set_scrub(const ScrubRow& row);

 private:
  SQLite::Statement find_, after_, put_, remove_, remove_all_, any_, count_, count_damaged_, scrub_, set_scrub_;
};

}  // namespace reprieve
