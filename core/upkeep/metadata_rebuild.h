// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/upkeep/reconciliation.h"

namespace reprieve {

struct RebuiltMetadata {
  std::size_t inodes = 0;               // that there were records of
  std::vector<std::string> unreadable;  // files of records that are damaged, below the store
  Reconciliation reconciliation;
};

// Makes the database of the store in `directory` anew, from the records beside the blobs. Refused where there is one:
// it has to be moved away, since it knows more. Errors: exists, store_damaged (no record of any account, or no blobs),
// store_newer, no_space, io. Where it fails there is no database.
Result<RebuiltMetadata> rebuild_metadata(const std::filesystem::path& directory, Timestamp now);

}  // namespace reprieve
