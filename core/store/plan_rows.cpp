// SPDX-License-Identifier: Apache-2.0
#include "core/store/plan_rows.h"

#include "core/store/packed.h"
#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr std::size_t kMostNames = 256 << 10;  // bytes

enum class Names : std::uint8_t { left_out, given };

std::string packed(const std::vector<PlannedItem>& items) {
  std::size_t bytes = 0;
  for (const PlannedItem& item : items) bytes += item.name.size();
  const Names names = bytes <= kMostNames ? Names::given : Names::left_out;
  PackedWriter out;
  out(names);
  out(items.size());
  for (const PlannedItem& item : items) {
    out(item.id);
    if (names == Names::given) out(item.name);
  }
  return out.take();
}

std::vector<PlannedItem> unpacked(const std::string& bytes) {
  std::vector<PlannedItem> items;
  PackedReader in(bytes);
  Names names = Names::left_out;
  in(names);
  read_list(in, [&] {
    PlannedItem item;
    in(item.id);
    if (names == Names::given) in(item.name);
    // A row that is damaged destroys nothing that it does not name whole.
    if (!in.broken()) items.push_back(std::move(item));
  });
  return items;
}

}  // namespace

PlanRows::PlanRows(SQLite::Database& database)
    : insert_(database, "INSERT INTO empty_plans (token, account, uid, expires, items) VALUES (?1, ?2, ?3, ?4, ?5)"),
      of_user_(database, "SELECT id, length(items) FROM empty_plans WHERE uid = ?1 ORDER BY id DESC"),
      remove_id_(database, "DELETE FROM empty_plans WHERE id = ?1"),
      expire_(database, "DELETE FROM empty_plans WHERE expires < ?1"),
      find_(database, "SELECT account, uid, expires, items FROM empty_plans WHERE token = ?1"),
      remove_(database, "DELETE FROM empty_plans WHERE token = ?1"),
      remove_account_(database, "DELETE FROM empty_plans WHERE account = ?1"),
      forget_(database, "DELETE FROM empty_plans") {}

void PlanRows::insert(const PlanRow& plan, Timestamp now) {
  Query(expire_, now).run();
  const std::string items = packed(plan.items);
  Query(insert_, plan.token, plan.account, plan.uid, plan.expires, items).run();
  std::vector<std::int64_t> surplus;
  {
    Query query(of_user_, plan.uid);
    std::size_t plans = 0;
    for (std::int64_t bytes = 0; query.step();) {
      bytes += query.integer(1);
      if (++plans > 1 && (plans > kMostPlans || bytes > kMostBytes)) surplus.push_back(query.integer(0));
    }
  }
  for (const std::int64_t id : surplus) Query(remove_id_, id).run();
}

std::optional<PlanRow> PlanRows::find(const std::string& token) {
  Query query(find_, token);
  if (!query.step()) return std::nullopt;
  return PlanRow{.token = token,
                 .account = query.id<AccountId>(0),
                 .uid = static_cast<uid_t>(query.integer(1)),
                 .expires = query.time(2),
                 .items = unpacked(query.bytes(3))};
}

void PlanRows::remove(const std::string& token) { Query(remove_, token).run(); }

void PlanRows::remove_account(AccountId account) { Query(remove_account_, account).run(); }

void PlanRows::forget_all() { Query(forget_).run(); }

}  // namespace reprieve
