// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/store/entry_row.h"

namespace reprieve {

// Rows of `entries` that name directories, as they stand in the database. Every change to the tree walks up from where
// it happens to the root, through the same few rows again and again, at two look-ups a level. Most directories have one
// row; what is shared has one more for each collaborator. Kept by EntryRows, through which every change of an entry
// goes, and forgotten when a transaction is rolled back. Not thread-safe.
class DirectoryPlaces {
 public:
  using Rows = std::vector<EntryRow>;

  // Null when they have to be read. Valid until the next remember() or forget().
  [[nodiscard]] const Rows* find(InodeId directory) const {
    const auto found = rows_.find(directory);
    return found == rows_.end() ? nullptr : &found->second;
  }
  const Rows& remember(InodeId directory, Rows rows) {
    if (rows_.size() >= kMost) forget_all();
    for (const EntryRow& row : rows) directories_[row.id] = directory;
    return rows_.insert_or_assign(directory, std::move(rows)).first->second;
  }
  // The entry is about to change.
  void forget(EntryId entry) {
    const auto found = directories_.find(entry);
    if (found != directories_.end()) forget(found->second);
  }
  // The directory is about to get another row.
  void forget(InodeId directory) {
    const auto found = rows_.find(directory);
    if (found == rows_.end()) return;
    for (const EntryRow& row : found->second) directories_.erase(row.id);
    rows_.erase(found);
  }
  void forget_all() {
    rows_.clear();
    directories_.clear();
  }

 private:
  static constexpr std::size_t kMost = 512;
  std::unordered_map<InodeId, Rows> rows_;
  std::unordered_map<EntryId, InodeId> directories_;
};

}  // namespace reprieve
