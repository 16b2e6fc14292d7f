// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

struct PlannedItem {
  TrashItemId id;
  std::string name;  // in .trash/; may be empty, see PlanRow
};

// A row of `empty_plans`: what an empty has been shown to destroy.
struct PlanRow {
  std::string token;
  AccountId account;
  uid_t uid = 0;  // who asked for it
  Timestamp expires{};
  // Names are left out where they would take much space: an empty has to work on a full disk.
  std::vector<PlannedItem> items;
};

// SQL over the plans of empties. Reached through a Transaction only.
class PlanRows {
 public:
  // Of one user, newest first; one is kept whatever its size.
  static constexpr std::size_t kMostPlans = 32;
  static constexpr std::int64_t kMostBytes = 16 << 20;

  explicit PlanRows(SQLite::Database& database);

  // Those that have expired by `now` go, and of this user what is too much.
  void insert(const PlanRow& plan, Timestamp now);
  std::optional<PlanRow> find(const std::string& token);
  void remove(const std::string& token);
  void remove_account(AccountId account);
  void forget_all();

 private:
  SQLite::Statement insert_, of_user_, remove_id_, expire_, find_, remove_, remove_account_, forget_;
};

}  // namespace reprieve
