// SPDX-License-Identifier: Apache-2.0
#include "fs/waiting_requests.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <memory>
#include <utility>

namespace reprieve::fs {

void WaitingRequests::wait(Content& content, InodeId inode, const Caller& caller, Reply reply, Answer answer) {
  {
    const MutexLock lock(mutex_);
    ++waiting_;
  }
  const auto kept = std::make_shared<Reply>(std::move(reply));
  content.compare(inode, {.uid = caller.uid,
                          .thread = caller.thread,
                          .wanted = [this] { return !is_stopping(); },
                          .then =
                              [this, kept, answer = std::move(answer)](const Result<void>& compared) {
                                // What is thrown has destroyed the Reply, which answers EIO.
                                try {
                                  Reply now = std::move(*kept);
                                  if (is_stopping()) {
                                    std::move(now).nothing();
                                  } else {
                                    answer(std::move(now), compared);
                                  }
                                } catch (const std::exception& failure) {
                                  spdlog::error("bug: a request that had waited threw: {}", failure.what());
                                }
                                one_less();
                              }});
}

void WaitingRequests::stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  while (waiting_ > 0) fewer_.wait(mutex_);
}

bool WaitingRequests::is_stopping() {
  const MutexLock lock(mutex_);
  return stopping_;
}

void WaitingRequests::one_less() {
  const MutexLock lock(mutex_);
  --waiting_;
  fewer_.notify_all();
}

}  // namespace reprieve::fs
