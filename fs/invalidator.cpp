// SPDX-License-Identifier: Apache-2.0
#include "fs/invalidator.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "fs/kernel_channel.h"
#include "fs/listings_under_way.h"
#include "fs/node.h"
#include "fs/worker_pool.h"

namespace reprieve::fs {
namespace {

// A reader deals with an answer as soon as it has a processor. What is here so that no two operations wait for each
// other for ever.
constexpr std::chrono::milliseconds kLongestDoubt{1000};

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

Result<void> Invalidator::start() {
  REPRIEVE_TRY_VOID(notices_.start());
  return listings_.start();
}

void Invalidator::add(MountId mount, InodeId root, KernelChannel& channel, ListingsUnderWay& listings) {
  for (HeraldLane* lane : {&notices_, &listings_}) lane->herald().add(mount, channel.descriptor());
  MutexLock lock(mutex_);
  mounts_[mount] = {.root = root, .channel = &channel, .listings = &listings};
}

void Invalidator::remove(MountId mount) {
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(mount);
    if (found == mounts_.end()) return;
    found->second.leaving = true;
    while (found->second.in_use > 0) out_of_use_.wait(mutex_);
    mounts_.erase(found);
  }
  for (HeraldLane* lane : {&notices_, &listings_}) lane->herald().remove(mount);
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

// Calls `tell` with the mount, no lock held, if it is still there.
template <typename Tell>
void Invalidator::with_mount(MountId id, const Tell& tell) {
  Mount mount;
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(id);
    if (found == mounts_.end() || found->second.leaving) return;
    ++found->second.in_use;
    mount = found->second;
  }
  tell(mount);
  MutexLock lock(mutex_);
  if (--mounts_.at(id).in_use == 0) out_of_use_.notify_all();
}

void Invalidator::attributes_stale(InodeId inode) {
  for (const MountId mount : mounts()) {
    with_mount(mount, [inode](const Mount& each) { each.channel->drop_attributes(to_node(inode, each.root)); });
  }
}

void Invalidator::tell(MountId id, const Mount& mount, HeraldLane& lane, const std::vector<std::byte>& notice) {
  // The kernel refuses what it knows nothing of.
  if (!lane.herald().tell(id, notice)) static_cast<void>(mount.channel->notify(notice));
}

void Invalidator::tell(MountId mount, const std::vector<Change>& changes) {
  with_mount(mount, [this, mount, &changes](const Mount& told) {
    for (const Change& change : changes) {
      const fuse_ino_t node = to_node(change.inode, told.root);
      if (change.name) tell(mount, told, notices_, stale_name(node, change.name->bytes()));
      tell(mount, told, notices_, stale_pages(node));
    }
  });
}

// Not what the inodes themselves have become: the kernel numbers that by itself (fuse_entry_unlinked, fs/fuse/dir.c;
// fuse_change_attributes_common, fs/fuse/inode.c).
void Invalidator::outdate_answers(const Changes& changes) {
  with_mount(changes.through, [&changes](const Mount& mount) {
    for (const Change& change : changes.seen) {
      if (change.name) mount.channel->drop_attributes(to_node(change.inode, mount.root));
    }
  });
}

void Invalidator::doubt_all_names(MountId mount) {
  with_mount(mount, [](const Mount& each) {
    each.listings->doubt();
    // Before Linux 6.16 a name that is in use may be believed until word of its change arrives.
    static_cast<void>(each.channel->drop_all_names());
  });
  see_to_listings(mount);
}

void Invalidator::see_to_listings(MountId mount) {
  listings_.post([this, mount] {
    with_mount(mount, [this, mount](const Mount& each) {
      for (const InodeId directory : each.listings->directories()) {
        // Any name would do: it is looked for, with the directory's lock held, among those that the kernel knows.
        static const std::string name = "a listing";
        const ListingsUnderWay::Moment moment = each.listings->now();
        tell(mount, each, listings_, stale_name(to_node(directory, each.root), name));
        each.listings->locked_alone(directory, moment);
      }
    });
  });
}

void Invalidator::wait_for_listings(const Changes& changes, const std::vector<MountId>& mounts) {
  for (const MountId mount : mounts) {
    if (mount == changes.through) continue;
    with_mount(mount, [&changes](const Mount& each) {
      for (const Change& change : changes.seen) {
        if (!change.name || each.listings->is_certain(change.inode)) continue;
        WorkerPool::step_aside();
        if (!each.listings->wait_until_certain(change.inode, kLongestDoubt))
          spdlog::warn("a program that lists a directory does not go on; another may be shown an old name in it");
      }
    });
  }
}

void Invalidator::changed(const Changes& changes) {
  const bool inside_operation = static_cast<bool>(changes.through);
  if (inside_operation) outdate_answers(changes);
  if (changes.misleading)
    with_mount(changes.through, [](const Mount& each) { static_cast<void>(each.channel->drop_all_names()); });
  const std::vector<MountId> told = mounts();
  for (const MountId mount : told) {
    std::vector<Change> news = changes.aftermath;
    if (mount != changes.through) news.insert(news.end(), changes.seen.begin(), changes.seen.end());
    if (changes.newly_shared) doubt_all_names(mount);
    if (news.empty()) continue;
    if (!inside_operation) {
      tell(mount, news);
      continue;
    }
    const bool elsewhere = mount != changes.through;
    with_mount(mount, [&news, elsewhere](const Mount& each) {
      for (const Change& change : news) {
        const fuse_ino_t node = to_node(change.inode, each.root);
        if (elsewhere && change.name) {
          each.channel->drop_listing(node);
        } else {
          each.channel->drop_attributes(node);
        }
      }
    });
    notices_.post([this, mount, news = std::move(news)] { tell(mount, news); });
  }
  wait_for_listings(changes, told);
}

void Invalidator::settle() {
  notices_.settle();
  listings_.settle();
}

}  // namespace reprieve::fs
