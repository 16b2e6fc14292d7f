// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/result.h"
#include "daemon/control/peer.h"
#include "daemon/control/services.h"

// Who may act for which account: its own user for itself; root, the user that the daemon runs as and the members of the
// socket's group for any.
namespace reprieve::control {

// What one peer may do.
class AccountRights {
 public:
  // The accounts that the peer may act for: at least one, unless it has all and the store has none. not_owner.
  static Result<AccountRights> of(Services& services, const Peer& peer);

  [[nodiscard]] const std::vector<Account>& accounts() const { return accounts_; }
  // Root, the daemon's own user and the socket's group, who have all accounts and administer them.
  [[nodiscard]] bool all() const { return all_; }
  // The account of that name. not_owner, also for a name that does not exist, unless the peer may act for all:
  // not_found.
  [[nodiscard]] Result<Account> find(const std::string& name) const;
  // The account that is meant where none is named: the only one, else the only one whose user the peer is.
  // account_needed, which names the choices.
  [[nodiscard]] Result<Account> implied() const;
  [[nodiscard]] Result<Account> choose(const std::optional<std::string>& name) const;

 private:
  std::vector<Account> accounts_;
  uid_t uid_ = 0;
  bool all_ = false;
};

}  // namespace reprieve::control
