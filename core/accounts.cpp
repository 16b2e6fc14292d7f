// SPDX-License-Identifier: Apache-2.0
#include "core/accounts.h"

#include <sys/stat.h>

#include "core/arrival.h"
#include "core/store/store.h"

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
  const InodeRow row = make_inode(account, tx.sequences.next_inode(), kind, S_IFDIR | permissions, {}, owner, now);
  tx.inodes.insert(row, nullptr);
  return row.id;
}

}  // namespace

Accounts::Accounts(Store& store, const Clock& clock) : store_(store), clock_(clock) {}

Result<Account> Accounts::ensure(std::string_view name, uid_t uid, gid_t gid) {
  if (!is_valid(name)) {
    return fail(Errc::invalid_argument,
                "\"" + std::string(name) + "\" cannot name an account: 1 to 64 letters, digits, '.', '_' and '-'");
  }
  return store_.write([&](Transaction& tx) -> Result<Account> {
    if (auto existing = tx.accounts.find(std::string(name))) return *std::move(existing);
    const Timestamp now = clock_.now();
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
  });
}

Result<Account> Accounts::find(std::string_view name) {
  return store_.read([&](Transaction& tx) -> Result<Account> {
    auto account = tx.accounts.find(std::string(name));
    if (!account) return fail(Errc::not_found, "there is no account \"" + std::string(name) + "\"");
    return *std::move(account);
  });
}

Result<std::vector<Account>> Accounts::all() {
  return store_.read([](Transaction& tx) -> Result<std::vector<Account>> { return tx.accounts.all(); });
}

}  // namespace reprieve
