// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "core/base/ids.h"
#include "core/base/sync.h"

namespace reprieve::fs {

// The answers to READDIRPLUS that hold names to be remembered for ever, and that one mount's kernel may not have dealt
// with yet.
//
// The kernel enters such names as of the moment when it deals with the answer (fuse_direntplus_link,
// fs/fuse/readdir.c), and not of its request as with every other answer (fuse_lookup_name, fs/fuse/dir.c). So where
// their directory comes to be shared meanwhile, it believes them though it was told to doubt every name
// (FUSE_NOTIFY_INC_EPOCH). These answers are doubtful: when they were dealt with, all names are doubted once more, and
// before that nobody is answered who has changed names in the directory through another mount.
//
// An answer was dealt with when its reader asks for what follows, or when somebody has had the directory's lock for
// himself, which a reader shares until it is done (iterate_dir, fs/readdir.c). Thread-safe.
class ListingsUnderWay {
 public:
  // When something was asked for, in no unit. Later is greater.
  using Moment = std::uint64_t;

  // One answer, from before its entries are looked up until it is ready to be given.
  class Answer {
   public:
    ~Answer();
    Answer(const Answer&) = delete;
    Answer& operator=(const Answer&) = delete;

    // It has such names; its reader goes on at `end`. Not called: it has none.
    void remembered_until(off_t end) { end_ = end; }

   private:
    friend class ListingsUnderWay;
    Answer(ListingsUnderWay& listings, InodeId directory, Moment moment)
        : listings_(listings), directory_(directory), moment_(moment) {}

    ListingsUnderWay& listings_;
    const InodeId directory_;
    const Moment moment_;
    off_t end_ = kUnknown;
  };

  // `doubt_names` has the kernel doubt all names. Called with a lock held, as seldom as something is shared.
  explicit ListingsUnderWay(std::function<void()> doubt_names) : doubt_names_(std::move(doubt_names)) {}

  // `directory` is to be listed from `offset` on, in whatever form.
  [[nodiscard]] Answer asked(InodeId directory, off_t offset);

  // Something is shared from now on. What is under way is doubtful.
  void doubt();
  // Whether there are many that nobody goes on behind, as a reader may have seen enough. Says so once, until
  // directories() is called.
  [[nodiscard]] bool has_become_crowded();
  // The directories of the doubtful answers, or of all where there are many.
  [[nodiscard]] std::vector<InodeId> directories();
  [[nodiscard]] Moment now() const { return last_.load(); }
  // Between `moment` and now, somebody has had the directory's lock for himself.
  void locked_alone(InodeId directory, Moment moment);

  // Whether no answer for the directory is doubtful.
  [[nodiscard]] bool is_certain(InodeId directory);
  // Returns when it is; false when the limit ran out. Then nobody waits for those answers any more.
  bool wait_until_certain(InodeId directory, std::chrono::milliseconds limit);

 private:
  static constexpr off_t kUnknown = -1;
  static constexpr std::size_t kMany = 1024;

  // The answers for one directory that end at the same entry: which of them one was that a reader goes on behind cannot
  // be told, so they go together.
  struct Group {
    off_t end = kUnknown;  // of an answer that is being prepared
    Moment newest = 0;
    unsigned given = 1;
    unsigned gone_on_behind = 0;
    bool doubtful = false;
    bool given_up = false;  // it is doubtful, and was waited for long enough
  };
  using Groups = std::unordered_multimap<InodeId, Group>;

  void prepared(const Answer& answer);
  [[nodiscard]] Groups::iterator find(InodeId directory, off_t end) REPRIEVE_REQUIRES(mutex_);
  [[nodiscard]] bool has_to_wait(InodeId directory) REPRIEVE_REQUIRES(mutex_);
  Groups::iterator dealt_with(Groups::iterator group) REPRIEVE_REQUIRES(mutex_);

  const std::function<void()> doubt_names_;
  std::atomic<Moment> last_{0};
  std::atomic<std::size_t> doubtful_{0};  // groups; written under the mutex
  Mutex mutex_;
  ConditionVariable fewer_;
  Groups groups_ REPRIEVE_GUARDED_BY(mutex_);
  bool crowd_is_known_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
