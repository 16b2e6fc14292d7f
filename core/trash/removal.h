// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/changes.h"
#include "core/store/store.h"

namespace reprieve {

struct CoreParts;

// One removal as the rules see it: who, when, and in which account.
struct Deletion {
  const Account& account;
  SessionId session;
  const Caller& caller;
  Timestamp now;
  const Account* actor = nullptr;  // who does it, where it goes to another account's trash
};

// How a directory that is removed takes up what its session removed from it before.
enum class Folding : std::uint8_t {
  fold,  // rmdir: it is empty, and what this session took out of it goes back in
  keep,  // a whole tree is moved: what was trashed from it earlier stays an item of its own
};

// The directory that an item is to be from, and its path in the tree of who deletes.
struct Origin {
  InodeId directory;
  const std::string& path;
};

// Takes a live entry out of its directory and makes a trash item of it, in constant time but for folding. `wanted` is
// the name to have in .trash/, the entry's own unless a rename asked for another; the item gets the first free one.
// What an editor made goes to its own trash if it can change hands (companions_of()), else to the owner's, and an event
// tells its maker. Everything a mounted view may have cached of it is added to `changes`.
TrashRow discard(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
                 const Origin& origin, Folding folding, Changes& changes,
                 const std::optional<EntryName>& wanted = std::nullopt);

// NAME, or NAME~2, NAME~3…: the first name that is free in the trash of the account.
EntryName free_trash_name(Transaction& tx, AccountId account, const EntryName& name);

// What a session has discarded from a directory is there again, and no item of it in the trash: the account removes the
// directory without owning it, so that it stays as it was for those who have it.
void take_back(CoreParts& parts, Transaction& tx, const Deletion& deletion, const InodeRow& directory,
               Changes& changes);

// Removes a name for good: no trash item. What it led to is purged in the background if this was its last name.
void destroy(CoreParts& parts, Transaction& tx, const EntryWithInode& doomed, Timestamp now, Changes& changes);

// Whether trash.exclude names files like that.
[[nodiscard]] bool is_excluded(const CoreParts& parts, const std::string& name);
// Whether the account's deleting may destroy it where the settings say so, rather than discard it: a file that the
// account owns or made.
[[nodiscard]] bool may_destroy(const Account& account, const InodeRow& doomed);

// Whether rmdir by the account may take the directory: it has no live entry that the account sees; or it is a project
// with nothing but the folders that it came with, both empty.
bool is_removable(Transaction& tx, const Account& account, const InodeRow& directory);

}  // namespace reprieve
