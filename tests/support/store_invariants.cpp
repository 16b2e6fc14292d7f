// SPDX-License-Identifier: Apache-2.0
#include "tests/support/store_invariants.h"

#include <SQLiteCpp/Database.h>

#include "core/store/invariants.h"

namespace reprieve::test {

std::string broken_invariants(const std::filesystem::path& store) {
  constexpr std::size_t kAll = 1'000'000;
  std::string broken;
  try {
    SQLite::Database database((store / "metadata.db").string(), SQLite::OPEN_READONLY);
    InvariantRows rows(database);
    for (const Walk walk : kWalks) {
      rows.check(walk, {}, kAll, [&](const Invariant& rule, const RowSubject& row) {
        broken += std::string(rule.name) + ": " + std::string(rule.message) + ": inode " +
                  std::to_string(row.inode.number()) + ", entry " + std::to_string(row.entry.number()) + " of " +
                  std::to_string(row.parent.number()) + ", item " + std::to_string(row.item.number()) + ", account " +
                  std::to_string(row.account.number()) + "\n";
      });
    }
  } catch (const SQLite::Exception& failure) {
    broken += std::string("metadata.db: ") + failure.what() + "\n";
  }
  return broken;
}

}  // namespace reprieve::test
