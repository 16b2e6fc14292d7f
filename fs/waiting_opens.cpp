// SPDX-License-Identifier: Apache-2.0
#include "fs/waiting_opens.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <memory>
#include <utility>

namespace reprieve::fs {

void WaitingOpens::wait(Content& content, InodeId inode, uid_t uid, Reply reply, Answer answer) {
  {
    const MutexLock lock(mutex_);
    ++waiting_;
  }
  const auto kept = std::make_shared<Reply>(std::move(reply));
  content.compare(inode, {.uid = uid,
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
                                  spdlog::error("bug: an open that had waited threw: {}", failure.what());
                                }
                                one_less();
                              }});
}

void WaitingOpens::stop() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  while (waiting_ > 0) fewer_.wait(mutex_);
}

bool WaitingOpens::is_stopping() {
  const MutexLock lock(mutex_);
  return stopping_;
}

void WaitingOpens::one_less() {
  const MutexLock lock(mutex_);
  --waiting_;
  fewer_.notify_all();
}

}  // namespace reprieve::fs
