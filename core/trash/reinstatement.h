// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/entry_name.h"
#include "core/changes.h"
#include "core/store/store.h"
#include "core/trash/removal.h"

namespace reprieve {

struct CoreParts;

// Where something goes back to. `kind` is what it counts as there (placement()).
struct Destination {
  InodeId directory;
  EntryName name;
  ItemKind kind;
};

// Brings a trash item back to life under a free name, in constant time. At its original place the directory's mtime
// goes back too, if nothing else changed the directory since. Errors of settle_owner().
Result<void> reinstate(CoreParts& parts, Transaction& tx, const Deletion& who, const TrashRow& item,
                       const Destination& destination, Changes& changes);

// Takes a part out of a tree in the trash; the rest stays there, its figures to be counted again. Errors of
// settle_owner().
Result<void> reinstate_part(CoreParts& parts, Transaction& tx, const Deletion& who, const EntryWithInode& part,
                            TrashItemId item, const Destination& destination, Changes& changes);

}  // namespace reprieve
