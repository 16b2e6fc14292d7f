// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/sync.h"
#include "core/file_system.h"
#include "daemon/config.h"
#include "daemon/control/services.h"
#include "fs/invalidator.h"
#include "fs/session.h"

namespace reprieve {

// The mounts of this daemon. Thread-safe, except that one thread at a time calls mount(), reap() and stop().
class Mounts final : public control::MountTable {
 public:
  // Both must outlive it. Errors of make(): too_many_open_files.
  static Result<std::unique_ptr<Mounts>> make(FileSystem& files, fs::Invalidator& invalidator);
  ~Mounts() override;  // as stop()

  // Mounts and serves; returns once the kernel was answered. Makes the account if it is not there yet. Errors: those
  // of Accounts::ensure, fs::Session::mount and fs::Session::wait_ready, with the mount point in the reason.
  Result<void> mount(const MountSettings& mount, const Config& config);
  // The same with a mount of the daemon before this one. Errors of Accounts::ensure, fs::Session::resume and
  // fs::Session::wait_ready; the mount is gone then.
  Result<void> resume(const MountSettings& mount, const Config& config, fs::Inherited inherited);
  // Numbers of mounts are not given to others while this one is inherited.
  void skip(MountId id) { last_id_ = std::max(last_id_, id.number()); }

  // Readable when somebody unmounted one from outside.
  [[nodiscard]] int unmounted_descriptor() const { return unmounted_event_.get(); }
  // Forgets those that are unmounted.
  void reap();
  // Unmounts all and waits for what is being served.
  void stop();
  // Serves no more, and leaves to the daemon after this one the mounts that it can go on with; the others are
  // unmounted.
  void leave();

  [[nodiscard]] std::size_t size();
  std::vector<control::MountInfo> mounts() override;

 private:
  Mounts(FileSystem& files, fs::Invalidator& invalidator, FileDescriptor event)
      : files_(files), invalidator_(invalidator), unmounted_event_(std::move(event)) {}
  // Makes it if it is not there yet.
  Result<Account> account_of(const MountSettings& mount);
  Result<void> serve(std::unique_ptr<fs::Session> session);
  void unmounted(MountId id);
  std::unique_ptr<fs::Session> take(MountId id);
  std::map<MountId, std::unique_ptr<fs::Session>> take_all();

  FileSystem& files_;
  fs::Invalidator& invalidator_;
  FileDescriptor unmounted_event_;
  std::int64_t last_id_ = 0;
  Mutex mutex_;  // taken by threads of a session, so never held while one is joined
  std::map<MountId, std::unique_ptr<fs::Session>> sessions_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<MountId> unmounted_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve
