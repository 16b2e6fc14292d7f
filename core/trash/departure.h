// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/event_kind.h"
#include "core/changes.h"
#include "core/store/store.h"
#include "core/trash/removal.h"
#include "core/trash/trash_item.h"
#include "core/view/ancestry.h"

namespace reprieve {

struct CoreParts;

// What deleting something means for the account that does it (semantics: "Who may delete").
enum class Fate : std::uint8_t {
  trash,  // it owns it: a trash item
  leave,  // a shared project or run as a whole: it is no longer a collaborator
  hide,   // something in a shared project or run: hidden from this account alone
};

// The one place where that is decided. `parent` is where the live entry lies; skeleton folders and what is in the trash
// are refused before.
[[nodiscard]] Fate fate_of(const Account& account, const EntryWithInode& doomed, const Location& parent);

// The event that tells of it.
[[nodiscard]] EventKind event_of(Fate fate);

// What became of an entry that was deleted.
struct Removed {
  Fate fate = Fate::trash;
  std::optional<TrashRow> item;  // for Fate::trash

  // The outcome names the item, unless it is in the trash of another account.
  void tell_of_item(const Account& account, BatchOutcome& outcome) const {
    if (!item || item->account != account.id) return;
    outcome.id = item->id;
    outcome.path = item->name;
  }
};

// Deletes a live entry as its fate is. `parent` is where it lies; `wanted` as for discard().
Removed take_away(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
                  const Location& parent, Folding folding, Changes& changes,
                  const std::optional<EntryName>& wanted = std::nullopt);

// Carries out leave. The grant stays, so that the account may come back as long as the owner allows it. With
// Folding::fold, what the session discarded from the item, because the account had made it, is back for the others.
void leave(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
           const std::string& parent_path, Folding folding, Changes& changes);

// Carries out hide. With Folding::fold, the account's own removals inside a directory, to the trash too, give way to
// that of the directory, and all of it is final only when the process that deletes has ended well (SessionEnds); else
// it is final at once.
void hide(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& doomed,
          const std::string& parent_path, Folding folding, Changes& changes);

// Forgets what the account has hidden in the tree, which leaves its view, or comes back to it new.
void forget_hidden(Transaction& tx, AccountId account, InodeId top);
// The same for every account.
void forget_hidden(Transaction& tx, InodeId top);

// A tree has come into `directory`, perhaps out of what is shared: what is hidden in it, or as it, stays so only from
// accounts that still have it, and do not own it now.
void settle_hidden(Transaction& tx, InodeId directory, InodeId arrived);

}  // namespace reprieve
