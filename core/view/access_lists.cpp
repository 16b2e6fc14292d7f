// SPDX-License-Identifier: Apache-2.0
#include "core/view/access_lists.h"

#include <sys/stat.h>

#include "core/parts.h"
#include "core/view/posix_acl.h"
#include "core/view/set_id_bits.h"

namespace reprieve {
namespace {

constexpr mode_t kNineBits = S_IRWXU | S_IRWXG | S_IRWXO;

// A list that was stored. One that cannot be read counts as none: the mode bits, which are in step with it, remain.
std::optional<PosixAcl> stored_list(Transaction& tx, InodeId inode, std::string_view name) {
  if (!tx.inodes.has_lists()) return std::nullopt;
  const auto bytes = tx.inodes.xattr(inode, std::string(name));
  if (!bytes) return std::nullopt;
  auto list = PosixAcl::parse(*bytes);
  if (!list) return std::nullopt;
  return *std::move(list);
}

void store_permissions(InodeRow& row, const PosixAcl& list) { row.mode = (row.mode & ~kNineBits) | list.permissions(); }

}  // namespace

void inherit_access(Transaction& tx, InodeId parent, InodeRow& row, mode_t umask) {
  if (S_ISLNK(row.mode)) return;
  auto list = stored_list(tx, parent, kDefaultAcl);
  if (!list) {
    row.mode &= ~(umask & kNineBits);
    return;
  }
  if (S_ISDIR(row.mode)) tx.inodes.set_xattr(row.id, std::string(kDefaultAcl), list->bytes());
  list->restrict_to(row.mode);
  store_permissions(row, *list);
  if (!list->is_minimal()) tx.inodes.set_xattr(row.id, std::string(kAccessAcl), list->bytes());
}

void keep_list_in_step(Transaction& tx, const InodeRow& row) {
  auto list = stored_list(tx, row.id, kAccessAcl);
  if (!list || list->permissions() == (row.mode & kNineBits)) return;
  list->set_permissions(row.mode);
  tx.inodes.set_xattr(row.id, std::string(kAccessAcl), list->bytes());
}

Result<void> set_list(CoreParts& parts, Transaction& tx, InodeRow row, const std::string& name,
                      const std::string& value, const Caller& caller) {
  if (name == kDefaultAcl && !S_ISDIR(row.mode))
    return fail(Errc::access_denied, "only a directory has a default access control list");
  REPRIEVE_TRY(const PosixAcl list, PosixAcl::parse(value));
  const mode_t mode_before = row.mode;
  if (name == kAccessAcl) {
    store_permissions(row, list);
    if ((row.mode & S_ISGID) != 0 && !is_in_group(parts, caller, row.gid)) row.mode &= ~static_cast<mode_t>(S_ISGID);
  }
  const bool is_mode_alone = name == kAccessAcl && list.is_minimal();
  // What is there already, such as the list that says what the mode says, which cp -a sets on every file: ctime does
  // not move.
  const auto before = stored_list(tx, row.id, name);
  const bool is_there = is_mode_alone ? !before : before && before->bytes() == list.bytes();
  if (is_there && row.mode == mode_before) return {};
  row.changed = parts.clock.now();
  tx.inodes.set_owner_and_mode(row);
  if (is_mode_alone) {
    tx.inodes.remove_xattr(row.id, name);
  } else {
    tx.inodes.set_xattr(row.id, name, list.bytes());
  }
  return {};
}

}  // namespace reprieve
