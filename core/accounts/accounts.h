// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/account.h"
#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// Makes an account with its skeleton folders. The name is valid and free.
Account make_account(Transaction& tx, std::string_view name, uid_t uid, gid_t gid, Timestamp now);

// What an account is to get. What is not set stays.
struct AccountChange {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::optional<std::uint64_t> quota;  // bytes; 0: no limit
};

// What an account has.
struct AccountSummary {
  Account account;
  std::optional<std::uint64_t> quota;  // bytes
  std::uint64_t projects = 0;          // that it owns
  std::uint64_t runs = 0;
  std::uint64_t shared = 0;  // with it
  std::uint64_t trash_items = 0;
};

// The accounts of a store. Thread-safe.
class Accounts {
 public:
  explicit Accounts(CoreParts& parts) : parts_(parts) {}

  // The account of that name, made with its skeleton folders if there is none. Errors: invalid_argument for a name
  // that is not 1 to 64 of letters, digits, '.', '_', '-'; and store errors.
  Result<Account> ensure(std::string_view name, uid_t uid, gid_t gid);
  // The same for one that must be new. Also exists.
  Result<Account> add(std::string_view name, uid_t uid, gid_t gid, const Caller& caller);
  // Its files follow when the Unix ids change. Mounts keep a copy of the account: the caller sees to it that it has
  // none then. not_found.
  Result<Account> set(std::string_view name, const AccountChange& change, const Caller& caller);
  // Takes it out of what is shared with it. The caller sees to it that it is not mounted. not_found; not_empty with
  // what it owns. Returns what it was.
  Result<Account> remove(std::string_view name, const Caller& caller);
  // Errors: not_found.
  Result<Account> find(std::string_view name);
  Result<std::vector<Account>> all();
  Result<AccountSummary> summary(const Account& account);

 private:
  CoreParts& parts_;
};

}  // namespace reprieve
