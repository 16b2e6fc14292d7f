// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/account.h"
#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

class Store;

// The accounts of a store. Thread-safe.
class Accounts {
 public:
  Accounts(Store& store, const Clock& clock);

  // The account of that name, made with its skeleton folders if there is none. Errors: invalid_argument for a name
  // that is not 1 to 64 of letters, digits, '.', '_', '-'; and store errors.
  Result<Account> ensure(std::string_view name, uid_t uid, gid_t gid);
  // Errors: not_found.
  Result<Account> find(std::string_view name);
  Result<std::vector<Account>> all();

 private:
  Store& store_;
  const Clock& clock_;
};

}  // namespace reprieve
