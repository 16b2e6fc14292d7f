// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/store/store.h"
#include "core/view/standing.h"

namespace reprieve {

struct CoreParts;

// Whose file keeps its set-group-id bit: root's and a member's of its group (in_group_or_capable, fs/attr.c).
[[nodiscard]] bool is_in_group(CoreParts& parts, const Caller& caller, gid_t group);

// The mode that a write, a truncation or a change of owner leaves to what is not a directory
// (setattr_should_drop_suidgid, fs/attr.c).
[[nodiscard]] mode_t without_set_id_bits(CoreParts& parts, const InodeRow& row, const Caller& caller);

// The kernel asks for no change at all where a write or a chown(2) with neither owner nor group is to cost a file its
// set-id bits: file systems that promise to see to these by themselves (FUSE_HANDLE_KILLPRIV_V2) are not told which of
// the two it is (fuse_setattr, fs/fuse/dir.c). What nobody has open for writing is not written. Returns `row` with the
// mode that it is to have. not_owner: a chown of somebody else's file that has such bits.
[[nodiscard]] Result<InodeRow> after_privileged_write_or_chown(CoreParts& parts, const Account& account,
                                                               const Standing& standing, InodeRow row,
                                                               const Caller& caller);

}  // namespace reprieve
