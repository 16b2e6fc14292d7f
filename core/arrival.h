// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/store/store.h"

namespace reprieve {

// The row of a new inode, not stored yet: the caller owns it, and a set-group-id parent hands down its group.
InodeRow make_inode(const Account& account, InodeId id, ItemKind kind, mode_t mode, const InodeRow& parent,
                    const Caller& caller, Timestamp now);
void add_entry(Transaction& tx, InodeId parent, const std::string& name, InodeId inode);

// A directory has come to a place where it counts as `kind`: stores that, and for a project sees to its folders
// samples/ and analyses/: makes those that are missing and lets plain folders of these names become them, with the
// folders in them as samples and analyses.
void settle_kind(Transaction& tx, const Account& account, const InodeRow& directory, ItemKind kind,
                 const Caller& caller, Timestamp now);

}  // namespace reprieve
