// SPDX-License-Identifier: Apache-2.0
#pragma once

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

  // Readable when somebody unmounted one from outside.
  [[nodiscard]] int unmounted_descriptor() const { return unmounted_event_.get(); }
  // Forgets those that are unmounted.
  void reap();
  // Unmounts all and waits for what is being served.
  void stop();

  [[nodiscard]] std::size_t size();
  std::vector<control::MountInfo> mounts() override;

 private:
  Mounts(FileSystem& files, fs::Invalidator& invalidator, FileDescriptor event)
      : files_(files), invalidator_(invalidator), unmounted_event_(std::move(event)) {}
  void unmounted(MountId id);
  std::unique_ptr<fs::Session> take(MountId id);

  FileSystem& files_;
  fs::Invalidator& invalidator_;
  FileDescriptor unmounted_event_;
  std::int64_t last_id_ = 0;
  Mutex mutex_;  // taken by threads of a session, so never held while one is joined
  std::map<MountId, std::unique_ptr<fs::Session>> sessions_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<MountId> unmounted_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve
