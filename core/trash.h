// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/departure.h"
#include "core/trash_item.h"

namespace reprieve {

struct CoreParts;

// The trash as the control socket uses it: look, trash by path, restore, purge. What rm, rmdir and mv do comes in
// through Namespace and meets the same rules. Thread-safe. Batches go on past failures, one transaction an item.
class Trash {
 public:
  explicit Trash(CoreParts& parts);

  // Items that match, with figures (counted on first need, then remembered).
  Result<TrashPage> list(const Account& account, const TrashQuery& query);
  // The ids of all that match, oldest first.
  Result<std::vector<TrashItemId>> select(const Account& account, const TrashFilter& filter);
  // not_found.
  Result<TrashItemDetail> show(const Account& account, TrashItemId id);

  // Moves whole trees to the trash, each in constant time. Outcomes come in the order of `paths`, one for each, with
  // TrashMode::with_associated one for each item of the group. running: a guard; `how` may override it.
  std::vector<BatchOutcome> trash_paths(const Account& account, const std::vector<std::string>& paths,
                                        const Caller& caller, const TrashHow& how = {});
  // Puts items back, newest deletion first, whatever the order of `ids`. The first item of a group stands for all that
  // was trashed together with it.
  std::vector<BatchOutcome> restore(const Account& account, std::vector<TrashItemId> ids, const RestoreOptions& options,
                                    const Caller& caller);

 private:
  Result<std::vector<BatchOutcome>> trash_path(const Account& account, const std::string& path, const Caller& caller,
                                               const TrashHow& how);
  // One transaction for a group of ordinary size; a very large one takes several.
  Result<std::vector<BatchOutcome>> trash_group(const Account& account, const std::string& path, const Caller& caller,
                                                const TrashHow& how);
  // The ids, and those of the groups that they stand for.
  std::vector<TrashItemId> with_groups(const Account& account, const std::vector<TrashItemId>& ids,
                                       const RestoreOptions& options);
  BatchOutcome restore_one(const Account& account, TrashItemId id, const RestoreOptions& options, const Caller& caller);

  CoreParts& parts_;
};

}  // namespace reprieve
