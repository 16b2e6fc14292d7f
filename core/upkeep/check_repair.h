// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/changes.h"
#include "core/store/store.h"

namespace reprieve {

// Puts right what a check finds, inside the transaction that has found it. Nothing that somebody may want is destroyed:
// what has no place gets one in the project lost+found-DATE of the account that owns it, or else of the first account.
class CheckRepair {
 public:
  CheckRepair(Transaction& tx, Timestamp now, Changes& changes) : tx_(tx), now_(now), changes_(changes) {}

  // What was done, in words; empty: this is for people to decide, and nothing was changed.
  std::string put_right(const Invariant& rule, const RowSubject& row);
  // Makes a file of a blob that has no inode.
  std::string enter_blob(InodeId blob);
  // The file stays, marked.
  std::string mark_lost(InodeId file);
  std::string unmark_lost(InodeId file);

 private:
  struct Place {
    InodeId directory;
    std::string name;
  };
  std::string remove(const Invariant& rule, const RowSubject& row);
  std::string give_place(const Invariant& rule, const RowSubject& row);
  std::string keep_one_home(const RowSubject& row);
  std::string inherit_owner(InodeId inode);
  std::string follow_grant(const Invariant& rule, const RowSubject& row);
  std::string follow_grant(const EntryRow& entry);
  std::string follow_owner(const RowSubject& row);
  std::string pass_number(const Invariant& rule, const RowSubject& row);
  std::string remove_entry(const EntryRow& entry);
  std::string count_links(InodeId inode);

  // An inode without a name, and one that has a name where it cannot be.
  std::string enter(InodeId inode);
  std::string move(const EntryRow& entry);
  // None: there is no account whose folders are there, or it is such a folder itself.
  std::optional<Place> find_place(const InodeRow& inode, const std::string& wanted);
  std::optional<InodeId> lost_found(const Account& holder);
  std::string settle(const InodeRow& inode, const Place& place);
  std::optional<Account> holder_of(AccountId owner);
  void set_owner(const InodeRow& top, const Account& holder);
  void as_folder(const InodeRow& container);

  Transaction& tx_;
  const Timestamp now_;
  Changes& changes_;
};

}  // namespace reprieve
