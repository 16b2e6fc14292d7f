// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/store/directory_places.h"
#include "core/store/entry_row.h"
#include "core/store/hidden_rows.h"
#include "core/store/inode_rows.h"

namespace reprieve {

struct EntryWithInode {
  EntryRow entry;
  InodeRow inode;
};

// SQL over entries. Reached through a Transaction only.
class EntryRows {
 public:
  // `hidden` names entries, and is told when they go.
  EntryRows(SQLite::Database& database, HiddenRows& hidden);

  std::optional<EntryRow> find_live(InodeId parent, const std::string& name);
  // The same with the inode, in one look-up.
  std::optional<EntryWithInode> find_live_with_inode(InodeId parent, const std::string& name);
  std::optional<EntryRow> find(InodeId parent, EntryId id);
  bool has_live(InodeId parent);
  // The same without what the account has hidden.
  bool has_live_for(AccountId account, InodeId parent);
  // Every name of the inode, trashed or not.
  std::vector<EntryRow> places(InodeId inode);
  // The first of them.
  std::optional<EntryRow> place(InodeId inode);
  // The same of a directory, from memory. Valid until the next call that is not const.
  const std::vector<EntryRow>& places_of_directory(InodeId directory);
  std::uint64_t count_places(InodeId inode);

  // At most `limit` entries that are not trashed themselves, behind `after`, in order of their numbers.
  std::vector<EntryWithInode> list(InodeId parent, EntryId after, std::size_t limit);

  void insert(const EntryRow& row);
  void remove(InodeId parent, EntryId id);
  void set_item(InodeId parent, EntryId id, TrashItemId item);  // none: no longer trashed
  void move(const EntryRow& from, InodeId parent, const std::string& name);
  void set_inode(InodeId parent, EntryId id, InodeId inode);
  void set_role(InodeId parent, EntryId id, Role role);
  // Every entry of `from` that is not trashed itself goes to `to`, which has none, under its name and number.
  void move_all(InodeId from, InodeId to);

  // A transaction was rolled back.
  void rolled_back() { directory_places_.forget_all(); }

 private:
  SQLite::Statement find_live_, find_live_with_inode_, find_, has_live_, has_live_for_, places_, count_places_, list_;
  SQLite::Statement insert_, remove_, set_item_, clear_item_, move_, set_inode_, set_role_, move_all_;
  HiddenRows& hidden_;
  DirectoryPlaces directory_places_;
};

}  // namespace reprieve
