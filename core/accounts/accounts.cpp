// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/accounts.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/accounts/arrival.h"
#include "core/accounts/sharing.h"
#include "core/requests/once.h"
#include "core/trash/history.h"

namespace reprieve {
namespace {

constexpr std::size_t kNameMax = 64;

bool is_valid(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= kNameMax && name.find_first_not_of(kAllowed) == std::string_view::npos &&
         name.front() != '.' && name.front() != '-';
}

// Makes a skeleton folder, not entered anywhere yet.
InodeId make_folder(Transaction& tx, const Account& account, ItemKind kind, mode_t permissions, Timestamp now) {
  const Caller owner{.uid = account.uid, .gid = account.gid};
  const InodeRow row =
      make_inode({account, account}, tx.sequences.next_inode(), kind, S_IFDIR | permissions, {}, owner, now);
  tx.inodes.insert(row, nullptr);
  return row.id;
}

Result<void> check_name(std::string_view name) {
  if (is_valid(name)) return {};
  return fail(Errc::invalid_argument,
              "\"" + std::string(name) + "\" cannot name an account: 1 to 64 letters, digits, '.', '_' and '-'");
}

Result<Account> require_account(Transaction& tx, std::string_view name) {
  auto account = tx.accounts.find(std::string(name));
  if (!account) return fail(Errc::not_found, "there is no account \"" + std::string(name) + "\"");
  return *std::move(account);
}

constexpr std::size_t kPortion = 512;

// Calls `each` for what is in projects/ and runs/.
template <typename Each>
void for_items(Transaction& tx, const Account& account, const Each& each) {
  for (const InodeId folder : {account.projects, account.runs}) {
    for (EntryId after{}; true;) {
      const auto portion = tx.entries.list(folder, after, kPortion);
      for (const EntryWithInode& item : portion) each(item);
      if (portion.size() < kPortion) break;
      after = portion.back().entry.id;
    }
  }
}

AccountSummary summarize(Transaction& tx, const Account& account) {
  AccountSummary summary{.account = account, .quota = tx.accounts.quota(account.id)};
  for_items(tx, account, [&summary](const EntryWithInode& item) {
    if (item.entry.role != Role::owner) {
      ++summary.shared;
    } else {
      ++(item.inode.kind == ItemKind::run ? summary.runs : summary.projects);
    }
  });
  summary.trash_items = tx.trash.all(account.id).size();
  return summary;
}

Result<void> check_owns_nothing(const AccountSummary& summary) {
  if (summary.projects + summary.runs + summary.trash_items == 0) return {};
  return fail(Errc::not_empty, "the account \"" + summary.account.name + "\" owns " + std::to_string(summary.projects) +
                                   " projects, " + std::to_string(summary.runs) + " runs and " +
                                   std::to_string(summary.trash_items) + " items in the trash");
}

EventRow account_event(const Account& account, EventKind kind, const Caller& caller, Timestamp now,
                       const std::string& what = {}) {
  return event_of({account, {}, caller, now}, kind, {}, {}, account.name + what);
}

// ": uid 1001, gid 1001, quota 5000 bytes"
std::string described(const AccountChange& change) {
  std::string text;
  const auto add = [&text](const std::string& part) { text += (text.empty() ? ": " : ", ") + part; };
  if (change.uid) add("uid " + std::to_string(*change.uid));
  if (change.gid) add("gid " + std::to_string(*change.gid));
  if (change.quota) add(*change.quota == 0 ? "no quota" : "quota " + std::to_string(*change.quota) + " bytes");
  return text;
}

}  // namespace

Account make_account(Transaction& tx, std::string_view name, uid_t uid, gid_t gid, Timestamp now) {
  Account account{.name = std::string(name), .uid = uid, .gid = gid};
  account.id = tx.accounts.next_id();
  constexpr mode_t kOpen = 0755;
  constexpr mode_t kPrivate = 0700;  // what was deleted is nobody else's business
  account.root = make_folder(tx, account, ItemKind::root, kOpen, now);
  account.projects = make_folder(tx, account, ItemKind::projects, kOpen, now);
  account.runs = make_folder(tx, account, ItemKind::runs, kOpen, now);
  account.trash = make_folder(tx, account, ItemKind::trash, kPrivate, now);
  add_entry(tx, account.root, "projects", account.projects);
  add_entry(tx, account.root, "runs", account.runs);
  add_entry(tx, account.root, ".trash", account.trash);
  tx.inodes.directory_changed(account.root, 3, now);
  tx.accounts.insert(account, now);
  return account;
}

Result<Account> Accounts::ensure(std::string_view name, uid_t uid, gid_t gid) {
  REPRIEVE_TRY_VOID(check_name(name));
  return parts_.store->write([&](Transaction& tx) -> Result<Account> {
    if (auto existing = tx.accounts.find(std::string(name))) return *std::move(existing);
    return make_account(tx, name, uid, gid, parts_.clock.now());
  });
}

Result<Account> Accounts::add(std::string_view name, uid_t uid, gid_t gid, const Caller& caller) {
  REPRIEVE_TRY_VOID(check_name(name));
  return write_once<Account>(parts_, caller.part, Step::first, [&](Transaction& tx) -> Result<Account> {
    const Timestamp now = parts_.clock.now();
    if (tx.accounts.find(std::string(name)))
      return fail(Errc::exists, "there is an account \"" + std::string(name) + "\" already");
    Account account = make_account(tx, name, uid, gid, now);
    tx.events.insert(account_event(account, EventKind::account_add, caller, now));
    return account;
  });
}

Result<Account> Accounts::set(std::string_view name, const AccountChange& change, const Caller& caller) {
  bool quota_changes = false;
  const auto apply = [&](Transaction& tx) -> Result<Account> {
    REPRIEVE_TRY(Account account, require_account(tx, name));
    const uid_t uid = change.uid.value_or(account.uid);
    const gid_t gid = change.gid.value_or(account.gid);
    if (uid != account.uid || gid != account.gid) {
      tx.inodes.change_ids(account.id, account.uid, account.gid, uid, gid);
      tx.accounts.set_ids(account.id, uid, gid);
    }
    account.uid = uid;
    account.gid = gid;
    if (change.quota) QuotaLedger::store(tx, account.id, change.quota);
    quota_changes = change.quota.has_value();
    tx.events.insert(account_event(account, EventKind::account_set, caller, parts_.clock.now(), described(change)));
    return account;
  };
  REPRIEVE_TRY(Account changed, write_once<Account>(parts_, caller.part, Step::first, apply));
  // A request that comes again must not bring back a quota that was changed since.
  if (quota_changes) REPRIEVE_TRY_VOID(parts_.quotas.enforce(changed.id, change.quota));
  return changed;
}

Result<Account> Accounts::remove(std::string_view name, const Caller& caller) {
  return write_once<Account>(parts_, caller.part, Step::first, [&](Transaction& tx) -> Result<Account> {
    const Timestamp now = parts_.clock.now();
    REPRIEVE_TRY(const Account account, require_account(tx, name));
    REPRIEVE_TRY_VOID(check_owns_nothing(summarize(tx, account)));
    tx.hidden.remove_account(account.id);
    for (const GrantRow& grant : tx.grants.of_account(account.id)) tx.grants.remove(grant.inode, account.id);
    std::vector<EntryRow> entries;
    for_items(tx, account, [&entries](const EntryWithInode& item) { entries.push_back(item.entry); });
    for (const EntryWithInode& folder : tx.entries.list(account.root, {}, kPortion)) entries.push_back(folder.entry);
    for (const EntryRow& entry : entries) tx.entries.remove(entry.parent, entry.id);
    for (const InodeId folder : {account.projects, account.runs, account.trash, account.root}) tx.inodes.remove(folder);
    tx.accounts.remove(account.id);
    tx.plans.remove_account(account.id);
    tx.events.insert(account_event(account, EventKind::account_remove, caller, now));
    return account;
  });
}

Result<Account> Accounts::find(std::string_view name) {
  return parts_.store->read([&](Transaction& tx) { return require_account(tx, name); });
}

Result<std::vector<Account>> Accounts::all() {
  return parts_.store->read([](Transaction& tx) -> Result<std::vector<Account>> { return tx.accounts.all(); });
}

Result<AccountSummary> Accounts::summary(const Account& account) {
  return parts_.store->read([&](Transaction& tx) -> Result<AccountSummary> { return summarize(tx, account); });
}

}  // namespace reprieve
