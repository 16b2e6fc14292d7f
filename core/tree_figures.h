// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/store/trash_rows.h"
#include "core/trash_item.h"

namespace reprieve {

struct CoreParts;

// Counts what a trash item holds, directory by directory, without holding up others for longer than one portion takes.
Result<TrashItemDetail> count_tree(CoreParts& parts, const TrashRow& item);

// The item's figures: remembered ones, or counted now and remembered, unless some file in it is still being written.
Result<TreeFigures> figures_of(CoreParts& parts, const TrashRow& item);

}  // namespace reprieve
