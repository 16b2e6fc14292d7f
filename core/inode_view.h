// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/attributes.h"
#include "core/base/result.h"
#include "core/store/inode_rows.h"

namespace reprieve {

struct CoreParts;

// What stat(2) shows of an inode, put together from its row, the blob of a regular file, and what is open. Takes no
// store lock. io, stale: the blob cannot be looked at.
Result<Attributes> view_inode(CoreParts& parts, const InodeRow& row);
// The same of a regular file whose blob is at hand.
Result<Attributes> view_open_file(CoreParts& parts, const InodeRow& row, int blob);

}  // namespace reprieve
