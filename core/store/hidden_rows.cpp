// SPDX-License-Identifier: Apache-2.0
#include "core/store/hidden_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr const char* kColumns = "SELECT account, parent, entry, session, settled, hidden FROM hidden_entries";

std::vector<HiddenRow> read_rows(Query& query) {
  std::vector<HiddenRow> rows;
  while (query.step()) {
    rows.push_back({.account = query.id<AccountId>(0),
                    .parent = query.id<InodeId>(1),
                    .entry = query.id<EntryId>(2),
                    .session = query.id<SessionId>(3),
                    .settled = query.integer(4) != 0,
                    .hidden = query.time(5)});
  }
  return rows;
}

}  // namespace

HiddenRows::HiddenRows(SQLite::Database& database)
    : contains_(database, "SELECT 1 FROM hidden_entries WHERE account = ?1 AND parent = ?2 AND entry = ?3"),
      insert_(database,
              "INSERT INTO hidden_entries (account, parent, entry, session, settled, hidden)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"),
      remove_(database, "DELETE FROM hidden_entries WHERE account = ?1 AND parent = ?2 AND entry = ?3"),
      remove_unsettled_in_(
          database, "DELETE FROM hidden_entries WHERE account = ?1 AND parent = ?2 AND session = ?3 AND settled = 0"),
      remove_in_(database, "DELETE FROM hidden_entries WHERE account = ?1 AND parent = ?2"),
      remove_own_in_(
          database,
          "DELETE FROM hidden_entries WHERE account = ?1 AND parent = ?2 AND entry IN"
          " (SELECT e.id FROM entries e JOIN inodes i ON i.id = e.inode WHERE e.parent = ?2 AND i.owner = ?1)"),
      remove_account_(database, "DELETE FROM hidden_entries WHERE account = ?1"),
      settle_(database, "UPDATE hidden_entries SET settled = 1 WHERE session = ?1"),
      of_session_(database, std::string(kColumns) + " WHERE session = ?1"),
      unsettled_(database, std::string(kColumns) + " WHERE settled = 0"),
      parents_(database, "SELECT DISTINCT parent FROM hidden_entries WHERE account = ?1"),
      list_accounts_(database, "SELECT DISTINCT account FROM hidden_entries"),
      move_(database, "UPDATE hidden_entries SET parent = ?4 WHERE account = ?1 AND parent = ?2 AND entry = ?3"),
      move_all_(database,
                "UPDATE hidden_entries SET parent = ?3 WHERE account = ?1 AND parent = ?2"
                " AND entry IN (SELECT id FROM entries WHERE parent = ?2 AND item IS NULL)") {}

const std::unordered_set<AccountId>& HiddenRows::accounts() {
  if (accounts_) return *accounts_;
  accounts_.emplace();
  Query query(list_accounts_);
  while (query.step()) accounts_->insert(query.id<AccountId>(0));
  return *accounts_;
}

bool HiddenRows::contains(AccountId account, InodeId parent, EntryId entry) {
  return any(account) && Query(contains_, account, parent, entry).step();
}

bool HiddenRows::insert(const HiddenRow& row) {
  if (!any(row.account)) accounts_->insert(row.account);  // any() has read them
  Query query(insert_, row.account, row.parent, row.entry, row.session, row.settled ? 1 : 0, row.hidden);
  query.run();
  return query.changed() > 0;
}

void HiddenRows::remove(const HiddenRow& row) { Query(remove_, row.account, row.parent, row.entry).run(); }

void HiddenRows::remove_unsettled_in(AccountId account, InodeId parent, SessionId session) {
  if (any(account)) Query(remove_unsettled_in_, account, parent, session).run();
}

void HiddenRows::remove_in(AccountId account, InodeId parent) { Query(remove_in_, account, parent).run(); }

void HiddenRows::remove_own_in(AccountId account, InodeId parent) { Query(remove_own_in_, account, parent).run(); }

void HiddenRows::remove_account(AccountId account) {
  Query(remove_account_, account).run();
  accounts_.reset();
}

void HiddenRows::settle(SessionId session) { Query(settle_, session).run(); }

std::vector<HiddenRow> HiddenRows::of_session(SessionId session) {
  Query query(of_session_, session);
  return read_rows(query);
}

std::vector<HiddenRow> HiddenRows::unsettled() {
  Query query(unsettled_);
  return read_rows(query);
}

std::vector<InodeId> HiddenRows::parents(AccountId account) {
  std::vector<InodeId> found;
  Query query(parents_, account);
  while (query.step()) found.push_back(query.id<InodeId>(0));
  return found;
}

void HiddenRows::entry_removed(InodeId parent, EntryId entry) {
  for (const AccountId account : accounts()) Query(remove_, account, parent, entry).run();
}

void HiddenRows::entry_moved(InodeId from, EntryId entry, InodeId to) {
  if (from == to) return;
  for (const AccountId account : accounts()) Query(move_, account, from, entry, to).run();
}

void HiddenRows::entries_moved(InodeId from, InodeId to) {
  for (const AccountId account : accounts()) Query(move_all_, account, from, to).run();
}

}  // namespace reprieve
