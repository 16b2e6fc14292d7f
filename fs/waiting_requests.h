// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/tree/content.h"
#include "fs/reply.h"

namespace reprieve::fs {

// The requests of one mount that wait until core has compared the file with its checksum, which takes as long as
// reading it does: opens, and changes of its size. No thread of the mount waits with them. Thread-safe.
class WaitingRequests {
 public:
  using Answer = std::function<void(Reply reply, const Result<void>& compared)>;

  WaitingRequests() = default;
  ~WaitingRequests() { stop(); }
  WaitingRequests(const WaitingRequests&) = delete;
  WaitingRequests& operator=(const WaitingRequests&) = delete;

  // `answer` is called once, by whichever thread, or after stop() not at all.
  void wait(Content& content, InodeId inode, const Caller& caller, Reply reply, Answer answer);
  // Leaves what waits unanswered: the kernel ends it with the mount, or asks the daemon after this one. Returns when no
  // other thread is at any of it. Idempotent.
  void stop();

 private:
  [[nodiscard]] bool is_stopping();
  void one_less();

  Mutex mutex_;
  ConditionVariable fewer_;
  std::size_t waiting_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
