// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/changed_inodes.h"

#include <cstdint>
#include <vector>

#include "core/store/store.h"

namespace reprieve {

Result<void> each_changed_since(Store& store, Timestamp moment,
                                const std::function<bool(std::span<const InodeId>)>& portion) {
  constexpr std::int64_t kLookedAt = std::int64_t{8} * 1024;
  InodeId from;
  for (InodeId last(1); from < last;) {
    const InodeId to(from.number() + kLookedAt);
    REPRIEVE_TRY(const auto changed, store.read([&](Transaction& tx) -> Result<std::vector<InodeId>> {
      last = tx.inodes.last();
      return tx.inodes.changed_since(moment, from, to);
    }));
    if (!portion(changed)) return {};
    from = to;
  }
  return {};
}

}  // namespace reprieve
