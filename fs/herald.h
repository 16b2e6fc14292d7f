// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/file_descriptor.h"
#include "core/base/sync.h"

namespace reprieve::fs {

// A child process that tells one mount's kernel what has to wait for locks there, which a client may hold until a
// request of its own is answered, or for as long as it likes: a listing that is copied into memory that is not there
// holds them (fuse_reverse_inval_entry, fs/fuse/dir.c; fuse_parse_cache, fs/fuse/readdir.c). Such a wait cannot be
// interrupted, not even by SIGKILL: a daemon that was killed in it would be neither alive nor dead, keep its store
// locked and the client waiting, and nobody could take over from it. The child waits instead; it ends when the daemon
// does and its wait is over. Thread-safe.
class Herald {
 public:
  enum class Told : std::uint8_t {
    yes,       // taken, or refused: the kernel refuses what it knows nothing of
    sent,      // the herald waits for a lock
    not_sent,  // it still waits with the notice before
    never,     // the herald has died, or none could be started; the next notice starts one
  };

  // `device` is the mount's channel, to be there as long as something is told.
  explicit Herald(int device) : device_(device) {}
  ~Herald();  // returns at once also where the child still waits, which goes on to hold the channel
  Herald(const Herald&) = delete;
  Herald& operator=(const Herald&) = delete;

  // Returns in a moment. Forks when it is called first.
  Told tell(std::span<const std::byte> notice);
  // Returns when it does not wait with any notice; false when it was given up or has waited for that long, whoever asks
  // first.
  bool wait_until_free(std::chrono::milliseconds limit);
  // Where it waits now, it is waited for no more.
  void give_up();

 private:
  // Whether what it was given last is told by then, or the child is gone.
  bool is_free(std::chrono::milliseconds limit) REPRIEVE_REQUIRES(mutex_);
  bool start_child() REPRIEVE_REQUIRES(mutex_);
  void end_child() REPRIEVE_REQUIRES(mutex_);

  const int device_;
  Mutex mutex_;
  std::shared_ptr<const FileDescriptor> socket_ REPRIEVE_GUARDED_BY(mutex_);  // null: there is no child
  pid_t child_ REPRIEVE_GUARDED_BY(mutex_) = -1;
  bool waits_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point sent_ REPRIEVE_GUARDED_BY(mutex_);  // what it waits with
  bool given_up_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
