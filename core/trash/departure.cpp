// SPDX-License-Identifier: Apache-2.0
#include "core/trash/departure.h"

#include <sys/stat.h>

#include <vector>

#include "core/parts.h"
#include "core/trash/history.h"

namespace reprieve {

Fate fate_of(const Account& account, const EntryWithInode& doomed, const Location& parent) {
  if (doomed.entry.role != Role::owner) return Fate::leave;
  if (parent.role == Role::owner) return Fate::trash;
  // A viewer that was an editor before changes nothing any more, not even what it made itself.
  if (parent.role == Role::viewer) return Fate::hide;
  return parent.created || doomed.inode.creator == account.id ? Fate::trash : Fate::hide;
}

EventKind event_of(Fate fate) {
  switch (fate) {
    case Fate::trash: return EventKind::trash;
    case Fate::leave: return EventKind::leave;
    case Fate::hide: return EventKind::hide;
  }
  return EventKind::trash;
}

Removed take_away(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
                  const Location& parent, Folding folding, Changes& changes, const std::optional<EntryName>& wanted) {
  const Fate fate = fate_of(deletion.account, doomed, parent);
  switch (fate) {
    case Fate::trash:
      return {fate, discard(parts, tx, deletion, doomed, {doomed.entry.parent, parent.path}, folding, changes, wanted)};
    case Fate::leave: leave(parts, tx, deletion, doomed, parent.path, folding, changes); break;
    case Fate::hide: hide(parts, tx, deletion, doomed, parent.path, folding, changes); break;
  }
  return {fate, std::nullopt};
}

void leave(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
           const std::string& parent_path, Folding folding, Changes& changes) {
  const auto& [entry, inode] = doomed;
  const AccountId account = deletion.account.id;
  if (folding == Folding::fold) take_back(parts, tx, deletion, inode, changes);
  forget_hidden(tx, account, inode.id);
  tx.entries.remove(entry.parent, entry.id);
  tx.inodes.directory_changed(entry.parent, -1, deletion.now);
  tx.grants.set_state(inode.id, account, GrantState::left);
  tx.events.insert(event_of(deletion, EventKind::leave, inode.id, join(parent_path, entry.name)));
  if (folding == Folding::fold) parts.rebirths.died(account, inode.id);
  changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
}

void hide(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
          const std::string& parent_path, Folding folding, Changes& changes) {
  const auto& [entry, inode] = doomed;
  const AccountId account = deletion.account.id;
  const bool is_directory = S_ISDIR(inode.mode);
  const bool may_go_on = folding == Folding::fold && parts.session_ends.watch(tx, deletion.session);
  if (is_directory && folding == Folding::fold) {
    take_back(parts, tx, deletion, inode, changes);
    tx.hidden.remove_unsettled_in(account, inode.id, deletion.session);
    parts.rebirths.died(account, inode.id);
  }
  tx.hidden.insert({.account = account,
                    .parent = entry.parent,
                    .entry = entry.id,
                    .session = deletion.session,
                    .settled = !may_go_on,
                    .hidden = deletion.now});
  if (!may_go_on) tx.events.insert(event_of(deletion, EventKind::hide, inode.id, join(parent_path, entry.name)));
  changes.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
}

void forget_hidden(Transaction& tx, AccountId account, InodeId top) {
  if (!tx.hidden.any(account)) return;
  for (const InodeId parent : tx.hidden.parents(account)) {
    if (is_within(tx, parent, top)) tx.hidden.remove_in(account, parent);
  }
}

void settle_hidden(Transaction& tx, InodeId directory, InodeId arrived) {
  if (!tx.hidden.any()) return;
  const std::vector<AccountId> ids(tx.hidden.accounts().begin(), tx.hidden.accounts().end());
  for (const AccountId id : ids) {
    const auto account = tx.accounts.find(id);
    for (const InodeId parent : tx.hidden.parents(id)) {
      const bool is_concerned = parent == directory || is_within(tx, parent, arrived);
      if (!is_concerned) continue;
      if (!account || locate(tx, *account, parent).life != Life::live) {
        tx.hidden.remove_in(id, parent);
      } else {
        tx.hidden.remove_own_in(id, parent);
      }
    }
  }
}

void forget_hidden(Transaction& tx, InodeId top) {
  if (!tx.hidden.any()) return;
  const std::vector<AccountId> accounts(tx.hidden.accounts().begin(), tx.hidden.accounts().end());
  for (const AccountId account : accounts) forget_hidden(tx, account, top);
}

}  // namespace reprieve
