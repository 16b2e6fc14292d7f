// SPDX-License-Identifier: Apache-2.0
#include "core/store/account_rows.h"

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr const char* kColumns = "SELECT id, name, uid, gid, root, projects, runs, trash FROM accounts";

// Events outlive the sessions of an account that is removed.
std::string next_session() {
  return "(SELECT max(coalesce((SELECT max(id) FROM sessions), 0) + 1,"
         " coalesce((SELECT max(session) FROM events), 0) + 1,"
         " coalesce((SELECT next FROM sequences WHERE name = 'session'), 0)))";
}

Account read_account(Query& query) {
  Account account;
  account.id = query.id<AccountId>(0);
  account.name = query.text(1);
  account.uid = static_cast<uid_t>(query.integer(2));
  account.gid = static_cast<gid_t>(query.integer(3));
  account.root = query.id<InodeId>(4);
  account.projects = query.id<InodeId>(5);
  account.runs = query.id<InodeId>(6);
  account.trash = query.id<InodeId>(7);
  return account;
}

}  // namespace

AccountRows::AccountRows(SQLite::Database& database)
    : find_(database, std::string(kColumns) + " WHERE name = CAST(?1 AS TEXT)"),
      find_by_id_(database, std::string(kColumns) + " WHERE id = ?1"),
      all_(database, std::string(kColumns) + " ORDER BY id"),
      next_id_(database,
               "SELECT max(coalesce((SELECT max(id) FROM accounts), 0) + 1,"
               " coalesce((SELECT next FROM sequences WHERE name = 'account'), 0))"),
      note_id_(database, "INSERT OR REPLACE INTO sequences VALUES ('account', ?1)"),
      insert_(database,
              "INSERT INTO accounts (id, name, uid, gid, root, projects, runs, trash, created)"
              " VALUES (?1, CAST(?2 AS TEXT), ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
      set_ids_(database, "UPDATE accounts SET uid = ?2, gid = ?3 WHERE id = ?1"),
      quota_(database, "SELECT quota_bytes FROM accounts WHERE id = ?1"),
      set_quota_(database, "UPDATE accounts SET quota_bytes = nullif(?2, 0) WHERE id = ?1"),
      remove_(database, "DELETE FROM accounts WHERE id = ?1"),
      find_session_(
          database,
          "SELECT id FROM sessions WHERE account = ?1 AND uid = ?2 AND process = ?3 AND started = ?4 AND boot = ?5"),
      insert_session_(database, "INSERT INTO sessions (id, account, uid, process, started, boot, first_seen) VALUES (" +
                                    next_session() + ", ?1, ?2, ?3, ?4, ?5, ?6) RETURNING id"),
      session_key_(database, "SELECT account, uid, process, started, boot FROM sessions WHERE id = ?1"),
      remove_sessions_(database, "DELETE FROM sessions WHERE account = ?1"),
      skip_sessions_(database, "INSERT OR REPLACE INTO sequences VALUES ('session', " + next_session() + " + ?1)") {}

std::optional<Account> AccountRows::find(const std::string& name) {
  Query query(find_, name);
  if (!query.step()) return std::nullopt;
  return read_account(query);
}

std::optional<Account> AccountRows::find(AccountId id) {
  Query query(find_by_id_, id);
  if (!query.step()) return std::nullopt;
  return read_account(query);
}

std::vector<Account> AccountRows::all() {
  std::vector<Account> accounts;
  Query query(all_);
  while (query.step()) accounts.push_back(read_account(query));
  return accounts;
}

AccountId AccountRows::next_id() {
  Query query(next_id_);
  query.step();
  return query.id<AccountId>(0);
}

void AccountRows::insert(const Account& account, Timestamp now) {
  Query(insert_, account.id, account.name, account.uid, account.gid, account.root, account.projects, account.runs,
        account.trash, now)
      .run();
  Query(note_id_, account.id.number() + 1).run();
}

void AccountRows::set_ids(AccountId id, uid_t uid, gid_t gid) { Query(set_ids_, id, uid, gid).run(); }

std::optional<std::uint64_t> AccountRows::quota(AccountId id) {
  Query query(quota_, id);
  if (!query.step() || query.is_null(0)) return std::nullopt;
  return static_cast<std::uint64_t>(query.integer(0));
}

void AccountRows::set_quota(AccountId id, std::optional<std::uint64_t> bytes) {
  Query(set_quota_, id, bytes.value_or(0)).run();
}

void AccountRows::remove(AccountId id) {
  skip_sessions(0);
  Query(remove_sessions_, id).run();
  Query(remove_, id).run();
}

void AccountRows::skip_sessions(std::int64_t count) { Query(skip_sessions_, count).run(); }

SessionId AccountRows::session(const SessionKey& key, Timestamp now) {
  {
    Query found(find_session_, key.account, key.uid, key.process, key.started, key.boot);
    if (found.step()) return found.id<SessionId>(0);
  }
  Query inserted(insert_session_, key.account, key.uid, key.process, key.started, key.boot, now);
  inserted.step();
  return inserted.id<SessionId>(0);
}

std::optional<SessionKey> AccountRows::session_key(SessionId id) {
  Query query(session_key_, id);
  if (!query.step()) return std::nullopt;
  return SessionKey{.account = query.id<AccountId>(0),
                    .uid = static_cast<uid_t>(query.integer(1)),
                    .process = static_cast<pid_t>(query.integer(2)),
                    .started = query.integer(3),
                    .boot = query.integer(4)};
}

}  // namespace reprieve
