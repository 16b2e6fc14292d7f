// SPDX-License-Identifier: Apache-2.0
#include "core/store/grant_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr const char* kColumns = "SELECT inode, account, role, state, name, granted FROM grants";

GrantRow read_row(Query& query) {
  return {.inode = query.id<InodeId>(0),
          .account = query.id<AccountId>(1),
          .role = static_cast<Role>(query.integer(2)),
          .state = static_cast<GrantState>(query.integer(3)),
          .name = query.bytes(4),
          .granted = query.time(5)};
}

std::vector<GrantRow> read_rows(Query& query) {
  std::vector<GrantRow> rows;
  while (query.step()) rows.push_back(read_row(query));
  return rows;
}

}  // namespace

GrantRows::GrantRows(SQLite::Database& database)
    : find_(database, std::string(kColumns) + " WHERE inode = ?1 AND account = ?2"),
      of_inode_(database, std::string(kColumns) + " WHERE inode = ?1"),
      of_account_(database, std::string(kColumns) + " WHERE account = ?1 ORDER BY inode"),
      put_(
          database,
          "INSERT OR REPLACE INTO grants (inode, account, role, state, name, granted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
      set_state_(database, "UPDATE grants SET state = ?3 WHERE inode = ?1 AND account = ?2"),
      set_name_(database, "UPDATE grants SET name = ?3 WHERE inode = ?1 AND account = ?2"),
      remove_(database, "DELETE FROM grants WHERE inode = ?1 AND account = ?2"),
      remove_all_(database, "DELETE FROM grants WHERE inode = ?1"),
      know_(database, "SELECT g.inode, g.account, i.owner FROM grants g CROSS JOIN inodes i ON i.id = g.inode") {}

const GrantRows::Known& GrantRows::known() {
  if (known_) return *known_;
  known_.emplace();
  Query query(know_);
  while (query.step()) {
    known_->items.insert(query.id<InodeId>(0));
    known_->receivers.insert(query.id<AccountId>(1));
    known_->givers.insert(query.id<AccountId>(2));
  }
  return *known_;
}

std::optional<GrantRow> GrantRows::find(InodeId inode, AccountId account) {
  Query query(find_, inode, account);
  if (!query.step()) return std::nullopt;
  return read_row(query);
}

std::vector<GrantRow> GrantRows::of_inode(InodeId inode) {
  if (!is_shared(inode)) return {};
  Query query(of_inode_, inode);
  return read_rows(query);
}

std::vector<GrantRow> GrantRows::of_account(AccountId account) {
  Query query(of_account_, account);
  return read_rows(query);
}

void GrantRows::put(const GrantRow& row) {
  Query(put_, row.inode, row.account, static_cast<std::int64_t>(row.role), static_cast<std::int64_t>(row.state),
        row.name, row.granted)
      .run();
  known_.reset();
}

void GrantRows::set_state(InodeId inode, AccountId account, GrantState state) {
  Query(set_state_, inode, account, static_cast<std::int64_t>(state)).run();
}

void GrantRows::set_name(InodeId inode, AccountId account, const std::string& name) {
  Query(set_name_, inode, account, name).run();
}

void GrantRows::remove(InodeId inode, AccountId account) {
  Query(remove_, inode, account).run();
  known_.reset();
}

void GrantRows::remove_all(InodeId inode) {
  if (!is_shared(inode)) return;
  Query(remove_all_, inode).run();
  known_.reset();
}

}  // namespace reprieve
