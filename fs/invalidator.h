// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/changes.h"
#include "fs/herald.h"

namespace reprieve::fs {

class KernelChannel;

// Tells the kernels behind the mounts what they may no longer believe. Thread-safe.
//
// Dropping a name, or the cached data of a file, takes locks in the kernel that it holds while it waits for the answer
// to a request (fuse_reverse_inval_entry, fs/fuse/dir.c; the warning at fuse_lowlevel_notify_inval_entry). So a thread
// that is inside an operation never does that: a thread of its own has it done (Herald). Dropping attributes takes no
// lock (fuse_reverse_inval_inode with a negative offset, fs/fuse/inode.c) and is done on the spot, in every mount. So
// is dropping the listings that other mounts have cached: the pages that hold one are locked only while it is copied
// (fuse_add_dirent_to_cache, fs/fuse/readdir.c), and two changes within one tick of the clock leave a directory's
// mtime, by which the kernel would tell that a listing is old, as it is.
class Invalidator final : public ChangeListener {
 public:
  Invalidator() = default;
  ~Invalidator() override;
  Invalidator(const Invalidator&) = delete;
  Invalidator& operator=(const Invalidator&) = delete;

  // Before anything changes, and best while the process is small. Errors: those of fork(2) and of a thread's start.
  Result<void> start();

  // `root` is the inode that this mount's kernel calls node 1.
  void add(MountId mount, InodeId root, KernelChannel& channel);
  // On return the channel is not used any more. The mount must still be served, or be dead, until then.
  void remove(MountId mount);

  // Without `through` every mount is told before this returns; otherwise attributes are, and the rest follows.
  void changed(const Changes& changes) override;
  // Safe inside an operation.
  void attributes_stale(InodeId inode);

  // Returns when everything that was queued before has been told.
  void settle();

 private:
  struct Mount {
    InodeId root;
    KernelChannel* channel = nullptr;
    unsigned in_use = 0;   // threads that are telling it something
    bool leaving = false;  // tell it nothing more
  };
  // What one mount is to be told of.
  struct Notice {
    MountId mount;
    std::vector<Change> changes;
  };

  void run();
  void tell(MountId mount, const std::vector<Change>& changes);
  template <typename Tell>
  void with_mount(MountId mount, const Tell& tell);
  [[nodiscard]] std::vector<MountId> mounts();

  Mutex mutex_;
  ConditionVariable wake_;     // the queue has work, or it is over
  ConditionVariable settled_;  // a channel is out of use, or the queue is empty
  std::map<MountId, Mount> mounts_ REPRIEVE_GUARDED_BY(mutex_);
  std::deque<Notice> queue_ REPRIEVE_GUARDED_BY(mutex_);
  bool busy_ REPRIEVE_GUARDED_BY(mutex_) = false;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::unique_ptr<Herald> herald_;  // constant once started
  std::thread thread_;
};

}  // namespace reprieve::fs
