// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/attributes.h"
#include "core/base/result.h"
#include "core/store/inode_rows.h"

namespace reprieve {

struct CoreParts;

// What stat(2) shows of an inode, put together from its row, the blob of a regular file, and what is open. A file that
// is marked as lost is there, of a size that nobody knows. No lock may be held. io, stale: as blob_failure().
Result<Attributes> view_inode(CoreParts& parts, const InodeRow& row);
// The same of a regular file whose blob is at hand.
Result<Attributes> view_open_file(CoreParts& parts, const InodeRow& row, int blob);
// What to say of a blob that could not be opened or looked at: of one that is gone, that the file is gone too (stale),
// or that the store has lost its bytes (io). No lock may be held.
[[nodiscard]] Error blob_failure(CoreParts& parts, InodeId file, const Error& failure);

}  // namespace reprieve
