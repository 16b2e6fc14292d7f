// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/statvfs.h>

#include <span>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/attributes.h"
#include "core/base/caller.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;
struct Seen;

// `neither` can only fail: asked to create and to replace, Linux's file systems first look whether there is one.
enum class XattrMode : std::uint8_t { set, create, replace, neither };

// exists; no_attribute.
[[nodiscard]] Result<void> check_xattr_mode(bool is_set, XattrMode mode);

// What inodes carry besides names and bytes: attributes, extended attributes, and the figures of statfs. Thread-safe;
// each change is one transaction. Permissions as for Namespace. Errors of every call: stale, io, no_space.
//
// Size and times of a regular file are its blob's, because the kernel changes them without telling (passthrough); the
// rest is in rows. ctime is the later of the two.
class AttributeService {
 public:
  explicit AttributeService(CoreParts& parts);

  Result<Attributes> get(const Account& account, InodeId inode);
  // Whether Content::compare() is to be called before set() for this: what is cut from a file, or added to it, takes
  // its checksum away, but for one that is emptied. io.
  Result<bool> has_to_be_compared(InodeId inode, const AttributeChanges& changes);
  // Changes that are all empty: see after_privileged_write_or_chown().
  // viewer_only, not_yours (ids of what is shared), not_owner (somebody else's set-id bits), in_trash (unless the file
  // is open since before it was trashed), skeleton, invalid_argument (size of what is not a regular file), over_quota
  // (a larger size).
  Result<Attributes> set(const Account& account, InodeId inode, const AttributeChanges& changes, const Caller& caller);

  // A directory was listed or a symbolic link read: its access time moves as on a disk that is mounted with relatime,
  // when it is not later than the other times, or a day old (relatime_need_update, fs/inode.c). Nobody is told: kernels
  // that have the old one show a time that was true. Of regular files the kernel or the blob's disk sees to it.
  Result<void> note_access(InodeId inode);

  // no_attribute; not_supported for system.* but access control lists. `account` is whose view of the item
  // user.reprieve.* tell (core/tree/own_attributes.h).
  Result<std::string> get_xattr(const Account& account, InodeId inode, const std::string& name);
  // Without user.reprieve.*; trusted.* only for root (ext4_xattr_trusted_list, fs/ext4/xattr_trusted.c).
  Result<std::vector<std::string>> list_xattrs(const Account& account, InodeId inode, const Caller& caller);
  // in_trash, exists, no_attribute, name_too_long, too_large, not_supported, no_space (also: over 1 MiB of all of
  // them); of user.reprieve.* those of
  // set_own_attribute(); access_denied: the default access control list of what is not a directory.
  Result<void> set_xattr(const Account& account, InodeId inode, const std::string& name, const std::string& value,
                         XattrMode mode, const Caller& caller);
  Result<void> remove_xattr(const Account& account, InodeId inode, const std::string& name, const Caller& caller);

  // The backing disk's figures, or those of the account's quota; f_namemax is ours.
  Result<struct statvfs> statfs(const Account& account);

 private:
  // set() where the row alone changes, and where the blob does too. Both return the inode as it is seen then.
  Result<Seen> set_row(const Account& account, InodeId inode, const AttributeChanges& changes, const Caller& caller);
  Result<Seen> set_blob_and_row(const Account& account, InodeId inode, const AttributeChanges& changes,
                                const Caller& caller);

  CoreParts& parts_;
};

}  // namespace reprieve
