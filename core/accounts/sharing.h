// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/item_kind.h"
#include "core/base/result.h"
#include "core/base/role.h"
#include "core/changes.h"
#include "core/store/grant_rows.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// One project or run that one account shares with another.
struct Share {
  std::string owner;  // account names
  std::string with;
  Role role = Role::viewer;
  GrantState state = GrantState::active;
  ItemKind kind = ItemKind::project;
  std::string path;  // in the tree of the account that asked, or its trash; where it is in neither the name alone
  std::string name;  // in the collaborator's projects/ or runs/
};

// Who may see and change which project or run beside its owner. Thread-safe.
class Sharing {
 public:
  // Of one item. Each has an entry in a tree of its own, and a restore makes all of them in one transaction.
  static constexpr std::size_t kMostCollaborators = 128;

  explicit Sharing(CoreParts& parts) : parts_(parts) {}

  // Puts the project or run into the other account's tree, under its name or that with a number behind it. For one that
  // has it already the role changes; one that left gets it again. not_found (the path, the account), wrong_place (no
  // project or run), not_yours, invalid_argument (the owner itself, too many).
  Result<Share> share(const Account& account, std::string_view path, std::string_view with, Role role,
                      const Caller& caller);
  // Takes it out of the other account's tree. Also not_found where it is not shared with that account.
  Result<Share> unshare(const Account& account, std::string_view path, std::string_view with, const Caller& caller);
  // What the account shares with others, and what others share with it.
  Result<std::vector<Share>> list(const Account& account);

 private:
  CoreParts& parts_;
};

// The owner's item goes to the trash: it leaves the tree of every collaborator. Costs nothing for what is not shared.
void withdraw(Transaction& tx, InodeId item, Timestamp now, Changes& changes);
// It came back: so do the shares that were not left, each under its name or that with a number behind it.
void renew(Transaction& tx, InodeId item, Timestamp now, Changes& changes);
// A collaborator that left gets the item again; while the owner has it in the trash, with the owner's restore.
// not_found: the owner shares it no more.
Result<void> rejoin(Transaction& tx, const Account& account, InodeId item, Timestamp now, Changes& changes);

}  // namespace reprieve
