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
// For the operations of one mount, which a reader in another could hold up for as long each.
constexpr std::chrono::milliseconds kLongestCopy{100};

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

Invalidator::Mount::Mount(InodeId of_root, KernelChannel& over, ListingsUnderWay& under_way)
    : root(of_root),
      channel(over),
      listings(under_way),
      notices(channel.descriptor(), [this] { doubt_names(); }),
      pages(channel.descriptor(), [this] { doubt_names(); }) {}

// Before Linux 6.16 a name that is in use may be believed until word of its change arrives.
void Invalidator::Mount::doubt_names() { static_cast<void>(channel.drop_all_names()); }

void Invalidator::add(MountId id, InodeId root, KernelChannel& channel, ListingsUnderWay& listings) {
  auto mount = std::make_unique<Mount>(root, channel, listings);
  MutexLock lock(mutex_);
  mounts_[id] = std::move(mount);
}

bool Invalidator::remove(MountId id) {
  Mount* mount = nullptr;
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(id);
    if (found == mounts_.end()) return true;
    mount = found->second.get();
    mount->leaving = true;
  }
  const bool noticed = mount->notices.stop();
  const bool seen_to = mount->pages.stop();
  std::unique_ptr<Mount> removed;
  {
    MutexLock lock(mutex_);
    while (mount->in_use > 0) out_of_use_.wait(mutex_);
    removed = std::move(mounts_.extract(id).mapped());
  }
  return noticed && seen_to;
}

std::vector<MountId> Invalidator::mounts() {
  MutexLock lock(mutex_);
  std::vector<MountId> ids;
  ids.reserve(mounts_.size());
  for (const auto& [id, mount] : mounts_) {
    if (!mount->leaving) ids.push_back(id);
  }
  return ids;
}

// Calls `tell` with the mount, no lock held, if it is still there.
template <typename Tell>
void Invalidator::with_mount(MountId id, const Tell& tell) {
  Mount* mount = nullptr;
  {
    MutexLock lock(mutex_);
    const auto found = mounts_.find(id);
    if (found == mounts_.end() || found->second->leaving) return;
    mount = found->second.get();
    ++mount->in_use;
  }
  tell(*mount);
  MutexLock lock(mutex_);
  if (--mount->in_use == 0) out_of_use_.notify_all();
}

void Invalidator::attributes_stale(InodeId inode) {
  for (const MountId mount : mounts()) {
    with_mount(mount, [inode](Mount& each) { each.channel.drop_attributes(to_node(inode, each.root)); });
  }
}

void Invalidator::tell_at_once(Mount& mount, const std::vector<Change>& news, bool made_elsewhere) {
  for (const Change& change : news) {
    const fuse_ino_t node = to_node(change.inode, mount.root);
    const bool known = mount.channel.drop_attributes(node);
    if (!known || !made_elsewhere || !change.name) continue;
    Herald& herald = mount.pages.herald();
    if (herald.tell(stale_pages(node)) != Herald::Told::sent) continue;
    WorkerPool::step_aside();
    herald.wait_until_free(kLongestCopy);
  }
}

void Invalidator::announce(Mount& mount, std::vector<Change> news) {
  mount.notices.post([&mount, news = std::move(news)] {
    for (const Change& change : news) {
      const fuse_ino_t node = to_node(change.inode, mount.root);
      if (change.name) mount.notices.tell(stale_name(node, change.name->bytes()));
      mount.notices.tell(stale_pages(node));
    }
  });
}

// Not what the inodes themselves have become: the kernel numbers that by itself (fuse_entry_unlinked, fs/fuse/dir.c;
// fuse_change_attributes_common, fs/fuse/inode.c).
void Invalidator::outdate_answers(const Changes& changes) {
  with_mount(changes.through, [&changes](Mount& mount) {
    for (const Change& change : changes.seen) {
      if (change.name) mount.channel.drop_attributes(to_node(change.inode, mount.root));
    }
  });
}

void Invalidator::doubt_all_names(MountId mount) {
  with_mount(mount, [](Mount& each) {
    each.listings.doubt();
    each.doubt_names();
  });
  see_to_listings(mount);
}

void Invalidator::see_to_listings(MountId mount) {
  with_mount(mount, [](Mount& each) {
    each.pages.post([&each] {
      for (const InodeId directory : each.listings.directories()) {
        // Any name would do: it is looked for, with the directory's lock held, among those that the kernel knows.
        static const std::string name = "a listing";
        const ListingsUnderWay::Moment moment = each.listings.now();
        if (!each.pages.tell(stale_name(to_node(directory, each.root), name))) return;
        each.listings.locked_alone(directory, moment);
      }
    });
  });
}

void Invalidator::wait_for_listings(const Changes& changes, const std::vector<MountId>& mounts) {
  for (const MountId mount : mounts) {
    if (mount == changes.through) continue;
    with_mount(mount, [&changes](Mount& each) {
      for (const Change& change : changes.seen) {
        if (!change.name || each.listings.is_certain(change.inode)) continue;
        WorkerPool::step_aside();
        if (!each.listings.wait_until_certain(change.inode, kLongestDoubt))
          spdlog::warn("a program that lists a directory does not go on; another may be shown an old name in it");
      }
    });
  }
}

void Invalidator::wait_for_notices(const std::vector<MountId>& mounts, const std::vector<Change>& news) {
  const auto end = std::chrono::steady_clock::now() + HeraldLane::kPatience;
  for (const MountId mount : mounts) {
    with_mount(mount, [&news, end](Mount& each) {
      const auto left = end - std::chrono::steady_clock::now();
      if (each.notices.settle(std::chrono::ceil<std::chrono::milliseconds>(left))) return;
      for (const Change& change : news) each.channel.drop_attributes(to_node(change.inode, each.root));
    });
  }
}

void Invalidator::changed(const Changes& changes) {
  const bool inside_operation = static_cast<bool>(changes.through);
  if (inside_operation) outdate_answers(changes);
  if (changes.misleading) with_mount(changes.through, [](Mount& each) { each.doubt_names(); });
  const std::vector<MountId> told = mounts();
  std::vector<Change> all = changes.aftermath;
  all.insert(all.end(), changes.seen.begin(), changes.seen.end());
  for (const MountId mount : told) {
    const bool elsewhere = mount != changes.through;
    if (changes.newly_shared) doubt_all_names(mount);
    const std::vector<Change>& news = elsewhere ? all : changes.aftermath;
    if (news.empty()) continue;
    with_mount(mount, [&news, inside_operation, elsewhere](Mount& each) {
      if (inside_operation) tell_at_once(each, news, elsewhere);
      announce(each, news);
    });
  }
  if (!inside_operation) wait_for_notices(told, all);
  wait_for_listings(changes, told);
}

void Invalidator::settle() {
  for (const MountId mount : mounts()) {
    with_mount(mount, [](Mount& each) {
      for (HeraldLane* lane : {&each.notices, &each.pages}) {
        while (!lane->settle(HeraldLane::kPatience)) {
        }
      }
    });
  }
}

}  // namespace reprieve::fs
