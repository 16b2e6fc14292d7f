// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/base/ids.h"
#include "core/base/role.h"

namespace reprieve {

// A row of `entries`: one name of one inode in one directory.
struct EntryRow {
  InodeId parent;
  EntryId id;
  std::string name;
  InodeId inode;
  TrashItemId item;         // set: trashed; the name and parent are where it was
  Role role = Role::owner;  // of the account whose projects/ or runs/ this is; not owner: the item is shared with it
};

}  // namespace reprieve
