// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

class BlobStore;
class Store;

// What came of rows and blobs that did not fit together.
struct Reconciliation {
  std::vector<std::string> gone;  // "ACCOUNT: PATH" of each name that led to a file whose bytes are not there any more
  std::size_t found = 0;          // files without a name that have one now
  std::string folder;             // where those are: "ACCOUNT: PATH"; empty without any
};

// Brings the rows of an older database into line with the blobs that the store has now, before anything else is done
// with it. Blobs that are newer than the rows become files of the first account in a project of their own,
// `lost+found-TIME`, but for empty ones. Files whose blobs are gone lose their names, unless they are marked as lost:
// an empty file in their place would be taken for theirs. A file without a name, which has got one since or was
// destroyed, is kept too. Numbers go on far behind those that exist, no kernel knows an inode under its old generation,
// no request counts as carried out, no checksum as true of a blob that was changed since, and all records as outdated.
// No blob is touched. no_space, io. `strays` are inodes other than regular files that have no name either.
Result<Reconciliation> reconcile(Store& store, const BlobStore& blobs, Timestamp now,
                                 std::span<const InodeId> strays = {});

}  // namespace reprieve
