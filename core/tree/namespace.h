// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/attributes.h"
#include "core/base/caller.h"
#include "core/base/entry_name.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;
struct InodeRow;
class Transaction;

// What a create makes. `mode` has type and permission bits. The umask counts where the directory has no default access
// control list.
struct NewNode {
  mode_t mode = 0;
  mode_t umask = 0;
  dev_t device = 0;            // for character and block devices
  std::string symlink_target;  // for symbolic links, 1 to 4095 bytes
};

// One line of a directory listing.
struct ListedEntry {
  EntryId id;  // the offset behind this entry: a listing resumed after it neither misses nor repeats what stayed
  EntryName name;
  Attributes attributes;  // with Detail::types only `inode` and the type bits of `mode` are set
};

enum class Detail : std::uint8_t { types, attributes };
enum class RenameMode : std::uint8_t { replace, no_replace, exchange };

// What was made, and of a regular file its blob, open for reading and writing.
struct Created {
  Attributes attributes;
  AccountId owner;  // of the tree that it is in
  FileDescriptor blob;
};

// Where a path leads.
struct PathTarget {
  InodeId parent;
  EntryName name;
  InodeId inode;
};

// The tree of names: look-up, creation, links, removal, renames, listings. Every call is one transaction, committed
// when it returns. Thread-safe. Callers have checked permission bits (the kernel does, mounted with
// default_permissions); the rules of kinds, skeleton and trash are checked here.
//
// Errors of every call beside those named: stale (the inode was purged), not_found, no_space, io.
class Namespace {
 public:
  explicit Namespace(CoreParts& parts);

  // not_directory, stale (also: no longer shared).
  Result<Attributes> lookup(const Account& account, InodeId parent, const EntryName& name);
  // An inode by its number alone, as a file handle of open_by_handle_at(2) has it. not_found: it was purged, or the
  // account does not reach it.
  Result<Attributes> find(const Account& account, InodeId inode);
  // How long it stays true that names are not there, or lead where lookup() said: `view` where other accounts make and
  // remove them too.
  Result<Stability> names_in(const Account& account, InodeId directory);
  // The directory that holds this directory; the root's is the root.
  Result<InodeId> parent_of(const Account& account, InodeId directory);

  // Makes a file, directory, symbolic link, fifo, socket or device. exists, skeleton, wrong_place, in_trash,
  // reserved_name, too_large, over_quota, invalid_argument (a mode of nothing).
  Result<Attributes> create(const Account& account, InodeId parent, const EntryName& name, const NewNode& node,
                            const Caller& caller);
  // The same. For the rest of core.
  Result<Created> create_open(const Account& account, InodeId parent, const EntryName& name, const NewNode& node,
                              const Caller& caller);
  // exists, in_trash, wrong_place, access_denied (a directory), too_many_links.
  Result<Attributes> link(const Account& account, InodeId inode, InodeId parent, const EntryName& name,
                          const Caller& caller);

  // Both move what they remove to the trash (Trash::discard says how); excluded names are destroyed.
  // unlink: is_directory, in_trash. rmdir: not_directory, not_empty, skeleton, in_trash.
  Result<void> unlink(const Account& account, InodeId parent, const EntryName& name, const Caller& caller);
  Result<void> rmdir(const Account& account, InodeId parent, const EntryName& name, const Caller& caller);

  // Also the gestures `mv ITEM .trash/` and `mv .trash/X[/part] DEST`. exists, not_empty, is_directory, not_directory,
  // invalid_argument (into itself; exchange with the trash), skeleton, wrong_place, in_trash.
  Result<void> rename(const Account& account, InodeId from, const EntryName& old_name, InodeId to,
                      const EntryName& new_name, RenameMode mode, const Caller& caller);

  // At most `limit` entries behind `after` (none: from the start), in ascending EntryId. Empty at the end. "." and ".."
  // are not entries.
  Result<std::vector<ListedEntry>> list(const Account& account, InodeId directory, EntryId after, std::size_t limit,
                                        Detail detail);

  // too_large never: the target was bounded when it was made. invalid_argument: not a symbolic link.
  Result<std::string> read_symlink(const Account& account, InodeId inode);

  // A path below the account's root, components separated by '/', leading and trailing slashes ignored. Symbolic links
  // are not followed. invalid_argument for "", "..", NUL bytes or over 4096 bytes; not_found, not_directory name the
  // component.
  Result<PathTarget> resolve(const Account& account, std::string_view path);
  // The same inside a transaction. For the rest of core.
  static Result<PathTarget> resolve_in(Transaction& tx, const Account& account, std::string_view path);

 private:
  using RemovalCheck = Result<void> (*)(Transaction& tx, const Account& account, const InodeRow& row);
  Result<void> remove(const Account& account, InodeId parent, const EntryName& name, const Caller& caller,
                      RemovalCheck check);
  // rm in .trash/ itself.
  Result<void> purge_by_name(const Account& account, const EntryName& name, const Caller& caller);

  CoreParts& parts_;
};

}  // namespace reprieve
