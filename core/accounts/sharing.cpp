// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/sharing.h"

#include <optional>
#include <utility>

#include "core/accounts/arrival.h"
#include "core/requests/once.h"
#include "core/trash/departure.h"
#include "core/trash/history.h"
#include "core/view/ancestry.h"

namespace reprieve {
namespace {

InodeId folder_for(const Account& account, ItemKind kind) {
  return kind == ItemKind::run ? account.runs : account.projects;
}

// The item's entry in the account's tree, if it has one.
std::optional<EntryRow> entry_in(Transaction& tx, const Account& account, InodeId item) {
  for (const EntryRow& place : tx.entries.places(item)) {
    if (place.parent == account.projects || place.parent == account.runs) return place;
  }
  return std::nullopt;
}

void remove_entry(Transaction& tx, const EntryRow& entry, Timestamp now, Changes& changes) {
  tx.entries.remove(entry.parent, entry.id);
  tx.inodes.directory_changed(entry.parent, -1, now);
  changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
}

// Gives the collaborator its entry, and remembers the name that it got.
void add_shared_entry(Transaction& tx, GrantRow& grant, const Account& with, ItemKind kind, Timestamp now,
                      Changes& changes) {
  const InodeId folder = folder_for(with, kind);
  const EntryName wanted = EntryName::trusted(grant.name);
  EntryName name = wanted;
  for (unsigned number = 2; tx.entries.find_live(folder, name.bytes()); ++number) name = numbered(wanted, number);
  add_entry(tx, folder, name.bytes(), grant.inode, grant.role);
  tx.inodes.directory_changed(folder, 1, now);
  grant.name = name.bytes();
  grant.state = GrantState::active;
  tx.grants.put(grant);
  changes.seen.push_back({folder, name});
}

// The project or run that a path leads to, if the account owns it.
Result<EntryWithInode> own_item(Transaction& tx, const Account& account, std::string_view path) {
  REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
  const auto found = tx.entries.find_live_with_inode(target.parent, target.name.bytes());
  if (!found) return fail(Errc::in_trash);
  REPRIEVE_TRY_VOID(require_live(tx, account, target.parent));
  if (found->entry.role != Role::owner) return fail(Errc::not_yours, "only the owner shares it");
  if (found->inode.kind != ItemKind::project && found->inode.kind != ItemKind::run)
    return fail(Errc::wrong_place, "only whole projects and runs are shared");
  return *found;
}

Result<Account> other_account(Transaction& tx, const Account& account, std::string_view name) {
  auto other = tx.accounts.find(std::string(name));
  if (!other) return fail(Errc::not_found, "there is no account \"" + std::string(name) + "\"");
  if (other->id == account.id) return fail(Errc::invalid_argument, "it belongs to the account \"" + other->name + "\"");
  return *std::move(other);
}

// One request: who, when, and what it makes stale.
struct Request {
  const Account& account;
  const Caller& caller;
  SessionId session;
  Timestamp now;
  [[nodiscard]] Deletion who() const { return {account, session, caller, now}; }
};

Share to_share(const Account& owner, const Account& with, const GrantRow& grant, ItemKind kind, std::string path) {
  return {.owner = owner.name,
          .with = with.name,
          .role = grant.role,
          .state = grant.state,
          .kind = kind,
          .path = std::move(path),
          .name = grant.name};
}

// Where the account finds the item, in its trash too; the name alone where it does not.
std::string shown_path(Transaction& tx, const Account& account, const GrantRow& grant) {
  const Location location = locate(tx, account, grant.inode);
  if (location.life == Life::live) return location.path;
  const auto item = tx.trash.find(location.item);
  return item && item->account == account.id && item->inode == grant.inode ? join(".trash", item->name) : grant.name;
}

}  // namespace

Result<Share> Sharing::share(const Account& account, std::string_view path, std::string_view with, Role role,
                             const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto change = [&](Transaction& tx) -> Result<Share> {
    const Request request{account, caller, {}, parts_.clock.now()};
    REPRIEVE_TRY(const EntryWithInode item, own_item(tx, account, path));
    REPRIEVE_TRY(const Account other, other_account(tx, account, with));
    auto grant = tx.grants.find(item.inode.id, other.id);
    if (!grant && tx.grants.of_inode(item.inode.id).size() >= kMostCollaborators)
      return fail(Errc::invalid_argument,
                  "an item has at most " + std::to_string(kMostCollaborators) + " collaborators");
    if (!grant) grant = GrantRow{.inode = item.inode.id, .account = other.id, .name = item.entry.name};
    changes.newly_shared = true;
    grant->role = role;
    grant->granted = request.now;
    if (const auto entry = entry_in(tx, other, item.inode.id)) {
      tx.entries.set_role(entry->parent, entry->id, role);
      tx.grants.put(*grant);
      changes.seen.push_back({entry->parent, EntryName::trusted(entry->name)});
    } else {
      add_shared_entry(tx, *grant, other, item.inode.kind, request.now, changes);
    }
    // From now on the owner's kernel may remember nothing in it either: what it did remember goes with the name.
    changes.seen.push_back({item.entry.parent, EntryName::trusted(item.entry.name)});
    changes.seen.push_back({item.inode.id, std::nullopt});
    const std::string own_path = join(locate(tx, account, item.entry.parent).path, item.entry.name);
    tx.events.insert(event_of(request.who(), EventKind::share, item.inode.id, own_path,
                              "with " + other.name + " as " + std::string(role_name(role))));
    return to_share(account, other, *grant, item.inode.kind, own_path);
  };
  REPRIEVE_TRY(Share share, write_once<Share>(parts_, caller.part, Step::first, change));
  parts_.announce(changes);
  return share;
}

Result<Share> Sharing::unshare(const Account& account, std::string_view path, std::string_view with,
                               const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto change = [&](Transaction& tx) -> Result<Share> {
    const Request request{account, caller, {}, parts_.clock.now()};
    REPRIEVE_TRY(const EntryWithInode item, own_item(tx, account, path));
    REPRIEVE_TRY(const Account other, other_account(tx, account, with));
    const auto grant = tx.grants.find(item.inode.id, other.id);
    if (!grant) return fail(Errc::not_found, "it is not shared with the account \"" + other.name + "\"");
    forget_hidden(tx, other.id, item.inode.id);
    if (const auto entry = entry_in(tx, other, item.inode.id)) remove_entry(tx, *entry, request.now, changes);
    tx.grants.remove(item.inode.id, other.id);
    const std::string own_path = join(locate(tx, account, item.entry.parent).path, item.entry.name);
    tx.events.insert(event_of(request.who(), EventKind::unshare, item.inode.id, own_path, "from " + other.name));
    return to_share(account, other, *grant, item.inode.kind, own_path);
  };
  REPRIEVE_TRY(Share share, write_once<Share>(parts_, caller.part, Step::first, change));
  parts_.announce(changes);
  return share;
}

Result<std::vector<Share>> Sharing::list(const Account& account) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<Share>> {
    std::vector<Share> shares;
    for (const Account& other : tx.accounts.all()) {
      for (const GrantRow& grant : tx.grants.of_account(other.id)) {
        const auto item = tx.inodes.find(grant.inode);
        if (!item || (item->owner != account.id && other.id != account.id)) continue;
        const auto owner = tx.accounts.find(item->owner);
        shares.push_back(
            to_share(owner ? *owner : Account{}, other, grant, item->kind, shown_path(tx, account, grant)));
      }
    }
    return shares;
  });
}

void withdraw(Transaction& tx, InodeId item, Timestamp now, Changes& changes) {
  if (!tx.grants.is_shared(item)) return;
  for (const EntryRow& place : tx.entries.places(item)) {
    if (place.role != Role::owner) remove_entry(tx, place, now, changes);
  }
}

void renew(Transaction& tx, InodeId item, Timestamp now, Changes& changes) {
  if (!tx.grants.is_shared(item)) return;
  const auto row = tx.inodes.find(item);
  for (GrantRow& grant : tx.grants.of_inode(item)) {
    const auto with = tx.accounts.find(grant.account);
    if (grant.state == GrantState::active && with) add_shared_entry(tx, grant, *with, row->kind, now, changes);
  }
}

Result<void> rejoin(Transaction& tx, const Account& account, InodeId item, Timestamp now, Changes& changes) {
  auto grant = tx.grants.find(item, account.id);
  const auto row = tx.inodes.find(item);
  if (!grant || !row) return fail(Errc::not_found, "its owner no longer shares it");
  if (entry_in(tx, account, item)) return {};
  const auto owner = tx.accounts.find(row->owner);
  if (!owner || locate(tx, *owner, item).life != Life::live) {
    // It comes back with the owner's restore.
    tx.grants.set_state(item, account.id, GrantState::active);
    return {};
  }
  add_shared_entry(tx, *grant, account, row->kind, now, changes);
  return {};
}

}  // namespace reprieve
