// SPDX-License-Identifier: Apache-2.0
#include "core/accounts/arrival.h"

#include <sys/stat.h>

#include <utility>

#include "core/parts.h"
#include "core/trash/removal.h"
#include "core/view/access_lists.h"

namespace reprieve {
namespace {

constexpr mode_t kSetIdBits = S_ISUID | S_ISGID;
// Children are converted in portions of so many.
constexpr std::size_t kPortion = 1024;

tl::unexpected<Error> cannot_change_hands() {
  return fail(
      Errc::not_yours,
      "it would change hands, and something in it is of another's making, or has a name elsewhere too; copy it");
}

void convert_children(Transaction& tx, InodeId directory, ItemKind from, ItemKind to) {
  for (EntryId after{}; true;) {
    const auto children = tx.entries.list(directory, after, kPortion);
    for (const auto& [entry, inode] : children) {
      if (inode.kind == from) tx.inodes.set_kind(inode.id, to);
    }
    if (children.size() < kPortion) return;
    after = children.back().entry.id;
  }
}

void settle_container(Transaction& tx, const Account& account, const InodeRow& project, ItemKind container,
                      ItemKind member, const char* name, const Caller& caller, Timestamp now) {
  const auto existing = tx.entries.find_live_with_inode(project.id, name);
  if (!existing) {
    constexpr mode_t kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;
    const mode_t mode = S_IFDIR | (project.mode & kPermissions);
    InodeRow made = make_inode({account, account}, tx.sequences.next_inode(), container, mode, project, caller, now);
    inherit_access(tx, project.id, made, 0);
    tx.inodes.insert(made, nullptr);
    add_entry(tx, project.id, name, made.id);
    tx.inodes.directory_changed(project.id, 1, now);
  } else if (existing->inode.kind == ItemKind::folder) {
    tx.inodes.set_kind(existing->inode.id, container);
    tx.inodes.set_made_by_owner(existing->inode.id);
    convert_children(tx, existing->inode.id, ItemKind::folder, member);
  }
}

}  // namespace

Account holder_of(Transaction& tx, const Account& account, const InodeRow& directory) {
  if (directory.owner == account.id) return account;
  return tx.accounts.find(directory.owner).value_or(account);
}

InodeRow make_inode(const Maker& maker, InodeId id, ItemKind kind, mode_t mode, const InodeRow& parent,
                    const Caller& caller, Timestamp now) {
  const bool is_directory = S_ISDIR(mode);
  const bool is_guest = maker.account.id != maker.holder.id;
  InodeRow row{.id = id,
               .kind = kind,
               .mode = mode,
               .uid = is_guest ? maker.holder.uid : caller.uid,
               .gid = is_guest ? maker.holder.gid : caller.gid,
               .links = is_directory ? 2U : 1U,
               .accessed = now,
               .modified = now,
               .changed = now,
               .born = now,
               .owner = maker.holder.id,
               .creator = maker.account.id};
  if (is_guest && !is_directory) row.mode &= ~kSetIdBits;
  if ((parent.mode & S_ISGID) != 0) {
    row.gid = parent.gid;
    if (is_directory) row.mode |= S_ISGID;
  }
  if (S_ISREG(mode)) row.accessed = row.modified = Timestamp{};
  return row;
}

void add_entry(Transaction& tx, InodeId parent, const std::string& name, InodeId inode, Role role) {
  tx.entries.insert(
      {.parent = parent, .id = tx.sequences.next_entry(), .name = name, .inode = inode, .item = {}, .role = role});
}

void change_owner(CoreParts& parts, Transaction& tx, const InodeRow& top, const Account& holder, Timestamp now) {
  if (top.owner == holder.id) return;
  parts.quotas.hand_over(tx, top.id, holder.id);
  tx.inodes.adopt(top.id, holder.id, top.uid, top.gid, holder.uid, holder.gid, now);
  tx.inodes.drop_privileges(top.id, now);
}

std::optional<std::vector<TrashItemId>> companions_of(Transaction& tx, const Handed& tree, AccountId holder) {
  if (tree.top.owner != tree.mover && tx.inodes.made_by_others(tree.top.id, tree.mover)) return std::nullopt;
  std::vector<TrashItemId> items;
  for (const OtherName& other : tx.inodes.other_names(tree.top.id, tree.name, holder)) {
    const auto item = other.item ? tx.trash.find(other.item) : std::nullopt;
    if (!item || item->deleted_by != tree.mover) return std::nullopt;
    // What the mover has replaced was deleted by it as well, and is its owner's.
    const auto inode = tx.inodes.find(other.inode);
    if (!inode || (item->account != tree.mover && inode->creator != tree.mover)) return std::nullopt;
    items.push_back(item->id);
  }
  return items;
}

EntryName give_item(Transaction& tx, const TrashRow& item, const Account& holder, Changes& changes) {
  const auto before = tx.accounts.find(item.account);
  EntryName name = free_trash_name(tx, holder.id, EntryName::trusted(item.name));
  tx.trash.set_account(item.id, holder.id, name.bytes());
  tx.events.remove_at_owner(item.session, item.id);
  if (item.deleted_by != holder.id)
    tx.events.insert_at_owner(EventKind::trash_at_owner, item.id, item.origin, holder.name);
  if (before) changes.seen.push_back({before->trash, EntryName::trusted(item.name)});
  changes.seen.push_back({holder.trash, name});
  return name;
}

bool hand_over(CoreParts& parts, Transaction& tx, const Handed& tree, const Account& holder, Changes& changes) {
  if (tree.top.owner == holder.id) return true;
  const auto companions = companions_of(tx, tree, holder.id);
  if (!companions) return false;
  for (const TrashItemId id : *companions) give_item(tx, *tx.trash.find(id), holder, changes);
  if (!companions->empty()) parts.trash_view.touch();
  change_owner(parts, tx, tree.top, holder, tree.now);
  return true;
}

Result<void> require_one_owner(Transaction& tx, const Handed& moved, const InodeRow& directory) {
  if (moved.top.owner == directory.owner || companions_of(tx, moved, directory.owner)) return {};
  return cannot_change_hands();
}

Result<void> settle_owner(CoreParts& parts, Transaction& tx, const Deletion& who, const InodeRow& moved, EntryId name,
                          const InodeRow& directory, Changes& changes) {
  if (moved.owner == directory.owner) return {};
  const Handed handed{moved, name, who.account.id, who.now};
  if (hand_over(parts, tx, handed, holder_of(tx, who.account, directory), changes)) return {};
  return cannot_change_hands();
}

void settle_audience(Transaction& tx, const Account& account, const InodeRow& moved, const InodeRow& directory,
                     Changes& changes) {
  if (!S_ISDIR(moved.mode)) return;
  const auto standing = standing_in(tx, account, directory);
  if (standing && standing->audience == Audience::shared) changes.newly_shared = true;
}

void settle_kind(Transaction& tx, const Account& account, const InodeRow& directory, ItemKind kind,
                 const Caller& caller, Timestamp now) {
  const ItemKind was = directory.kind;
  if (was != kind) tx.inodes.set_kind(directory.id, kind);
  if (kind == ItemKind::samples || kind == ItemKind::analyses) tx.inodes.set_made_by_owner(directory.id);
  if (kind == ItemKind::project && was != ItemKind::project) {
    settle_container(tx, account, directory, ItemKind::samples, ItemKind::sample, "samples", caller, now);
    settle_container(tx, account, directory, ItemKind::analyses, ItemKind::analysis, "analyses", caller, now);
  } else if (kind == ItemKind::samples && was != kind) {
    convert_children(tx, directory.id, ItemKind::folder, ItemKind::sample);
  } else if (kind == ItemKind::analyses && was != kind) {
    convert_children(tx, directory.id, ItemKind::folder, ItemKind::analysis);
  }
}

}  // namespace reprieve
