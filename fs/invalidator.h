// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/changes.h"
#include "fs/herald_lane.h"

namespace reprieve::fs {

class KernelChannel;
class ListingsUnderWay;

// Tells the kernels behind the mounts what they may no longer believe. Thread-safe.
//
// Dropping a name, or the cached data of a file, takes locks in the kernel that it holds while it waits for the answer
// to a request (fuse_reverse_inval_entry, fs/fuse/dir.c; the warning at fuse_lowlevel_notify_inval_entry). So a thread
// that is inside an operation never does that: a thread of its own has it done (HeraldLane). Dropping attributes takes
// no lock (fuse_reverse_inval_inode with a negative offset, fs/fuse/inode.c) and is done on the spot, in every mount.
// So is dropping the listings that other mounts have cached: the pages that hold one are locked only while it is copied
// (fuse_add_dirent_to_cache, fs/fuse/readdir.c), and two changes within one tick of the clock leave a directory's
// mtime, by which the kernel would tell that a listing is old, as it is.
//
// The kernel that a change came through is told of the directories in it, too. It drops what it knows of them by
// itself, but does not number the change (fuse_dir_changed, fs/fuse/dir.c), so that it would believe what a LOOKUP,
// READDIRPLUS or GETATTR was answered before the change and another thread has not dealt with yet
// (fuse_change_attributes_i, fs/fuse/inode.c): for ever. A notification is numbered, and makes these answers old.
class Invalidator final : public ChangeListener {
 public:
  Invalidator() = default;
  Invalidator(const Invalidator&) = delete;
  Invalidator& operator=(const Invalidator&) = delete;

  // Before anything changes, and best while the process is small. Errors: those of fork(2) and of a thread's start.
  Result<void> start();

  // `root` is the inode that this mount's kernel calls node 1.
  void add(MountId mount, InodeId root, KernelChannel& channel, ListingsUnderWay& listings);
  // On return neither is used any more. The mount must still be served, or be dead, until then.
  void remove(MountId mount);

  // Without `through` every mount is told before this returns; otherwise attributes are, and the rest follows. An
  // operation must not be answered before.
  void changed(const Changes& changes) override;
  // Safe inside an operation.
  void attributes_stale(InodeId inode);
  // Has those listings of a mount dealt with that somebody has to see to, a moment later. Safe inside an operation.
  void see_to_listings(MountId mount);

  // Returns when everything that was queued before has been told.
  void settle();

 private:
  struct Mount {
    InodeId root;
    KernelChannel* channel = nullptr;
    ListingsUnderWay* listings = nullptr;
    unsigned in_use = 0;   // threads that are telling it something
    bool leaving = false;  // tell it nothing more
  };

  // Of the directories that changed: what the mount that they changed through was answered before.
  void outdate_answers(const Changes& changes);
  void tell(MountId mount, const std::vector<Change>& changes);
  static void tell(MountId id, const Mount& mount, HeraldLane& lane, const std::vector<std::byte>& notice);
  void doubt_all_names(MountId mount);
  // What other mounts may yet come to believe about the names that changed.
  void wait_for_listings(const Changes& changes, const std::vector<MountId>& mounts);
  template <typename Tell>
  void with_mount(MountId mount, const Tell& tell);
  [[nodiscard]] std::vector<MountId> mounts();

  Mutex mutex_;
  ConditionVariable out_of_use_;  // a channel is
  std::map<MountId, Mount> mounts_ REPRIEVE_GUARDED_BY(mutex_);
  HeraldLane notices_;
  // An operation may wait for these, with locks in the kernel that notices wait for.
  HeraldLane listings_;
};

}  // namespace reprieve::fs
