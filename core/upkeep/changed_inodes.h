// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>

#include "core/base/clock.h"
#include "core/base/ids.h"
#include "core/base/result.h"

namespace reprieve {

class Store;

// Looks at all inodes, a few thousand at a time, about a millisecond of the store's lock, so that others get at it in
// between. `portion` is given those of each look whose row was changed at `moment` or later, perhaps none, with no lock
// held; false ends it. io.
Result<void> each_changed_since(Store& store, Timestamp moment,
                                const std::function<bool(std::span<const InodeId>)>& portion);

}  // namespace reprieve
