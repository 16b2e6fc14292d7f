// SPDX-License-Identifier: Apache-2.0
#include "core/view/standing.h"

#include <sys/stat.h>

#include "core/parts.h"
#include "core/view/inode_view.h"

namespace reprieve {
namespace {

// Nothing in the account's own hands is shared, and this is.
bool is_own(Transaction& tx, const Account& account, const InodeRow& row) {
  return row.owner == account.id && !tx.grants.gives(account.id);
}

Audience audience_of(Transaction& tx, const Location& location) {
  // Of several places another may be in what is shared.
  const bool shared =
      location.role != Role::owner || location.elsewhere_too || (location.top && tx.grants.is_shared(location.top));
  return shared ? Audience::shared : Audience::own;
}

// Files lose what would let them be written. Directories keep what the kernel asks for before it lets `rm -r` through:
// the kernel checks modes by itself, and core refuses every other change.
mode_t viewer_mode(mode_t mode) {
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  constexpr mode_t kAllWrite = S_IWUSR | kOthersWrite;
  if (S_ISLNK(mode)) return mode;
  if (S_ISDIR(mode)) return (mode & ~kOthersWrite) | S_IRWXU;
  return mode & ~kAllWrite;
}

// Where the row alone tells.
std::optional<Standing> standing_by_row(Transaction& tx, const Account& account, const InodeRow& row) {
  const bool holds_items = row.kind == ItemKind::projects || row.kind == ItemKind::runs;
  if (holds_items && row.owner == account.id) {
    // Owners of what is shared put it in and take it out.
    return Standing{.audience = tx.grants.receives(account.id) ? Audience::shared : Audience::own};
  }
  if (is_own(tx, account, row)) return Standing{};
  return std::nullopt;
}

// Where it lies for the account; none: not in its tree, nor in its trash.
std::optional<Standing> standing_at(Transaction& tx, const Account& account, const InodeRow& row,
                                    const Location& location) {
  if (location.life == Life::live) {
    return Standing{
        .role = location.role, .audience = audience_of(tx, location), .as_own = location.role != Role::owner};
  }
  if (row.owner == account.id) return Standing{.audience = Audience::shared};
  if (location.life == Life::trashed && is_own_item(tx, account, location.item)) {
    return Standing{.role = Role::editor, .audience = Audience::own, .as_own = true};
  }
  return std::nullopt;
}

tl::unexpected<Error> no_longer_shared() { return fail(Errc::stale, "the item is no longer shared with you"); }

Attributes with_audience(Attributes attributes, Audience audience) {
  if (audience == Audience::shared) attributes.stability = attributes.name_stability = Stability::view;
  return attributes;
}

}  // namespace

void Rebirths::died(AccountId account, InodeId directory) {
  const MutexLock lock(mutex_);
  ++counts_[{account, directory}];
}

std::uint64_t Rebirths::count(AccountId account, InodeId directory) {
  const MutexLock lock(mutex_);
  const auto found = counts_.find({account, directory});
  return found == counts_.end() ? 0 : found->second;
}

Result<Standing> standing_in(Transaction& tx, const Account& account, const InodeRow& directory) {
  if (const auto known = standing_by_row(tx, account, directory)) return *known;
  if (const auto there = standing_at(tx, account, directory, locate(tx, account, directory.id))) return *there;
  return no_longer_shared();
}

Standing standing_of(Transaction& tx, const Account& account, const EntryWithInode& child, const Standing& in_parent) {
  const auto& [entry, inode] = child;
  if (entry.role != Role::owner) return {.role = entry.role, .audience = Audience::shared, .as_own = true};
  const bool is_top = inode.kind == ItemKind::project || inode.kind == ItemKind::run;
  if (!is_top || inode.owner != account.id) return in_parent;
  return {.audience = tx.grants.is_shared(inode.id) ? Audience::shared : Audience::own};
}

Result<Standing> standing_of(CoreParts& parts, Transaction& tx, const Account& account, const InodeRow& inode) {
  if (const auto known = standing_by_row(tx, account, inode)) return *known;
  if (const auto there = standing_at(tx, account, inode, locate_inode(tx, account, inode.id))) return *there;
  if (!parts.content.is_open_by(account.id, inode.id)) return no_longer_shared();
  return Standing{.role = Role::viewer, .audience = Audience::shared, .as_own = true};
}

Error hidden_name(const EntryName& name) {
  return {Errc::exists, "\"" + name.bytes() + "\" is taken by what you deleted from your view of a shared item"};
}

bool is_hidden(Transaction& tx, const Account& account, const EntryWithInode& child) {
  return child.inode.owner != account.id && tx.hidden.contains(account.id, child.entry.parent, child.entry.id);
}

Seen see(CoreParts& parts, const Account& account, InodeRow row, const Standing& standing) {
  if (standing.as_own) {
    row.uid = account.uid;
    row.gid = account.gid;
    if (standing.role == Role::viewer) row.mode = viewer_mode(row.mode);
    if (S_ISDIR(row.mode)) row.generation += parts.rebirths.count(account.id, row.id);
  }
  return {row, standing.audience};
}

Result<Attributes> view_seen(CoreParts& parts, const Seen& seen) {
  REPRIEVE_TRY(const Attributes attributes, view_inode(parts, seen.row));
  return with_audience(attributes, seen.audience);
}

Result<Attributes> view_seen_file(CoreParts& parts, const Seen& seen, int blob) {
  REPRIEVE_TRY(const Attributes attributes, view_open_file(parts, seen.row, blob));
  return with_audience(attributes, seen.audience);
}

}  // namespace reprieve
