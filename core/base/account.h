// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/ids.h"

namespace reprieve {

// One user of the store: a name, the Unix ids that it acts as, and the fixed folders of its tree. Everything here
// is constant for the life of the account, so copies do not go stale.
struct Account {
  AccountId id;
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  InodeId root;      // MOUNT/
  InodeId projects;  // MOUNT/projects/
  InodeId runs;      // MOUNT/runs/
  InodeId trash;     // MOUNT/.trash/, a view: it has an inode and no entries
};

}  // namespace reprieve
