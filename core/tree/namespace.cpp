// SPDX-License-Identifier: Apache-2.0
#include "core/tree/namespace.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/accounts/arrival.h"
#include "core/parts.h"
#include "core/trash/batch.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/departure.h"
#include "core/trash/removal.h"
#include "core/view/access_lists.h"
#include "core/view/ancestry.h"
#include "core/view/inode_view.h"
#include "core/view/standing.h"

namespace reprieve {
namespace {

// EXT4_LINK_MAX (fs/ext4/ext4.h), which programs that probe for EMLINK expect to be far away.
constexpr std::uint32_t kLinksMax = 65000;
constexpr std::size_t kSymlinkMax = 4095;  // PATH_MAX less its NUL

Result<InodeRow> require_directory(Transaction& tx, InodeId inode) {
  REPRIEVE_TRY(InodeRow row, require_inode(tx, inode));
  if (!S_ISDIR(row.mode)) return fail(Errc::not_directory);
  return row;
}

// The kernel asks for nothing else.
bool is_mode_of_node(mode_t mode) {
  constexpr mode_t kPermissions = 07777;
  switch (mode & ~kPermissions) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFIFO:
    case S_IFSOCK:
    case S_IFCHR:
    case S_IFBLK: return true;
    default: return false;
  }
}

// Checks that `node` may be made there and returns the kind that it gets.
Result<ItemKind> check_creation(Transaction& tx, const Account& account, const InodeRow& parent, const EntryName& name,
                                mode_t mode) {
  REPRIEVE_TRY(const ItemKind kind, placement(S_ISDIR(mode) ? ItemKind::folder : ItemKind::file, parent.kind, name));
  REPRIEVE_TRY_VOID(require_changeable(tx, account, parent.id));
  const auto existing = tx.entries.find_live(parent.id, name.bytes());
  if (!existing) return kind;
  if (tx.hidden.contains(account.id, parent.id, existing->id)) return fail(hidden_name(name));
  return fail(Errc::exists);
}

}  // namespace

Namespace::Namespace(CoreParts& parts) : parts_(parts) {}

Result<Attributes> Namespace::lookup(const Account& account, InodeId parent, const EntryName& name) {
  REPRIEVE_TRY(const Seen seen, parts_.store->read([&](Transaction& tx) -> Result<Seen> {
    if (parent == account.trash) {
      const auto item = tx.trash.find_by_name(account.id, name.bytes());
      if (!item) return fail(Errc::not_found);
      REPRIEVE_TRY(const InodeRow row, require_inode(tx, item->inode));
      REPRIEVE_TRY(const Standing standing, standing_of(parts_, tx, account, row));
      return see(parts_, account, row, standing);
    }
    auto found = tx.entries.find_live_with_inode(parent, name.bytes());
    if (found && found->inode.owner == account.id && !tx.grants.gives(account.id)) return Seen{found->inode};
    REPRIEVE_TRY(const InodeRow directory, require_directory(tx, parent));
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, directory));
    if (!found || is_hidden(tx, account, *found)) return fail(Errc::not_found);
    return see(parts_, account, found->inode, standing_of(tx, account, *found, standing));
  }));
  return view_seen(parts_, seen);
}

Result<Stability> Namespace::names_in(const Account& account, InodeId directory) {
  return parts_.store->read([&](Transaction& tx) -> Result<Stability> {
    if (!tx.grants.gives(account.id) && !tx.grants.receives(account.id)) return Stability::stable;
    REPRIEVE_TRY(const InodeRow row, require_inode(tx, directory));
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, row));
    return standing.audience == Audience::shared ? Stability::view : Stability::stable;
  });
}

Result<Attributes> Namespace::find(const Account& account, InodeId inode) {
  REPRIEVE_TRY(const Seen seen, parts_.store->read([&](Transaction& tx) -> Result<Seen> {
    const auto found = tx.inodes.find(inode);
    if (!found || locate_inode(tx, account, inode).life == Life::purged) return fail(Errc::not_found);
    REPRIEVE_TRY(const Standing standing, standing_of(parts_, tx, account, *found));
    return see(parts_, account, *found, standing);
  }));
  return view_seen(parts_, seen);
}

Result<InodeId> Namespace::parent_of(const Account& account, InodeId directory) {
  if (directory == account.root) return directory;
  return parts_.store->read([&](Transaction& tx) -> Result<InodeId> {
    const auto place = place_in_tree(tx, account, directory);
    if (!place || locate(tx, account, directory).life == Life::purged) return fail(Errc::stale);
    return place->item ? account.trash : place->parent;
  });
}

Result<Attributes> Namespace::create(const Account& account, InodeId parent, const EntryName& name, const NewNode& node,
                                     const Caller& caller) {
  REPRIEVE_TRY(const Created created, create_open(account, parent, name, node, caller));
  return created.attributes;
}

Result<Created> Namespace::create_open(const Account& account, InodeId parent_id, const EntryName& name,
                                       const NewNode& node, const Caller& caller) {
  if (!is_mode_of_node(node.mode)) return fail(Errc::invalid_argument, "the mode names no type of inode");
  if (S_ISLNK(node.mode) && node.symlink_target.empty()) return fail(Errc::not_found, "a symbolic link leads nowhere");
  if (node.symlink_target.size() > kSymlinkMax)
    return fail(Errc::name_too_long, "a symbolic link's target is too long");
  const bool is_file = S_ISREG(node.mode);
  FreshBlob blob;
  if (is_file) {
    REPRIEVE_TRY(blob, parts_.blobs->take());
  }
  Changes changes{.through = caller.mount};
  auto made = parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    const Timestamp now = parts_.clock.now();
    REPRIEVE_TRY(const InodeRow parent, require_directory(tx, parent_id));
    REPRIEVE_TRY(const ItemKind kind, check_creation(tx, account, parent, name, node.mode));
    const InodeId id = is_file ? blob.id : tx.sequences.next_inode();
    const ItemKind first_kind = S_ISDIR(node.mode) ? ItemKind::folder : kind;
    const Account holder = holder_of(tx, account, parent);
    InodeRow row = make_inode({account, holder}, id, first_kind, node.mode, parent, caller, now);
    row.device = S_ISCHR(node.mode) || S_ISBLK(node.mode) ? node.device : 0;
    row.target_size = node.symlink_target.size();
    REPRIEVE_TRY_VOID(tx.require_room());
    REPRIEVE_TRY_VOID(parts_.quotas.check_room(tx, row.owner));
    inherit_access(tx, parent.id, row, node.umask);
    tx.inodes.insert(row, S_ISLNK(node.mode) ? &node.symlink_target : nullptr);
    add_entry(tx, parent.id, name.bytes(), id);
    tx.inodes.directory_changed(parent.id, S_ISDIR(node.mode) ? 1 : 0, now);
    if (kind != first_kind) {
      settle_kind(tx, account, row, kind, caller, now);
      REPRIEVE_TRY(row, require_inode(tx, id));
    }
    changes.seen.push_back({parent.id, name});
    tx.requests.carried_out(caller);
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, parent));
    return see(parts_, account, row, standing_of(tx, account, {{}, row}, standing));
  });
  if (!made) {
    if (is_file) parts_.blobs->give_back(std::move(blob));
    return fail(std::move(made).error());
  }
  if (is_file) parts_.blobs->settle(blob.id);
  parts_.announce(changes);
  REPRIEVE_TRY(const Attributes attributes,
               is_file ? view_seen_file(parts_, *made, blob.file.get()) : view_seen(parts_, *made));
  return Created{attributes, made->row.owner, std::move(blob.file)};
}

Result<Attributes> Namespace::link(const Account& account, InodeId inode, InodeId parent_id, const EntryName& name,
                                   const Caller& caller) {
  Changes changes{.through = caller.mount};
  REPRIEVE_TRY(const Seen seen, parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    const Timestamp now = parts_.clock.now();
    REPRIEVE_TRY(InodeRow linked, require_inode(tx, inode));
    if (S_ISDIR(linked.mode)) return fail(Errc::wrong_place, "directories have one name");
    REPRIEVE_TRY(const InodeRow parent, require_directory(tx, parent_id));
    REPRIEVE_TRY_VOID(check_creation(tx, account, parent, name, linked.mode));
    const Location source = locate_inode(tx, account, inode);
    // What never had a name lives as long as it is open (O_TMPFILE). The kernel lets no other file without names
    // through, but who has it open still holds what is no longer shared.
    const bool unnamed = tx.entries.count_places(inode) == 0 && parts_.content.is_open_by(account.id, inode);
    if (source.life == Life::trashed) return fail(Errc::in_trash);
    if (source.life == Life::purged && !unnamed) return fail(Errc::stale);
    REPRIEVE_TRY_VOID(check_new_place(tx, account, linked, source, locate(tx, account, parent.id)));
    if (linked.owner != parent.owner)
      return fail(Errc::not_yours, "a file cannot have names in what two accounts own; copy it");
    if (linked.links >= kLinksMax) return fail(Errc::too_many_links);
    REPRIEVE_TRY_VOID(tx.require_room());
    add_entry(tx, parent.id, name.bytes(), inode);
    tx.inodes.directory_changed(parent.id, 0, now);
    tx.inodes.add_links(inode, 1, now);
    ++linked.links;
    linked.changed = now;
    changes.seen = {{parent.id, name}, {inode, std::nullopt}};
    tx.requests.carried_out(caller);
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, parent));
    return see(parts_, account, linked, standing);
  }));
  parts_.announce(changes);
  return view_seen(parts_, seen);
}

Result<void> Namespace::unlink(const Account& account, InodeId parent, const EntryName& name, const Caller& caller) {
  return remove(account, parent, name, caller, [](Transaction&, const Account&, const InodeRow& row) -> Result<void> {
    if (S_ISDIR(row.mode)) return fail(Errc::is_directory);
    return {};
  });
}

Result<void> Namespace::rmdir(const Account& account, InodeId parent, const EntryName& name, const Caller& caller) {
  return remove(account, parent, name, caller,
                [](Transaction& tx, const Account& by, const InodeRow& row) -> Result<void> {
                  if (!S_ISDIR(row.mode)) return fail(Errc::not_directory);
                  if (is_skeleton(row.kind)) return fail(Errc::skeleton);
                  if (!is_removable(tx, by, row)) return fail(Errc::not_empty);
                  return {};
                });
}

Result<void> Namespace::remove(const Account& account, InodeId parent, const EntryName& name, const Caller& caller,
                               RemovalCheck check) {
  if (parent == account.trash) return purge_by_name(account, name, caller);
  REPRIEVE_TRY(const SessionId session, parts_.sessions.of(account, caller));
  Changes changes{.through = caller.mount};
  auto removed = parts_.store->write([&](Transaction& tx) -> Result<void> {
    const Deletion deletion{account, session, caller, parts_.clock.now()};
    const auto doomed = tx.entries.find_live_with_inode(parent, name.bytes());
    if (!doomed || is_hidden(tx, account, *doomed)) return fail(Errc::not_found);
    REPRIEVE_TRY_VOID(check(tx, account, doomed->inode));
    tx.requests.carried_out(caller);
    const Location location = locate(tx, account, parent);
    const bool own_trash = location.life == Life::trashed && find_item(tx, account, location.item).has_value();
    if (own_trash && parts_.settings.trash.rm == TrashRm::purge) {
      tx.trash.clear_figures(location.item);
      destroy(parts_, tx, *doomed, deletion.now, changes);
      return {};
    }
    REPRIEVE_TRY(const Fate fate, judge_deletion(tx, account, *doomed, location, Guard::heed));
    if (fate == Fate::trash && may_destroy(account, doomed->inode) && is_excluded(parts_, name.bytes())) {
      destroy(parts_, tx, *doomed, deletion.now, changes);
    } else {
      take_away(parts_, tx, deletion, *doomed, location, Folding::fold, changes);
    }
    return {};
  });
  if (removed) parts_.announce(changes);
  return removed;
}

Result<void> Namespace::purge_by_name(const Account& account, const EntryName& name, const Caller& caller) {
  if (parts_.settings.trash.rm != TrashRm::purge) {
    return fail(Errc::in_trash, "rm inside .trash destroys nothing; reprievectl purge and empty do");
  }
  REPRIEVE_TRY(const TrashItemId id, parts_.store->read([&](Transaction& tx) -> Result<TrashItemId> {
    const auto item = tx.trash.find_by_name(account.id, name.bytes());
    if (!item) return fail(Errc::not_found);
    if (item->held) return fail(Errc::held);
    if (tx.entries.has_live(item->inode)) return fail(Errc::not_empty);
    return item->id;
  }));
  REPRIEVE_TRY_VOID(parts_.plans.purge(account, {id}, caller));
  return {};
}

Result<std::vector<ListedEntry>> Namespace::list(const Account& account, InodeId directory, EntryId after,
                                                 std::size_t limit, Detail detail) {
  struct Line {
    EntryId id;
    std::string name;
    Seen seen;
  };
  REPRIEVE_TRY(auto lines, parts_.store->read([&](Transaction& tx) -> Result<std::vector<Line>> {
    std::vector<Line> found;
    if (directory == account.trash) {
      for (auto& [item, inode] : tx.trash.list(account.id, TrashItemId(after.number()), limit)) {
        REPRIEVE_TRY(const Standing standing, standing_of(parts_, tx, account, inode));
        found.push_back({EntryId(item.id.number()), std::move(item.name), see(parts_, account, inode, standing)});
      }
      return found;
    }
    REPRIEVE_TRY(const InodeRow row, require_directory(tx, directory));
    REPRIEVE_TRY(const Standing standing, standing_in(tx, account, row));
    // Portions in which everything is hidden would look like the end.
    for (auto portion = tx.entries.list(directory, after, limit); !portion.empty() && found.empty();
         portion = tx.entries.list(directory, after, limit)) {
      after = portion.back().entry.id;
      for (auto& child : portion) {
        if (is_hidden(tx, account, child)) continue;
        Seen seen = see(parts_, account, child.inode, standing_of(tx, account, child, standing));
        found.push_back({child.entry.id, std::move(child.entry.name), seen});
      }
    }
    return found;
  }));
  std::vector<ListedEntry> listed;
  listed.reserve(lines.size());
  for (Line& line : lines) {
    const InodeRow& row = line.seen.row;
    Attributes attributes{.inode = row.id,
                          .generation = row.generation,
                          .mode = row.mode,
                          .stability = Stability::view,
                          .name_stability = Stability::view};
    if (detail == Detail::attributes) {
      // A blob that cannot be looked at must not hide the rest of the directory: its file is listed by type alone, and
      // looking at it says why.
      if (auto seen = view_seen(parts_, line.seen)) attributes = *std::move(seen);
    }
    listed.push_back({line.id, EntryName::trusted(std::move(line.name)), attributes});
  }
  return listed;
}

Result<std::string> Namespace::read_symlink(const Account& account, InodeId inode) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::string> {
    REPRIEVE_TRY(const InodeRow row, require_inode(tx, inode));
    REPRIEVE_TRY_VOID(standing_of(parts_, tx, account, row));
    auto target = tx.inodes.target(inode);
    if (target) return *std::move(target);
    return fail(Errc::invalid_argument, "this is not a symbolic link");
  });
}

}  // namespace reprieve
