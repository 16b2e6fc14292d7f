// SPDX-License-Identifier: Apache-2.0
#include "core/trash/deletion_verdict.h"

#include <sys/stat.h>

#include "core/view/item_kind.h"

namespace reprieve {

Result<Fate> judge_deletion(Transaction& tx, const Account& account, const EntryWithInode& doomed,
                            const Location& parent, Guard guard) {
  if (is_skeleton(doomed.inode.kind)) return fail(Errc::skeleton);
  if (parent.life == Life::trashed) return fail(Errc::in_trash);
  if (parent.life == Life::purged) return fail(Errc::not_found, "the directory was purged");
  const Fate fate = fate_of(account, doomed, parent);
  if (fate != Fate::trash || guard == Guard::force || !S_ISDIR(doomed.inode.mode)) return fate;
  if (!holds_running(tx, doomed.inode.id)) return fate;
  if (doomed.inode.status == ItemStatus::running) return fail(Errc::running, "it is running; only --force deletes it");
  return fail(Errc::running);
}

Result<void> clear_place(CoreParts& parts, Transaction& tx, const Deletion& deletion, const EntryWithInode& taken,
                         const Location& parent, Guard guard, Changes& changes) {
  REPRIEVE_TRY(const Fate fate, judge_deletion(tx, deletion.account, taken, parent, guard));
  if (fate == Fate::hide) return fail(Errc::exists, "\"" + taken.entry.name + "\" is taken by what is not yours");
  take_away(parts, tx, deletion, taken, parent, Folding::keep, changes);
  return {};
}

}  // namespace reprieve
