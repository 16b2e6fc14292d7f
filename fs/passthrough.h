// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "fs/fuse_api.h"
#include "fs/mount_record.h"
#include "fs/session.h"

namespace reprieve::fs {

// Lets the kernel read, write and map blobs itself (FUSE passthrough, Linux 6.9). The kernel wants all opens of an
// inode at one time to be in the same mode and to name the same backing file (fuse_file_io_open, fs/fuse/iomode.c), so
// the first open decides for all that follow until the last close. Thread-safe.
class Passthrough {
 public:
  // One open's share in how its inode is opened. Given back when destroyed, which must be after the kernel's release.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;
    ~Share();

    // What OPEN is answered with; 0: without passthrough.
    [[nodiscard]] std::int32_t backing_id() const { return backing_id_; }

   private:
    friend class Passthrough;
    Share(Passthrough& owner, InodeId inode, std::int32_t backing_id)
        : owner_(&owner), inode_(inode), backing_id_(backing_id) {}
    Passthrough* owner_ = nullptr;
    InodeId inode_;
    std::int32_t backing_id_ = 0;
  };

  // `record`, unless it is null, is told of backing ids.
  Passthrough(PassthroughMode mode, MountRecord* record) : mode_(mode), record_(record) {}

  // The flags of INIT that this needs.
  [[nodiscard]] std::uint64_t wanted_flags() const;
  // The same for a libfuse that has them in its own API.
  void want(fuse_conn_info& connection) const;

  // Finds out whether it works, by a file on the disk of `store` if that is given. Called once, after INIT, while
  // nothing else is served. not_supported in mode `require`.
  Result<void> settle(int device, std::uint64_t offered_flags, const std::filesystem::path& store);

  [[nodiscard]] bool active() const { return active_.load(std::memory_order_relaxed); }
  // "kernel passthrough" or "splice (REASON)".
  [[nodiscard]] std::string data_path() const;

  // How one more open of `inode`, whose blob is `descriptor`, is to be answered. not_supported in mode `require`.
  Result<Share> open(InodeId inode, int descriptor);

  // An open of the daemon before this one, whose backing id lives on in the kernel.
  Share resume(InodeId inode, std::int32_t backing_id);
  // After all of them: closes what that daemon had registered but not come to tell anybody.
  void close_strays();
  // For the daemon after this one: from here on nothing is closed in the kernel any more.
  void leave();

 private:
  struct Opened {
    std::int32_t backing_id = 0;
    std::uint32_t shares = 0;
  };

  Result<void> probe(std::uint64_t offered_flags, const std::filesystem::path& store);
  Result<std::int32_t> open_backing(int descriptor) const;
  void close_backing(std::int32_t backing_id) const;
  void give_back(InodeId inode);

  const PassthroughMode mode_;
  MountRecord* const record_;
  int device_ = -1;     // constant once settled, as the reason is
  std::string reason_;  // why not
  std::atomic<bool> active_{false};

  // Held over the ioctl that registers a blob, which takes a descriptor and never waits: two first opens of one inode
  // must not register it twice.
  Mutex mutex_;
  std::unordered_map<InodeId, Opened> opened_ REPRIEVE_GUARDED_BY(mutex_);
  bool warned_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool leaving_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
