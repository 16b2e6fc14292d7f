// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/store/store.h"

namespace reprieve {

struct CoreParts;

// The access control lists of inodes, inside a transaction. They are kept among the extended attributes, a list that
// the mode bits say as well is not kept (posix_acl_update_mode, fs/posix_acl.c).

// The mode and the lists of `row`, which is about to be inserted into the directory `parent`: from the directory's
// default list, else from the umask.
void inherit_access(Transaction& tx, InodeId parent, InodeRow& row, mode_t umask);

// The mode of `row` was changed; so is what its list says of it.
void keep_list_in_step(Transaction& tx, const InodeRow& row);

// Sets a list, and with the access list the mode, in which only a member of the file's group keeps the
// set-group-id bit. invalid_argument; access_denied: a default list of what is not a directory.
Result<void> set_list(CoreParts& parts, Transaction& tx, InodeRow row, const std::string& name,
                      const std::string& value, const Caller& caller);

}  // namespace reprieve
