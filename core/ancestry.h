// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/base/account.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/store/store.h"

namespace reprieve {

enum class Life : std::uint8_t {
  live,     // reached from the root without meeting a mark
  trashed,  // below a trashed entry, or trashed itself
  purged,   // below nothing any more
};

// Where a directory lies, found by walking up.
struct Location {
  Life life = Life::live;
  TrashItemId item;  // when trashed: the item that holds it
  std::string path;  // when live: below the root, "" for the root itself
};

Location locate(Transaction& tx, const Account& account, InodeId directory);

// stale: there is no such inode any more.
Result<InodeRow> require_inode(Transaction& tx, InodeId inode);

// Whether anything may be changed in `directory`. in_trash, not_found (purged).
Result<Location> require_live(Transaction& tx, const Account& account, InodeId directory);

// Whether the inode can be reached by a live name. The item when it cannot.
Location locate_inode(Transaction& tx, const Account& account, InodeId inode);

// Whether `directory` is `ancestor` or lies below it.
bool is_within(Transaction& tx, InodeId directory, InodeId ancestor);

[[nodiscard]] std::string join(const std::string& path, const std::string& name);

}  // namespace reprieve
