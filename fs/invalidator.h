// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "core/base/ids.h"
#include "core/base/sync.h"
#include "core/changes.h"
#include "fs/herald_lane.h"

namespace reprieve::fs {

class KernelChannel;
class ListingsUnderWay;

// Tells the kernels behind the mounts what they may no longer believe. Thread-safe.
//
// Dropping a name, or the cached data of a file, takes locks in the kernel that it holds while it waits for the answer
// to a request (fuse_reverse_inval_entry, fs/fuse/dir.c; the warning at fuse_lowlevel_notify_inval_entry), and any
// program that lists a directory into memory that it has from somebody who does not provide it holds them as long as it
// likes. So no thread of the daemon ever does that: a process for each mount does (Herald), a thread waits for it
// (HeraldLane), and whoever has changed something waits for that thread for HeraldLane::kPatience at the most, and not
// at all inside an operation. What is then late is made up for by doubting all names of that mount.
//
// Dropping attributes and doubting names takes no lock (fuse_reverse_inval_inode with a negative offset,
// fs/fuse/inode.c) and is done on the spot, in every mount. The listings that other mounts have cached are dropped
// before an operation is answered, too, since two changes within one tick of the clock leave a directory's mtime, by
// which the kernel would tell that a listing is old, as it is. The pages that hold one are locked while it is copied to
// a reader (fuse_readdir_cached, fs/fuse/readdir.c), by no request; a second herald drops them, and is waited for as
// long as a copy may take.
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

  // `root` is the inode that this mount's kernel calls node 1.
  void add(MountId mount, InodeId root, KernelChannel& channel, ListingsUnderWay& listings);
  // On return neither is used any more. The mount must still be served, or be dead, until then. False: a client holds a
  // lock that a process waits for, which has the channel open until it gets it.
  bool remove(MountId mount);

  // Without `through` every mount is told before this returns, but for one that a client holds up: that doubts its
  // names and is told when the client goes on. Otherwise attributes and listings are, and the rest follows. An
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
    Mount(InodeId of_root, KernelChannel& over, ListingsUnderWay& under_way);
    void doubt_names();

    const InodeId root;
    KernelChannel& channel;
    ListingsUnderWay& listings;
    unsigned in_use = 0;   // threads that are telling it something; guarded by the invalidator's mutex
    bool leaving = false;  // tell it nothing more; likewise
    HeraldLane notices;
    // An operation may wait for this one, with locks in the kernel that notices wait for.
    HeraldLane pages;
  };

  // Of the directories that changed: what the mount that they changed through was answered before.
  void outdate_answers(const Changes& changes);
  // Inside an operation: what can be told without waiting for a request.
  static void tell_at_once(Mount& mount, const std::vector<Change>& news, bool made_elsewhere);
  static void announce(Mount& mount, std::vector<Change> news);
  void doubt_all_names(MountId mount);
  void wait_for_notices(const std::vector<MountId>& mounts, const std::vector<Change>& news);
  // What other mounts may yet come to believe about the names that changed.
  void wait_for_listings(const Changes& changes, const std::vector<MountId>& mounts);
  template <typename Tell>
  void with_mount(MountId mount, const Tell& tell);
  [[nodiscard]] std::vector<MountId> mounts();

  Mutex mutex_;
  ConditionVariable out_of_use_;  // a channel is
  std::map<MountId, std::unique_ptr<Mount>> mounts_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::fs
