// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/accounts/accounts.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/file_system.h"
#include "fs/invalidator.h"

namespace reprieve::fs {

enum class PassthroughMode : std::uint8_t {
  automatic,  // where the kernel and the disk allow it
  off,
  require,  // no mount without it
};

enum class RingMode : std::uint8_t {
  automatic,  // where the kernel offers it and file data goes past the daemon
  off,
};

struct MountOptions {
  std::filesystem::path mountpoint;  // absolute once mounted
  bool allow_other = false;          // else only the account's own user gets in, not even root
  PassthroughMode passthrough = PassthroughMode::automatic;
  RingMode io_uring = RingMode::automatic;
  unsigned threads = 0;              // the most that serve this mount at one time; 0: what suits the machine
  std::string source = "reprieve";   // what mount(8) shows, STORE#ACCOUNT; tells our own dead mounts from others
  std::filesystem::path store = {};  // a directory on the disk of the blobs, where passthrough is tried at start
  bool outlives_daemon = false;  // what a daemon after this one needs is kept; requests do not come by io_uring then
};

class MountRecord;

// A mount that outlived the daemon which made it.
struct Inherited {
  FileDescriptor device;  // the kernel's side
  std::unique_ptr<MountRecord> record;
};

// What has to be held by somebody else for a mount to outlive the daemon. Lent.
struct Heirlooms {
  int device = -1;
  int record = -1;
};

// One mount of one account and the threads that serve it. Thread-safe. The order of calls is: mount (or attach, or
// resume), start, wait_ready, stop or leave. File system and invalidator must outlive it.
class Session {
 public:
  // Mounts; nothing is served before start(). Takes away a mount that a killed daemon left at the same place, if the
  // source is the same. Errors: not_found, not_directory (the mount point), exists (something of ours is mounted
  // there), access_denied, io.
  static Result<std::unique_ptr<Session>> mount(FileSystem& file_system, const Account& account, MountId id,
                                                const MountOptions& options, Invalidator& invalidator);
  // Goes on with a mount of the daemon before this one, where its record says it is; of `options` count those that the
  // kernel does not know of. What was open is open again, and unanswered requests are answered, once it is ready.
  // Errors: invalid_argument (the record).
  static Result<std::unique_ptr<Session>> resume(FileSystem& file_system, const Account& account, MountOptions options,
                                                 Invalidator& invalidator, Inherited inherited);
  // The same over a descriptor that speaks the protocol of /dev/fuse already, a packet at a time.
  static Result<std::unique_ptr<Session>> attach(FileSystem& file_system, const Account& account, MountId id,
                                                 const MountOptions& options, Invalidator& invalidator,
                                                 FileDescriptor channel);
  ~Session();  // as stop()
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Called at most once, by a thread of the session, when the kernel's side goes away by itself: an umount(8) from
  // outside. Not after stop(). May not call stop() itself. Set it before start().
  void on_unmounted(std::function<void()> callback);

  // io: no thread could be started.
  Result<void> start();
  // Returns when the kernel was answered and requests and data have their ways. not_supported: passthrough is required
  // and not to be had, or the kernel was told something else by the daemon before; io: the mount went away before;
  // errors of KernelRing::start().
  Result<void> wait_ready();
  // Answers what it is at and serves no more; the mount stays, and what comes is left to the daemon after this one.
  // Instead of stop(). Only where there are heirlooms.
  void leave();
  // None where no daemon can go on with the mount: it was not asked for, or the kernel cannot do it (Linux 6.9). Means
  // something once wait_ready() has returned.
  [[nodiscard]] std::optional<Heirlooms> heirlooms() const;

  // Unmounts, from the tree at once though files may still be open, and waits for what is being served. Idempotent.
  void stop();

  // Both mean something once wait_ready() has returned.
  [[nodiscard]] bool passthrough_active() const;
  // "kernel passthrough" or "splice (REASON)".
  [[nodiscard]] std::string data_path() const;

  [[nodiscard]] const MountOptions& options() const;
  [[nodiscard]] const Account& account() const;
  [[nodiscard]] MountId id() const;

 private:
  struct Parts;
  explicit Session(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace reprieve::fs
