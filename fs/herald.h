// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/file_descriptor.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve::fs {

// A child process that tells kernels what has to wait for locks there, which a client may hold until a request of its
// own is answered (fuse_reverse_inval_entry, fs/fuse/dir.c). Such a wait cannot be interrupted, not even by SIGKILL: a
// daemon that was killed in it would be neither alive nor dead, keep its store locked and the client waiting, and
// nobody could take over from it. The child waits instead; it ends when the daemon does and its wait is over.
// Thread-safe; notices are told one at a time.
class Herald {
 public:
  // Forks: best while the process is small. Errors: those of fork(2).
  static Result<std::unique_ptr<Herald>> start();
  ~Herald();
  Herald(const Herald&) = delete;
  Herald& operator=(const Herald&) = delete;

  // Gives it a copy of a mount's channel, until remove().
  void add(MountId mount, int device);
  void remove(MountId mount);
  // Returns when the notice was taken, or refused: the kernel refuses what it knows nothing of. False when the child is
  // not there, or has no place for this mount: the caller has to tell it.
  bool tell(MountId mount, std::span<const std::byte> notice);

 private:
  Herald(pid_t child, FileDescriptor socket) : child_(child), socket_(std::move(socket)) {}
  bool order(int kind, MountId mount, std::span<const std::byte> notice, int device);

  const pid_t child_;
  Mutex mutex_;
  FileDescriptor socket_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::fs
