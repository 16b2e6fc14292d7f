// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/trash/removal.h"
#include "core/trash/trash_item.h"

// Deleting what a run or an analysis holds and keeping its record: the children move into a new folder, whose entry
// lies in the item and is the one that is trashed.
namespace reprieve {

// Whether take_files() would have something to take. invalid_argument: of another kind. not_found: it holds nothing.
Result<void> require_files(Transaction& tx, const InodeRow& record);

// Empties `record`, a live run or analysis whose directory has the path `parent_path`, into one trash item. Costs time
// in proportion to the children. Errors of require_files().
Result<TrashRow> take_files(CoreParts& parts, Transaction& tx, const Deletion& who, const EntryWithInode& record,
                            const std::string& parent_path, Changes& changes);

// Puts the files of such an item back into its record, which is live. True when all of them are back and the item is
// gone; false when OnCollision::skip left some in the trash. exists: a name is taken; and what a replacement is refused
// for.
Result<bool> put_files_back(CoreParts& parts, Transaction& tx, const Deletion& who, const TrashRow& item,
                            OnCollision on_collision, Changes& changes);

}  // namespace reprieve
