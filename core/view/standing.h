// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "core/base/account.h"
#include "core/base/attributes.h"
#include "core/base/entry_name.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/store.h"
#include "core/view/ancestry.h"

namespace reprieve {

struct CoreParts;

// Who else changes what an account sees: nobody but itself, or other accounts through mounts of their own. Kernels hear
// of changes through other mounts a moment late, because a worker that waited for another mount's kernel could wait for
// ever; so they are to remember nothing of what is shared.
enum class Audience : std::uint8_t { own, shared };

// How an account stands to something that it sees.
struct Standing {
  Role role = Role::owner;
  Audience audience = Audience::own;
  // Shown with the account's own Unix ids: it is shared with it, or it deleted it from what is.
  bool as_own = false;
};

// An inode as an account sees it: its row with the ids and the mode to show.
struct Seen {
  InodeRow row;
  Audience audience = Audience::own;
};

// Directories that an account removed without owning them. To the kernel of its mount the inode is dead (S_DEAD,
// vfs_rmdir in fs/namei.c), while to all others it lives on, so the generation under which it may come back is this
// account's alone. Kernels forget with the mount, and so may this. Thread-safe.
class Rebirths {
 public:
  void died(AccountId account, InodeId directory);
  [[nodiscard]] std::uint64_t count(AccountId account, InodeId directory);

 private:
  Mutex mutex_;
  std::map<std::pair<AccountId, InodeId>, std::uint64_t> counts_ REPRIEVE_GUARDED_BY(mutex_);
};

// All of these cost an account that has nothing to do with sharing a comparison and a look into an empty set.

// Of the names in a directory: the audience is who else makes and removes some. stale: the directory is not in the
// account's tree, nor in its trash.
Result<Standing> standing_in(Transaction& tx, const Account& account, const InodeRow& directory);
// Of an entry of the directory `parent`, where `in_parent` is the standing there.
Standing standing_of(Transaction& tx, const Account& account, const EntryWithInode& child, const Standing& in_parent);
// Of an inode by its number. What is no longer in the account's tree is there for it as long as it holds it open; else
// stale.
Result<Standing> standing_of(CoreParts& parts, Transaction& tx, const Account& account, const InodeRow& inode);

// What a new name meets that is taken by something hidden.
[[nodiscard]] Error hidden_name(const EntryName& name);

// Whether an entry in what another account owns is hidden from this one.
bool is_hidden(Transaction& tx, const Account& account, const EntryWithInode& child);

[[nodiscard]] Seen see(CoreParts& parts, const Account& account, InodeRow row, const Standing& standing);
// view_inode() and view_open_file() of it.
Result<Attributes> view_seen(CoreParts& parts, const Seen& seen);
Result<Attributes> view_seen_file(CoreParts& parts, const Seen& seen, int blob);

}  // namespace reprieve
