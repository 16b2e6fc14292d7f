// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/role.h"

namespace reprieve {

// Whether a collaborator has what it was granted in its tree. The numbers are stored.
enum class GrantState : std::uint8_t {
  active = 0,
  left = 1,  // the collaborator removed it; it may come back while the grant stands
};

// A row of `grants`: the owner of a project or run shares it with another account. It outlives the entry that it gives.
struct GrantRow {
  InodeId inode;
  AccountId account;
  Role role = Role::viewer;
  GrantState state = GrantState::active;
  std::string name;  // that it has, or last had, in the collaborator's projects/ or runs/
  Timestamp granted{};
};

// SQL over grants. Reached through a Transaction only. Who has to do with sharing at all is kept in memory: accounts
// that share nothing pay a look into an empty set.
class GrantRows {
 public:
  explicit GrantRows(SQLite::Database& database);

  std::optional<GrantRow> find(InodeId inode, AccountId account);
  std::vector<GrantRow> of_inode(InodeId inode);
  std::vector<GrantRow> of_account(AccountId account);

  void put(const GrantRow& row);  // inserted, or in place of the one for the same item and account
  void set_state(InodeId inode, AccountId account, GrantState state);
  void set_name(InodeId inode, AccountId account, const std::string& name);
  void remove(InodeId inode, AccountId account);
  void remove_all(InodeId inode);

  // Whether the item has a grant.
  [[nodiscard]] bool is_shared(InodeId inode) { return known().items.contains(inode); }
  // Whether the account owns something that has a grant.
  [[nodiscard]] bool gives(AccountId account) { return known().givers.contains(account); }
  // Whether something is shared with the account.
  [[nodiscard]] bool receives(AccountId account) { return known().receivers.contains(account); }

  // A transaction was rolled back.
  void rolled_back() { known_.reset(); }

 private:
  struct Known {
    std::unordered_set<InodeId> items;
    std::unordered_set<AccountId> givers;
    std::unordered_set<AccountId> receivers;
  };
  const Known& known();

  SQLite::Statement find_, of_inode_, of_account_, put_, set_state_, set_name_, remove_, remove_all_, know_;
  std::optional<Known> known_;
};

}  // namespace reprieve
