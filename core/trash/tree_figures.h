// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/store/trash_rows.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;

// Counts what a trash item holds, directory by directory, without holding up others for longer than one portion takes.
Result<TrashItemDetail> count_tree(CoreParts& parts, const TrashRow& item);

// Counts trees as one: what several of them share counts once, and is exclusive if all its names are in them. A tree
// that is gone counts nothing.
Result<TreeFigures> count_together(CoreParts& parts, const std::vector<InodeId>& tops);

// The item's figures: remembered ones, or counted now and remembered, unless some file in it is still being written.
Result<TreeFigures> figures_of(CoreParts& parts, const TrashRow& item);

}  // namespace reprieve
