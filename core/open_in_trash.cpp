// SPDX-License-Identifier: Apache-2.0
#include "core/open_in_trash.h"

#include <algorithm>
#include <optional>

#include "core/ancestry.h"
#include "core/parts.h"

namespace reprieve {

bool is_open_since_deletion(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode) {
  std::optional<Timestamp> last;
  for (const EntryRow& place : tx.entries.places(inode)) {
    const TrashItemId item = place.item ? place.item : locate(tx, account, place.parent).item;
    if (const auto deletion = tx.trash.find(item)) last = std::max(last.value_or(deletion->deleted), deletion->deleted);
  }
  return last ? parts.content.is_open_since(inode, *last) : parts.content.is_open(inode);
}

}  // namespace reprieve
