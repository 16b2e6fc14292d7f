// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/store/entry_rows.h"

namespace reprieve {

class Transaction;

// Where something is, for people, also in a store that breaks its rules.
struct ShownPlace {
  std::string account;  // in whose tree or trash; empty: in none
  std::string path;     // below the account's root; empty without an account
};

// Of an entry: the first way up that there is. Without one in no account.
ShownPlace shown_place(Transaction& tx, std::optional<EntryRow> entry);

}  // namespace reprieve
