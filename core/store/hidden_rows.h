// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <optional>
#include <unordered_set>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// A row of `hidden_entries`: an entry that an account deleted without owning it. It is there for everybody else.
struct HiddenRow {
  AccountId account;
  InodeId parent;  // with `entry`, the key of the entry
  EntryId entry;
  SessionId session;
  bool settled = false;  // the process that deleted it has ended well
  Timestamp hidden{};
};

// SQL over hidden entries. Reached through a Transaction only. Which accounts have any is kept in memory, so that all
// others pay a look into an empty set.
class HiddenRows {
 public:
  explicit HiddenRows(SQLite::Database& database);

  [[nodiscard]] bool any() { return !accounts().empty(); }
  [[nodiscard]] bool any(AccountId account) { return !accounts().empty() && accounts().contains(account); }
  [[nodiscard]] bool contains(AccountId account, InodeId parent, EntryId entry);

  // False, and nothing happens, when it is hidden already.
  bool insert(const HiddenRow& row);
  void remove(const HiddenRow& row);
  // What `session` has hidden in the directory so far and not settled.
  void remove_unsettled_in(AccountId account, InodeId parent, SessionId session);
  void remove_in(AccountId account, InodeId parent);
  // What the account owns itself.
  void remove_own_in(AccountId account, InodeId parent);
  void remove_account(AccountId account);
  // Now nothing can undo it but an undo.
  void settle(SessionId session);

  [[nodiscard]] std::vector<HiddenRow> of_session(SessionId session);
  [[nodiscard]] std::vector<HiddenRow> unsettled();
  // Directories in which the account has hidden something.
  [[nodiscard]] std::vector<InodeId> parents(AccountId account);
  // The accounts that have hidden anything.
  [[nodiscard]] const std::unordered_set<AccountId>& accounts();

  // Follow the entry that they name: it is gone, or has another directory.
  void entry_removed(InodeId parent, EntryId entry);
  void entry_moved(InodeId from, EntryId entry, InodeId to);
  // All entries of `from` that are not trashed themselves; called before they move.
  void entries_moved(InodeId from, InodeId to);

  // A transaction was rolled back.
  void rolled_back() { accounts_.reset(); }

 private:
  SQLite::Statement contains_, insert_, remove_, remove_unsettled_in_, remove_in_, remove_own_in_, remove_account_,
      settle_;
  SQLite::Statement of_session_, unsettled_, parents_, list_accounts_, move_, move_all_;
  std::optional<std::unordered_set<AccountId>> accounts_;
};

}  // namespace reprieve
