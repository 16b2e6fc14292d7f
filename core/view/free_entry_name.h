// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/entry_name.h"
#include "core/store/store.h"

namespace reprieve {

// NAME~2, NAME~3…: the first that is free in the directory, where NAME is taken.
inline EntryName free_entry_name(Transaction& tx, InodeId directory, const EntryName& name) {
  for (unsigned number = 2; true; ++number) {
    EntryName candidate = numbered(name, number);
    if (!tx.entries.find_live(directory, candidate.bytes())) return candidate;
  }
}

}  // namespace reprieve
