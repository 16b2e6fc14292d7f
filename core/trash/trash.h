// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/trash/departure.h"
#include "core/trash/trash_item.h"

namespace reprieve {

struct CoreParts;
enum class Step : std::uint32_t;

// The trash as the control socket uses it: look, trash by path, restore, purge. What rm, rmdir and mv do comes in
// through Namespace and meets the same rules. Thread-safe. Batches go on past failures, one transaction an item. For a
// request that comes again (RequestPart) outcomes and choices are those of the first time.
class Trash {
 public:
  explicit Trash(CoreParts& parts);

  // Items that match, with figures (counted on first need, then remembered).
  Result<TrashPage> list(const Account& account, const TrashQuery& query);
  // The ids of all that match, oldest first.
  Result<std::vector<TrashItemId>> select(const Account& account, const TrashFilter& filter, const Caller& caller);
  // not_found.
  Result<TrashItemDetail> show(const Account& account, TrashItemId id);

  // Moves whole trees to the trash, each in constant time. Outcomes come in the order of `paths`, one for each, with
  // TrashMode::with_associated one for each item of the group. running: a guard; `how` may override it.
  std::vector<BatchOutcome> trash_paths(const Account& account, const std::vector<std::string>& paths,
                                        const Caller& caller, const TrashHow& how = {});
  // Puts items back, newest deletion first, whatever the order of `ids`. The first item of a group stands for all that
  // was trashed together with it. With `rehearse` every outcome is what it would be, and nothing is changed; too_large:
  // too many of the items bear upon one of them.
  std::vector<BatchOutcome> restore(const Account& account, std::vector<TrashItemId> ids, const RestoreOptions& options,
                                    const Caller& caller);

 private:
  Result<std::vector<BatchOutcome>> trash_path(const Account& account, const std::string& path, const Caller& caller,
                                               const TrashHow& how);
  // One transaction for a group of ordinary size; a very large one takes several.
  Result<std::vector<BatchOutcome>> trash_group(const Account& account, const std::string& path, const Caller& caller,
                                                const TrashHow& how);
  // The ids, and those of the groups that they stand for.
  Result<std::vector<TrashItemId>> with_groups(const Account& account, const std::vector<TrashItemId>& ids,
                                               const RestoreOptions& options);
  // The step that it is of the request's part.
  BatchOutcome restore_one(const Account& account, TrashItemId id, const RestoreOptions& options, const Caller& caller,
                           Step step);
  // What restore_one() would tell of each, one after the other.
  std::vector<BatchOutcome> rehearse(const Account& account, const std::vector<TrashItemId>& ids,
                                     const RestoreOptions& options, const Caller& caller);
  BatchOutcome rehearse_one(const Account& account, TrashItemId id, const std::vector<TrashItemId>& before,
                            const RestoreOptions& options, const Caller& caller);

  CoreParts& parts_;
};

}  // namespace reprieve
