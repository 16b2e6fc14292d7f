// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <set>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;

// Keeps the records of inodes beside the blobs (core/store/inode_record) up to date. No operation does anything for
// them: what has changed is found by the ctime in the rows. Not thread-safe.
class RecordKeeper {
 public:
  explicit RecordKeeper(CoreParts& parts) : parts_(parts) {}

  // Writes the records of all that has changed since the last time, a few rows at a time. interrupted: `stop` was set;
  // no_space, io.
  Result<void> catch_up(const std::atomic<bool>& stop);

 private:
  Result<std::set<InodeId>> changed_folders(Timestamp since, const std::atomic<bool>& stop);
  Result<void> write_folder(InodeId first, const std::atomic<bool>& stop);

  CoreParts& parts_;
};

}  // namespace reprieve
