// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/account_rights.h"

#include <unistd.h>

#include <algorithm>

namespace reprieve::control {

Result<AccountRights> AccountRights::of(Services& services, const Peer& peer) {
  AccountRights rights;
  rights.uid_ = peer.uid;
  rights.all_ =
      peer.uid == 0 || peer.uid == ::geteuid() || (services.admin_group && peer.in_group(*services.admin_group));
  REPRIEVE_TRY(auto accounts, services.files.accounts().all());
  for (Account& account : accounts) {
    if (rights.all_ || account.uid == peer.uid) rights.accounts_.push_back(std::move(account));
  }
  if (!rights.accounts_.empty() || rights.all_) return rights;
  return fail(Errc::not_owner, "no account belongs to uid " + std::to_string(peer.uid));
}

Result<Account> AccountRights::find(const std::string& name) const {
  const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                  [&name](const Account& account) { return account.name == name; });
  if (found != accounts_.end()) return *found;
  if (all_) return fail(Errc::not_found, "there is no account \"" + name + "\"");
  return fail(Errc::not_owner, "the account \"" + name + "\" does not belong to uid " + std::to_string(uid_));
}

Result<Account> AccountRights::implied() const {
  if (accounts_.empty()) return fail(Errc::not_found, "the store has no account yet");
  if (accounts_.size() == 1) return accounts_.front();
  const auto own = [this](const Account& account) { return account.uid == uid_; };
  if (std::count_if(accounts_.begin(), accounts_.end(), own) == 1) {
    return *std::find_if(accounts_.begin(), accounts_.end(), own);
  }
  std::string names;
  for (const Account& account : accounts_) names += (names.empty() ? "" : ", ") + account.name;
  return fail(Errc::account_needed, "say which account is meant: " + names);
}

Result<Account> AccountRights::choose(const std::optional<std::string>& name) const {
  return name ? find(*name) : implied();
}

}  // namespace reprieve::control
