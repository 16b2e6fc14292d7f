// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/accounts.h"
#include "core/attribute_service.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/changes.h"
#include "core/content.h"
#include "core/empty_plan.h"
#include "core/history.h"
#include "core/items.h"
#include "core/namespace.h"
#include "core/quota_ledger.h"
#include "core/sessions.h"
#include "core/settings.h"
#include "core/sharing.h"
#include "core/storage_figures.h"
#include "core/trash.h"
#include "core/undo.h"

namespace reprieve {

// A store opened as a file system: the one object that mounts and the control socket share. Thread-safe, as its parts
// are. Knows neither FUSE nor sockets.
class FileSystem {
 public:
  // Opens or makes the store at `settings.store.path`, brings its schema up to date and removes what a crash left half
  // made. Errors: not_empty (a folder that is no store), store_locked, store_newer, store_damaged (nothing was
  // changed), no_space, io. `clock` and `processes` must outlive it.
  // `held` is what stayed open since the daemon before this one; its bytes are kept until held_reopened().
  static Result<std::unique_ptr<FileSystem>> open(const Settings& settings, const Clock& clock, ProcessTable& processes,
                                                  std::span<const HeldOpen> held = {});
  // The same with the processes of this machine.
  static Result<std::unique_ptr<FileSystem>> open(const Settings& settings, const Clock& clock,
                                                  std::span<const HeldOpen> held = {});
  // Flushes and closes. Every OpenFile must be gone by then.
  ~FileSystem();

  [[nodiscard]] Accounts& accounts();
  [[nodiscard]] Namespace& names();
  [[nodiscard]] AttributeService& attributes();
  [[nodiscard]] Content& content();
  [[nodiscard]] Items& items();
  [[nodiscard]] Trash& trash();
  [[nodiscard]] Sharing& sharing();
  [[nodiscard]] History& history();
  [[nodiscard]] Undo& undo();
  [[nodiscard]] EmptyPlans& empty_plans();
  [[nodiscard]] QuotaLedger& quotas();

  // On return every change so far survives a power cut. io.
  Result<void> sync();
  Result<StorageFigures> figures();
  Result<AccountFigures> figures(const Account& account);
  // not_found: finished long ago, or never was.
  Result<OperationProgress> operation(OperationId id);

  // Whoever takes up mounts of the daemon before this one has reopened what was open in them.
  void held_reopened();
  // Numbers of the requests of a mount that were carried out last: each of those that were not answered is among them.
  Result<std::vector<std::uint64_t>> carried_out(MountId mount);
  // Of the requests of a mount, those of lanes below this one cannot come again.
  Result<void> forget_requests(MountId mount, std::uint32_t lane);
  // Calls `found` for each inode that was changed shortly before the daemon before this one ended, or since. Looks at a
  // bounded number at a time, so that others get at the store meanwhile.
  Result<void> each_changed_lately(const std::function<void(InodeId)>& found);

  // Who hears of changes from now on; null for nobody. Set before the first mount, cleared after the last.
  void set_change_listener(ChangeListener* listener);

 private:
  FileSystem(std::unique_ptr<CoreParts> parts, Timestamp last_written);
  std::unique_ptr<CoreParts> parts_;
  const Timestamp last_written_;  // by the daemon before this one
};

}  // namespace reprieve
