// SPDX-License-Identifier: Apache-2.0
#include "fs/invalidator.h"

#include <pthread.h>

#include <csignal>
#include <utility>

#include "core/base/thread.h"
#include "fs/kernel_channel.h"
#include "fs/node.h"

namespace reprieve::fs {

Invalidator::~Invalidator() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> Invalidator::start() {
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void Invalidator::add(MountId mount, InodeId root, KernelChannel& channel) {
  MutexLock lock(mutex_);
  mounts_[mount] = {.root = root, .channel = &channel};
}

void Invalidator::remove(MountId mount) {
  MutexLock lock(mutex_);
  const auto found = mounts_.find(mount);
  if (found == mounts_.end()) return;
  found->second.leaving = true;
  while (found->second.in_use > 0) settled_.wait(mutex_);
  mounts_.erase(found);
}

std::vector<MountId> Invalidator::mounts() {
  MutexLock lock(mutex_);
  std::vector<MountId> ids;
  ids.reserve(mounts_.size());
  for (const auto& [id, mount] : mounts_) {
    if (!mount.leaving) ids.push_back(id);
  }
  return ids;
}

// Calls `tell` with the channel and the root, no lock held, if the mount is still there.
template <typename Tell>
void Invalidator::with_mount(MountId id, const Tell& tell) {
  KernelChannel* channel = nullptr;
  InodeId root;
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(id);
    if (found == mounts_.end() || found->second.leaving) return;
    ++found->second.in_use;
    channel = found->second.channel;
    root = found->second.root;
  }
  tell(*channel, root);
  MutexLock lock(mutex_);
  if (--mounts_.at(id).in_use == 0) settled_.notify_all();
}

void Invalidator::attributes_stale(InodeId inode) {
  for (const MountId mount : mounts()) {
    with_mount(mount, [inode](KernelChannel& channel, InodeId root) { channel.drop_attributes(to_node(inode, root)); });
  }
}

void Invalidator::tell(MountId mount, const std::vector<Change>& changes) {
  with_mount(mount, [&changes](KernelChannel& channel, InodeId root) {
    for (const Change& change : changes) {
      const fuse_ino_t node = to_node(change.inode, root);
      if (change.name) channel.drop_name(node, change.name->bytes());
      channel.drop_listing(node);
    }
  });
}

void Invalidator::changed(const Changes& changes) {
  const bool inside_operation = static_cast<bool>(changes.through);
  for (const MountId mount : mounts()) {
    std::vector<Change> news = changes.aftermath;
    if (mount != changes.through) news.insert(news.end(), changes.seen.begin(), changes.seen.end());
    if (news.empty()) continue;
    if (!inside_operation) {
      tell(mount, news);
      continue;
    }
    const bool elsewhere = mount != changes.through;
    with_mount(mount, [&news, elsewhere](KernelChannel& channel, InodeId root) {
      for (const Change& change : news) {
        const fuse_ino_t node = to_node(change.inode, root);
        if (elsewhere && change.name) {
          channel.drop_listing(node);
        } else {
          channel.drop_attributes(node);
        }
      }
    });
    MutexLock lock(mutex_);
    queue_.push_back({.mount = mount, .changes = std::move(news)});
    wake_.notify_one();
  }
}

void Invalidator::settle() {
  MutexLock lock(mutex_);
  while (busy_ || !queue_.empty()) settled_.wait(mutex_);
}

void Invalidator::run() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    std::deque<Notice> notices;
    {
      MutexLock lock(mutex_);
      busy_ = false;
      if (queue_.empty()) settled_.notify_all();
      while (queue_.empty() && !stopping_) wake_.wait(mutex_);
      if (queue_.empty()) return;
      notices.swap(queue_);
      busy_ = true;
    }
    for (const Notice& notice : notices) tell(notice.mount, notice.changes);
  }
}

}  // namespace reprieve::fs
