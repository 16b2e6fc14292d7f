// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/changes.h"
#include "core/store/store.h"

namespace reprieve {

struct CoreParts;
struct Deletion;

// In whose tree something is made.
struct Maker {
  const Account& account;  // that makes it
  const Account& holder;   // that owns the project or run that it is made in
};

// The account that owns what lies in the directory, as the directory's row says.
Account holder_of(Transaction& tx, const Account& account, const InodeRow& directory);

// The row of a new inode, not stored yet. It belongs to the caller, or in another account's item to that account's
// user, and is not set-id then; a set-group-id parent hands down its group.
InodeRow make_inode(const Maker& maker, InodeId id, ItemKind kind, mode_t mode, const InodeRow& parent,
                    const Caller& caller, Timestamp now);
void add_entry(Transaction& tx, InodeId parent, const std::string& name, InodeId inode, Role role = Role::owner);

// The tree belongs to `holder` from now on, and counts for its quota. As with chown(2), set-id bits and capabilities
// go: who had the file could make it anybody's program. Costs nothing where it is the holder's already.
void change_owner(CoreParts& parts, Transaction& tx, const InodeRow& top, const Account& holder, Timestamp now);
// A tree that may change hands by `mover`'s doing: its top, and the one name of that which it is moved or deleted by.
struct Handed {
  const InodeRow& top;
  EntryId name;
  AccountId mover;
  Timestamp now;
};
// What else changes hands with it: trash items that are other names of something in it, if the mover deleted these.
// None: it cannot change hands as a whole, because something in it has a name elsewhere, as a file with several names
// or a sample that is in another project has; or because it is not the mover's, and others made something in it.
std::optional<std::vector<TrashItemId>> companions_of(Transaction& tx, const Handed& tree, AccountId holder);
// The item goes to the trash of the account. Who deleted it can take that back all the same. Its name there.
EntryName give_item(Transaction& tx, const TrashRow& item, const Account& holder, Changes& changes);
// change_owner(), with its companions, which go to the trash of `holder`. False, and nothing happens, where it cannot
// change hands.
[[nodiscard]] bool hand_over(CoreParts& parts, Transaction& tx, const Handed& tree, const Account& holder,
                             Changes& changes);
// Before a tree comes into `directory`. not_yours: that belongs to another account, and the tree cannot change hands.
Result<void> require_one_owner(Transaction& tx, const Handed& moved, const InodeRow& directory);
// A tree has come into `directory`: when that belongs to another account, so does the tree from now on. not_yours as
// above: what made way for it may have come into other hands with names of what is in it. Nothing may lie in a
// directory that is not its owner's, so the whole change has to be given up then.
Result<void> settle_owner(CoreParts& parts, Transaction& tx, const Deletion& who, const InodeRow& moved, EntryId name,
                          const InodeRow& directory, Changes& changes);
// A tree has come into `directory` from elsewhere: when that is shared, kernels are to forget what names led to in it.
void settle_audience(Transaction& tx, const Account& account, const InodeRow& moved, const InodeRow& directory,
                     Changes& changes);

// A directory has come to a place where it counts as `kind`: stores that, and for a project sees to its folders
// samples/ and analyses/: makes those that are missing and lets plain folders of these names become them, with the
// folders in them as samples and analyses. Whoever made such a folder, what comes into it is not for that reason its.
void settle_kind(Transaction& tx, const Account& account, const InodeRow& directory, ItemKind kind,
                 const Caller& caller, Timestamp now);

}  // namespace reprieve
