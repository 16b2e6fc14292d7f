// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>

#include "core/base/ids.h"
#include "core/store/entry_row.h"

namespace reprieve {

// Rows of `entries` that name directories, as they stand in the database. Every change to the tree walks up from where
// it happens to the root, through the same few rows again and again, at two look-ups a level. Kept by EntryRows,
// through which every change of an entry goes, and forgotten when a transaction is rolled back. Not thread-safe.
class DirectoryPlaces {
 public:
  // Null when it has to be read. Valid until the next remember() or forget().
  [[nodiscard]] const EntryRow* find(InodeId directory) const {
    const auto found = rows_.find(directory);
    return found == rows_.end() ? nullptr : &found->second;
  }
  const EntryRow& remember(EntryRow row) {
    if (rows_.size() >= kMost) forget_all();
    directories_[row.id] = row.inode;
    const InodeId directory = row.inode;
    return rows_.insert_or_assign(directory, std::move(row)).first->second;
  }
  // The entry is about to change.
  void forget(EntryId entry) {
    const auto found = directories_.find(entry);
    if (found == directories_.end()) return;
    rows_.erase(found->second);
    directories_.erase(found);
  }
  void forget_all() {
    rows_.clear();
    directories_.clear();
  }

 private:
  static constexpr std::size_t kMost = 512;
  std::unordered_map<InodeId, EntryRow> rows_;
  std::unordered_map<EntryId, InodeId> directories_;
};

}  // namespace reprieve
