// SPDX-License-Identifier: Apache-2.0
#include "fs/invalidator.h"

#include <pthread.h>

#include <csignal>
#include <cstring>
#include <utility>

#include "core/base/thread.h"
#include "fs/kernel_channel.h"
#include "fs/node.h"

namespace reprieve::fs {
namespace {

template <typename Body>
std::vector<std::byte> notice(fuse_notify_code code, const Body& body, std::size_t more) {
  const std::size_t size = sizeof(fuse_out_header) + sizeof body + more;
  const fuse_out_header header{.len = static_cast<std::uint32_t>(size), .error = code, .unique = 0};
  std::vector<std::byte> packet(size);
  std::memcpy(packet.data(), &header, sizeof header);
  std::memcpy(packet.data() + sizeof header, &body, sizeof body);
  return packet;
}

// The packets of fuse_lowlevel_notify_inval_entry() and fuse_lowlevel_notify_inval_inode().
std::vector<std::byte> stale_name(fuse_ino_t directory, const std::string& name) {
  fuse_notify_inval_entry_out body{};
  body.parent = directory;
  body.namelen = static_cast<std::uint32_t>(name.size());
  std::vector<std::byte> packet = notice(FUSE_NOTIFY_INVAL_ENTRY, body, name.size() + 1);
  std::memcpy(packet.data() + packet.size() - name.size() - 1, name.c_str(), name.size() + 1);
  return packet;
}

std::vector<std::byte> stale_pages(fuse_ino_t node) {
  return notice(FUSE_NOTIFY_INVAL_INODE, fuse_notify_inval_inode_out{.ino = node, .off = 0, .len = 0}, 0);
}

}  // namespace

Invalidator::~Invalidator() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> Invalidator::start() {
  REPRIEVE_TRY(herald_, Herald::start());
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void Invalidator::add(MountId mount, InodeId root, KernelChannel& channel) {
  herald_->add(mount, channel.descriptor());
  MutexLock lock(mutex_);
  mounts_[mount] = {.root = root, .channel = &channel};
}

void Invalidator::remove(MountId mount) {
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(mount);
    if (found == mounts_.end()) return;
    found->second.leaving = true;
    while (found->second.in_use > 0) settled_.wait(mutex_);
    mounts_.erase(found);
  }
  herald_->remove(mount);
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
  with_mount(mount, [this, mount, &changes](KernelChannel& channel, InodeId root) {
    const auto tell = [&](const std::vector<std::byte>& notice) {
      // The kernel refuses what it knows nothing of.
      if (!herald_->tell(mount, notice)) static_cast<void>(channel.notify(notice));
    };
    for (const Change& change : changes) {
      const fuse_ino_t node = to_node(change.inode, root);
      if (change.name) tell(stale_name(node, change.name->bytes()));
      tell(stale_pages(node));
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
