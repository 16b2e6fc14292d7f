// SPDX-License-Identifier: Apache-2.0
#include "core/tree/attribute_service.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "core/base/entry_name.h"
#include "core/parts.h"
#include "core/tree/open_in_trash.h"
#include "core/tree/own_attributes.h"
#include "core/view/access_lists.h"
#include "core/view/ancestry.h"
#include "core/view/set_id_bits.h"
#include "core/view/standing.h"

namespace reprieve {
namespace {

constexpr mode_t kPermissionBits = 07777;
// Linux's limits for any file system (include/uapi/linux/limits.h: XATTR_NAME_MAX, XATTR_SIZE_MAX).
constexpr std::size_t kXattrNameMax = 255;
constexpr std::size_t kXattrSizeMax = 65536;
// Of all names and values of one inode. Rows of an inode are held in memory together, and no quota counts them.
constexpr std::size_t kXattrsMax = std::size_t{1} << 20;
constexpr std::chrono::hours kDay{24};
// The namespaces of xattr(7) but system.*, in which there are access control lists alone.
constexpr std::string_view kTrusted = "trusted.";
constexpr std::array<std::string_view, 3> kNamespaces{"user.", kTrusted, "security."};

// The inode, if it may be changed: it has a live name, or was open when it lost its last one.
Result<InodeRow> require_changeable(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode) {
  REPRIEVE_TRY(InodeRow row, require_inode(tx, inode));
  if (row.kind == ItemKind::trash) return fail(Errc::skeleton);
  const Location location = locate_inode(tx, account, inode);
  if (location.life == Life::live) {
    if (location.role == Role::viewer) return fail(Errc::viewer_only);
    return row;
  }
  REPRIEVE_TRY_VOID(may_go_on_writing(tx, account, row));
  if (row.owner != account.id) REPRIEVE_TRY_VOID(standing_of(parts, tx, account, row));
  if (is_open_since_deletion(parts, tx, account, inode)) return row;
  return fail(Errc::in_trash);
}

// The same to be read.
Result<void> require_reachable(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode) {
  REPRIEVE_TRY(const InodeRow row, require_inode(tx, inode));
  REPRIEVE_TRY_VOID(standing_of(parts, tx, account, row));
  return {};
}

// In a shared item everything shows the account's own ids, and giving it these again, as `cp -p` does, changes nothing.
// Nor do set-id bits of files, which would lend who runs them the owner's rights; chmod(2) may ignore them.
Result<AttributeChanges> as_guest(const Account& account, const Standing& standing, const InodeRow& row,
                                  AttributeChanges changes) {
  if (!standing.as_own) return changes;
  if (changes.mode && !S_ISDIR(row.mode)) *changes.mode &= ~mode_t{S_ISUID | S_ISGID};
  if (changes.uid.value_or(account.uid) != account.uid || changes.gid.value_or(account.gid) != account.gid)
    return fail(Errc::not_yours, "what is shared keeps the user and group of its owner");
  changes.uid.reset();
  changes.gid.reset();
  return changes;
}

bool changes_nothing(const AttributeChanges& changes) {
  return !changes.mode && !changes.uid && !changes.gid && !changes.size && !changes.accessed && !changes.modified &&
         !changes.drop_set_id_bits;
}

// Owner and mode as they are to be.
InodeRow with_owner_and_mode(CoreParts& parts, InodeRow row, const AttributeChanges& changes, const Caller& caller) {
  const bool owner_changes = changes.uid.has_value() || changes.gid.has_value();
  const bool drops = changes.drop_set_id_bits || owner_changes || (changes.size.has_value() && caller.uid != 0);
  if (drops && !S_ISDIR(row.mode)) row.mode = without_set_id_bits(parts, row, caller);
  if (changes.mode) row.mode = (row.mode & S_IFMT) | (*changes.mode & kPermissionBits);
  row.uid = changes.uid.value_or(row.uid);
  row.gid = changes.gid.value_or(row.gid);
  return row;
}

bool changes_owner_or_mode(CoreParts& parts, const InodeRow& row, const AttributeChanges& changes,
                           const Caller& caller) {
  return changes.mode || changes.uid || changes.gid ||
         with_owner_and_mode(parts, row, changes, caller).mode != row.mode;
}

// The times of a regular file are its blob's.
bool changes_times(const InodeRow& row, const AttributeChanges& changes) {
  return !S_ISREG(row.mode) && (changes.accessed || changes.modified);
}

bool changes_row(CoreParts& parts, const InodeRow& row, const AttributeChanges& changes, const Caller& caller) {
  return changes_owner_or_mode(parts, row, changes, caller) || changes_times(row, changes);
}

void store_changes(CoreParts& parts, Transaction& tx, InodeRow& row, const AttributeChanges& changes,
                   const Caller& caller, Timestamp now) {
  const bool owner_or_mode = changes_owner_or_mode(parts, row, changes, caller);
  const bool times = changes_times(row, changes);
  if (!owner_or_mode && !times) return;
  const auto time = [now](const AttributeChanges::Time& to) { return to.now ? now : to.at; };
  row = with_owner_and_mode(parts, row, changes, caller);
  row.changed = now;
  if (times && changes.accessed) row.accessed = time(*changes.accessed);
  if (times && changes.modified) row.modified = time(*changes.modified);
  if (owner_or_mode) tx.inodes.set_owner_and_mode(row);
  if (changes.mode) keep_list_in_step(tx, row);
  if (times) tx.inodes.set_times(row);
}

timespec blob_time(const std::optional<AttributeChanges::Time>& time) {
  if (!time) return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  if (time->now) return {.tv_sec = 0, .tv_nsec = UTIME_NOW};
  return to_timespec(time->at);
}

Result<void> set_times(const BlobStore& blobs, InodeId blob, const AttributeChanges& changes) {
  if (!changes.accessed && !changes.modified) return {};
  const timespec times[2] = {blob_time(changes.accessed), blob_time(changes.modified)};
  return blobs.set_times(blob, times);
}

// Names that users may not touch.
Result<void> check_xattr_name(const std::string& name) {
  if (is_access_list(name)) return {};
  if (name.size() > kXattrNameMax) return fail(Errc::buffer_too_small, "the attribute's name is over 255 bytes long");
  const auto* prefix =
      std::ranges::find_if(kNamespaces, [&name](std::string_view known) { return name.starts_with(known); });
  if (prefix == kNamespaces.end())
    return fail(Errc::not_supported, "only attributes of the namespaces user, trusted and security are supported");
  if (name.size() == prefix->size())
    return fail(Errc::invalid_argument, "the attribute's name ends after its namespace");
  return {};
}

// What the file system notes about files, and nobody else: a check would believe it.
constexpr std::string_view kNotes = "trusted.reprieve.";

Result<void> check_xattr_change(const std::string& name) {
  REPRIEVE_TRY_VOID(check_xattr_name(name));
  if (name.starts_with(kNotes)) return fail(Errc::reserved_name, "trusted.reprieve.* is the file system's own");
  return {};
}

// What is there already and has become too much can still be made smaller.
Result<void> check_xattr_room(Transaction& tx, InodeId inode, const std::string& name, const std::string& value,
                              const std::optional<std::string>& before) {
  const std::size_t was = before ? name.size() + before->size() : 0;
  const std::size_t is = name.size() + value.size();
  if (is <= was || tx.inodes.xattr_bytes(inode) - was + is <= kXattrsMax) return tx.require_room();
  return fail(Errc::no_space, "the attributes of a file or directory have at most 1 MiB together");
}

// The disk as large as the quota, and with no more free than is free indeed.
void limit_to(struct statvfs& figures, const Quota& quota) {
  const std::uint64_t unit = std::max<std::uint64_t>(figures.f_frsize, 1);
  const std::uint64_t left = quota.limit > quota.used ? quota.limit - quota.used : 0;
  figures.f_blocks = quota.limit / unit;
  figures.f_bfree = std::min<std::uint64_t>(figures.f_bfree, left / unit);
  figures.f_bavail = std::min<std::uint64_t>(figures.f_bavail, left / unit);
}

}  // namespace

Result<void> check_xattr_mode(bool is_set, XattrMode mode) {
  if (is_set && (mode == XattrMode::create || mode == XattrMode::neither))
    return fail(Errc::exists, "the attribute is set already");
  if (!is_set && (mode == XattrMode::replace || mode == XattrMode::neither)) return fail(Errc::no_attribute);
  return {};
}

AttributeService::AttributeService(CoreParts& parts) : parts_(parts) {}

Result<Attributes> AttributeService::get(const Account& account, InodeId inode) {
  REPRIEVE_TRY(const Seen seen, parts_.store->read([&](Transaction& tx) -> Result<Seen> {
    REPRIEVE_TRY(InodeRow row, require_inode(tx, inode));
    REPRIEVE_TRY(const Standing standing, standing_of(parts_, tx, account, row));
    return see(parts_, account, row, standing);
  }));
  return view_seen(parts_, seen);
}

Result<Attributes> AttributeService::set(const Account& account, InodeId inode, const AttributeChanges& changes,
                                         const Caller& caller) {
  const bool row_alone = !changes.size && !changes.accessed && !changes.modified;
  REPRIEVE_TRY(const Seen seen, row_alone ? set_row(account, inode, changes, caller)
                                          : set_blob_and_row(account, inode, changes, caller));
  parts_.announce({.through = caller.mount, .seen = {{inode, std::nullopt}}, .aftermath = {}});
  return view_seen(parts_, seen);
}

Result<Seen> AttributeService::set_row(const Account& account, InodeId inode, const AttributeChanges& changes,
                                       const Caller& caller) {
  return parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    REPRIEVE_TRY(InodeRow row, require_changeable(parts_, tx, account, inode));
    REPRIEVE_TRY(const Standing standing, standing_of(parts_, tx, account, row));
    if (changes_nothing(changes)) {
      REPRIEVE_TRY(row, after_privileged_write_or_chown(parts_, account, standing, row, caller));
      row.changed = parts_.clock.now();
      tx.inodes.set_owner_and_mode(row);
      return see(parts_, account, row, standing);
    }
    REPRIEVE_TRY(const AttributeChanges allowed, as_guest(account, standing, row, changes));
    store_changes(parts_, tx, row, allowed, caller, parts_.clock.now());
    return see(parts_, account, row, standing);
  });
}

Result<Seen> AttributeService::set_blob_and_row(const Account& account, InodeId inode, const AttributeChanges& asked,
                                                const Caller& caller) {
  Standing standing;
  AttributeChanges changes;
  REPRIEVE_TRY(const InodeRow row, parts_.store->read([&](Transaction& tx) -> Result<InodeRow> {
    REPRIEVE_TRY(InodeRow found, require_changeable(parts_, tx, account, inode));
    REPRIEVE_TRY(standing, standing_of(parts_, tx, account, found));
    REPRIEVE_TRY(changes, as_guest(account, standing, found, asked));
    return found;
  }));
  const bool is_file = S_ISREG(row.mode);
  if (changes.size && !is_file) return fail(Errc::invalid_argument, "only regular files have a size to set");
  if (is_file) {
    if (changes.size) REPRIEVE_TRY_VOID(parts_.content.resize(account, inode, *changes.size));
    REPRIEVE_TRY_VOID(set_times(*parts_.blobs, inode, changes));
  }
  if (!changes_row(parts_, row, changes, caller)) return see(parts_, account, row, standing);
  return parts_.store->write([&](Transaction& tx) -> Result<Seen> {
    // Read again: the row may have changed while the blob was worked on.
    REPRIEVE_TRY(InodeRow fresh, require_inode(tx, inode));
    store_changes(parts_, tx, fresh, changes, caller, parts_.clock.now());
    return see(parts_, account, fresh, standing);
  });
}

Result<bool> AttributeService::has_to_be_compared(InodeId inode, const AttributeChanges& changes) {
  return changes.size.value_or(0) == 0 ? Result<bool>(false) : parts_.content.has_to_be_compared(inode);
}

Result<void> AttributeService::note_access(InodeId inode) {
  const Timestamp now = parts_.clock.now();
  REPRIEVE_TRY(InodeRow row, parts_.store->read([&](Transaction& tx) { return require_inode(tx, inode); }));
  const bool is_due = row.accessed <= row.modified || row.accessed <= row.changed || now - row.accessed >= kDay;
  if (!is_due || S_ISREG(row.mode) || row.kind == ItemKind::trash) return {};
  return parts_.store->write([&](Transaction& tx) -> Result<void> {
    REPRIEVE_TRY(InodeRow fresh, require_inode(tx, inode));
    fresh.accessed = now;
    tx.inodes.set_times(fresh);
    return {};
  });
}

Result<std::string> AttributeService::get_xattr(const Account& account, InodeId inode, const std::string& name) {
  REPRIEVE_TRY_VOID(check_xattr_name(name));
  if (is_own_attribute(name)) return own_attribute(parts_, account, inode, name);
  return parts_.store->read([&](Transaction& tx) -> Result<std::string> {
    REPRIEVE_TRY_VOID(require_reachable(parts_, tx, account, inode));
    auto value = tx.inodes.xattr(inode, name);
    if (value) return *std::move(value);
    return fail(Errc::no_attribute);
  });
}

Result<std::vector<std::string>> AttributeService::list_xattrs(const Account& account, InodeId inode,
                                                               const Caller& caller) {
  return parts_.store->read([&](Transaction& tx) -> Result<std::vector<std::string>> {
    REPRIEVE_TRY_VOID(require_reachable(parts_, tx, account, inode));
    auto names = tx.inodes.xattr_names(inode);
    if (caller.uid != 0) std::erase_if(names, [](const std::string& name) { return name.starts_with(kTrusted); });
    return names;
  });
}

Result<void> AttributeService::set_xattr(const Account& account, InodeId inode, const std::string& name,
                                         const std::string& value, XattrMode mode, const Caller& caller) {
  REPRIEVE_TRY_VOID(check_xattr_change(name));
  if (value.size() > kXattrSizeMax) return fail(Errc::too_large);
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    REPRIEVE_TRY(const InodeRow row, require_changeable(parts_, tx, account, inode));
    tx.requests.carried_out(caller);
    if (is_access_list(name)) return set_list(parts_, tx, row, name, value, caller);
    if (name == kCapabilities && row.owner != account.id)
      return fail(Errc::not_owner, "only the owner of a file may give it capabilities");
    if (is_own_attribute(name))
      return set_own_attribute(tx, account, row, name, value, mode, caller, parts_.clock.now());
    const auto before = tx.inodes.xattr(inode, name);
    REPRIEVE_TRY_VOID(check_xattr_mode(before.has_value(), mode));
    if (before == value) return {};  // ctime does not move (ext4_xattr_set_handle, fs/ext4/xattr.c)
    REPRIEVE_TRY_VOID(check_xattr_room(tx, inode, name, value, before));
    tx.inodes.set_xattr(inode, name, value);
    tx.inodes.set_changed(inode, parts_.clock.now());
    return {};
  }));
  parts_.announce({.through = caller.mount, .seen = {{inode, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<void> AttributeService::remove_xattr(const Account& account, InodeId inode, const std::string& name,
                                            const Caller& caller) {
  REPRIEVE_TRY_VOID(check_xattr_change(name));
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
    REPRIEVE_TRY(const InodeRow row, require_changeable(parts_, tx, account, inode));
    tx.requests.carried_out(caller);
    if (is_own_attribute(name)) return remove_own_attribute(tx, account, row, name, caller, parts_.clock.now());
    if (!tx.inodes.xattr(inode, name)) {
      // Taking away a list that is not there is no error (ext4_set_acl, fs/ext4/acl.c).
      if (is_access_list(name)) return {};
      return fail(Errc::no_attribute);
    }
    tx.inodes.remove_xattr(inode, name);
    tx.inodes.set_changed(inode, parts_.clock.now());
    return {};
  }));
  parts_.announce({.through = caller.mount, .seen = {{inode, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<struct statvfs> AttributeService::statfs(const Account& account) {
  REPRIEVE_TRY(struct statvfs figures, parts_.blobs->disk());
  if (parts_.quotas.any()) {
    REPRIEVE_TRY_VOID(parts_.store->read([&](Transaction& tx) -> Result<void> {
      parts_.quotas.measure_all(tx);
      return {};
    }));
    if (const auto quota = parts_.quotas.of(account.id)) limit_to(figures, *quota);
  }
  figures.f_namemax = kEntryNameMax;
  return figures;
}

}  // namespace reprieve
