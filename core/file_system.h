// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/accounts/quota_ledger.h"
#include "core/accounts/sharing.h"
#include "core/accounts/storage_figures.h"
#include "core/background_work.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/changes.h"
#include "core/requests/idempotency.h"
#include "core/settings.h"
#include "core/trash/empty_plan.h"
#include "core/trash/history.h"
#include "core/trash/sessions.h"
#include "core/trash/trash.h"
#include "core/trash/undo.h"
#include "core/tree/attribute_service.h"
#include "core/tree/content.h"
#include "core/tree/items.h"
#include "core/tree/namespace.h"
#include "core/upkeep/backup.h"
#include "core/upkeep/checker.h"
#include "core/upkeep/damage.h"

namespace reprieve {

// A store opened as a file system: the one object that mounts and the control socket share. Thread-safe, as its parts
// are. Knows neither FUSE nor sockets.
class FileSystem {
 public:
  // Opens or makes the store at `settings.store.path`, brings its schema up to date and removes what a crash left half
  // made. Errors: not_empty (a folder that is no store), store_locked, store_newer, store_damaged (nothing was
  // changed; also an earlier copy of the database), not_directory (of what should be one), no_space, io. `clock` and
  // `processes` must outlive it. `held` is what stayed open since the daemon before this one; its bytes are kept until
  // held_reopened().
  static Result<std::unique_ptr<FileSystem>> open(const Settings& settings, const Clock& clock, ProcessTable& processes,
                                                  std::span<const HeldOpen> held = {});
  // The same with the processes of this machine.
  static Result<std::unique_ptr<FileSystem>> open(const Settings& settings, const Clock& clock,
                                                  std::span<const HeldOpen> held = {});
  // Flushes and closes. Every OpenFile must be gone by then.
  ~FileSystem();

  // Blobs that the start has found with bytes and without a file, and has kept. A repairing check names them.
  [[nodiscard]] std::size_t nameless_blobs() const { return nameless_blobs_; }

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
  [[nodiscard]] Idempotency& idempotency();
  [[nodiscard]] QuotaLedger& quotas();
  [[nodiscard]] Backups& backups();

  // On return every change so far survives a power cut. io.
  Result<void> sync();
  Result<StorageFigures> figures();
  Result<AccountFigures> figures(const Account& account);
  // What is damaged of the files that these accounts own, behind that number; at most `limit`. Takes time in proportion
  // to the files of the store, in which everything else goes on. not_supported: no checksums are kept.
  Result<DamagedPage> damaged(const std::vector<Account>& owners, InodeId after, std::size_t limit);
  // not_found: finished long ago, or never was.
  Result<OperationProgress> operation(OperationId id);
  // Holds the store against its rules, while everything goes on. Errors of Checker::run().
  Result<CheckReport> check(CheckMode mode, const Caller& caller);
  [[nodiscard]] CheckProgress check_progress() const;
  // A check that is under way ends soon, with interrupted; none begins any more.
  void interrupt_check();

  // Whoever takes up mounts of the daemon before this one has reopened what was open in them.
  void held_reopened();
  // Numbers of the requests of a mount that were carried out last: each of those that were not answered is among them.
  Result<std::vector<std::uint64_t>> carried_out(MountId mount);
  // Of the requests of a mount, those of lanes below this one cannot come again.
  Result<void> forget_requests(MountId mount, std::uint32_t lane);
  // Calls `found` for each inode that was changed shortly before the daemon before this one ended, or since. Looks at a
  // bounded number at a time, so that others get at the store meanwhile.
  Result<void> each_changed_lately(const std::function<void(InodeId)>& found);

  // Who hears of work that nobody waits for and that has failed: each time that it begins to. It is tried again.
  void on_background_failure(const BackgroundFailures::Listener& listener);
  // Who hears of changes from now on; null for nobody. Set before the first mount, cleared after the last.
  void set_change_listener(ChangeListener* listener);
  // Who hears from now on of what is found out about the bytes of files; must outlive this.
  void set_integrity_listener(IntegrityListener* listener);

 private:
  FileSystem(std::unique_ptr<CoreParts> parts, Timestamp last_written, std::size_t nameless_blobs);
  std::unique_ptr<CoreParts> parts_;
  const Timestamp last_written_;  // by the daemon before this one
  const std::size_t nameless_blobs_;
};

}  // namespace reprieve
