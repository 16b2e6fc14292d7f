// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/trash_mode.h"
#include "core/base/tree_figures.h"
#include "core/store/entry_rows.h"
#include "core/store/event_rows.h"

namespace reprieve {

// A row of `trash_items`: one deletion that can be taken back. Its entry carries the item's number as its mark.
struct TrashRow {
  TrashItemId id;
  AccountId account;
  std::string name;  // in .trash/, unique in the account
  ItemKind kind = ItemKind::file;
  InodeId parent;  // with `entry`, the key of the trashed entry: its original directory
  EntryId entry;
  InodeId inode;
  std::string origin;  // path at the time of deletion
  SessionId session;
  AccountId deleted_by;
  uid_t uid = 0;
  Timestamp deleted{};
  // The parent's mtime just before and after: how a fold or a restore knows that it may put the old one back.
  Timestamp parent_modified_before{};
  Timestamp parent_modified_after{};
  bool held = false;
  std::optional<TreeFigures> figures;  // not counted yet, or no longer true
  TrashMode mode = TrashMode::item;
  TrashItemId together;  // the first item of the group that it was trashed with; none: no group
};

struct TrashRowWithInode {
  TrashRow item;
  InodeRow inode;
};

// What folding needs of an item, its entry and its inode, and no more: there is one for each name that a directory had.
struct FoldableRow {
  TrashItemId item;
  Timestamp parent_modified_before{};
  Timestamp parent_modified_after{};
  EntryId entry;
  std::string name;  // of the entry
  InodeId inode;
  std::uint32_t links = 0;  // of the inode
  AccountId owner;          // of the inode
  ItemKind kind = ItemKind::file;
  bool at_owner = false;  // in another account's trash than that of who deleted it
};

// SQL over trash items. Reached through a Transaction only.
class TrashRows {
 public:
  explicit TrashRows(SQLite::Database& database);

  std::optional<TrashRow> find(TrashItemId id);
  std::optional<TrashRow> find_by_name(AccountId account, const std::string& name);
  bool name_taken(AccountId account, const std::string& name);
  // Every item of the account, oldest first.
  std::vector<TrashRow> all(AccountId account);
  // Every item of the group that `first` began, oldest first, if it is the account's.
  std::vector<TrashRow> group(AccountId account, TrashItemId first);
  // At most `limit` behind `after`, with the inodes, for a listing of .trash/.
  std::vector<TrashRowWithInode> list(AccountId account, TrashItemId after, std::size_t limit);
  // What `session` trashed out of the directory, newest first; not the files that it took from a run or an analysis.
  std::deque<FoldableRow> of_session_in(InodeId directory, SessionId session);
  std::uint64_t count();
  // The session of the newest item that the account's user deleted itself.
  std::optional<SessionEnd> last_session(AccountId account, uid_t uid);

  // False, and nothing happens, when the account has an item of that name.
  bool insert(const TrashRow& row);
  // Of what was put back by whoever deletes: the item was a part of a deletion that goes on, and is not told of.
  void remove(TrashItemId id);
  // The deletion is over, taken back or irrevocable: its event stays, under the same number.
  void conclude(TrashItemId id);
  // The item goes to the trash of another account, under a name that is free there.
  void set_account(TrashItemId id, AccountId account, const std::string& name);
  void set_figures(TrashItemId id, const TreeFigures& figures);
  void clear_figures(TrashItemId id);
  void clear_all_figures();
  // `together` may be none.
  void set_mode(TrashItemId id, TrashMode mode, TrashItemId together);

 private:
  SQLite::Statement find_, find_by_name_, name_taken_, all_, list_, of_session_in_, count_, last_session_;
  SQLite::Statement insert_, remove_, keep_event_, set_account_, set_figures_, clear_figures_, clear_all_figures_,
      set_mode_, group_;
};

}  // namespace reprieve
