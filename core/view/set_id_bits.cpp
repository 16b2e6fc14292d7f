// SPDX-License-Identifier: Apache-2.0
#include "core/view/set_id_bits.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/parts.h"

namespace reprieve {

bool is_in_group(CoreParts& parts, const Caller& caller, gid_t group) {
  if (caller.uid == 0 || caller.gid == group) return true;
  const std::vector<gid_t> groups = parts.processes.groups_of(caller.thread);
  return std::ranges::find(groups, group) != groups.end();
}

mode_t without_set_id_bits(CoreParts& parts, const InodeRow& row, const Caller& caller) {
  const mode_t mode = row.mode & ~static_cast<mode_t>(S_ISUID);
  if ((mode & S_ISGID) == 0) return mode;
  const bool keeps = (mode & S_IXGRP) == 0 && is_in_group(parts, caller, row.gid);
  return keeps ? mode : mode & ~static_cast<mode_t>(S_ISGID);
}

Result<InodeRow> after_privileged_write_or_chown(CoreParts& parts, const Account& account, const Standing& standing,
                                                 InodeRow row, const Caller& caller) {
  if (S_ISDIR(row.mode)) return row;
  const mode_t without = without_set_id_bits(parts, row, caller);
  const bool is_root = caller.uid == 0;
  if (parts.content.is_open_for_writing(row.id)) {
    // Root's write takes capabilities from a file, which the kernel has done by itself, and leaves the bits.
    if (!is_root) row.mode = without;
    return row;
  }
  const bool is_owner = caller.uid == (standing.as_own ? account.uid : row.uid);
  if (without != row.mode && !is_root && !is_owner)
    return fail(Errc::not_owner, "only the owner of a file may clear its set-id bits");
  row.mode = without;
  return row;
}

}  // namespace reprieve
