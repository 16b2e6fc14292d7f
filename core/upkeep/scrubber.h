// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/accounts/storage_figures.h"
#include "core/base/clock.h"
#include "core/base/file_descriptor.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/store.h"
#include "core/upkeep/checksum.h"
#include "core/upkeep/comparisons.h"
#include "core/upkeep/damage.h"

namespace reprieve {

struct CoreParts;

// Keeps a checksum of every file that nobody has open for writing, and finds those whose bytes are no longer what it
// says: a disk has changed them, or somebody past the file system. All files in turn are read by a thread of its own,
// at a bounded rate; where the settings say so, also before an open is answered (Comparisons). Costs nothing where no
// checksums are to be kept ([integrity] of reprieve.toml(5)).
//
// A damaged file cannot be opened for reading or appending until it was truncated to nothing, as cp(1) does with what
// it overwrites, or has the bytes again that it had. Whatever else is written to it, it stays damaged. Thread-safe.
class Scrubber {
 public:
  // One reading of a file from its beginning to its end.
  class Look;

  explicit Scrubber(CoreParts& parts);
  ~Scrubber();

  // Once, before anything is opened. Forgets all checksums where none are to be kept, because what is written meanwhile
  // is not noticed. io.
  Result<void> start();
  void stop();  // idempotent; the next start goes on with the pass that was under way

  // Whether checksums are kept.
  [[nodiscard]] bool is_on() const;
  // Whether an open is to wait until the file was compared.
  Result<bool> has_to_be_compared(InodeId inode);
  // The wait: Comparisons::ask.
  void compare(InodeId inode, Comparisons::Waiting waiting) { comparisons_.ask(inode, std::move(waiting)); }
  // Before an open with these flags of open(2): data_damaged where it would read what is damaged, or add to it.
  Result<void> check(InodeId inode, int flags);
  // Somebody has the inode open for writing (Content knows that already) and has not written yet. On return its
  // checksum is gone and cannot come back with a power cut. no_space, io.
  Result<void> before_writing(InodeId inode);
  // The same before it is given another size.
  Result<void> before_resizing(InodeId inode, std::uint64_t size);
  // FileSystem::damaged().
  Result<DamagedPage> damaged(const std::vector<Account>& owners, InodeId after, std::size_t limit);
  // None where no checksums are kept.
  [[nodiscard]] std::optional<IntegrityFigures> figures(Transaction& tx) const;
  // Its row goes.
  void purged(Transaction& tx, InodeId inode) const;

 private:
  // A file that is being read, and whether somebody may have written to it since that began.
  struct Reading {
    InodeId inode;
    bool disturbed = false;
  };

  void run();
  std::chrono::steady_clock::time_point first_due();
  // Waits; false when it is to stop.
  bool sleep_until(std::chrono::steady_clock::time_point time);
  // All files from where the last pass was left. False: it is to stop.
  Result<bool> pass();
  // A file that is damaged now and was not before.
  struct Finding {
    DamagedFile file;
    std::string how;
  };
  // `sum`: of what could be read, or why nothing could.
  std::optional<Finding> judge(Transaction& tx, InodeId inode, const Result<std::string>& sum);
  void tell(const Finding& finding);
  void tell_of_cache();
  Result<void> forget(InodeId inode, bool also_damaged);
  void disturb(InodeId inode);

  CoreParts& parts_;
  Mutex mutex_;
  ConditionVariable woken_;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::list<Reading> readings_ REPRIEVE_GUARDED_BY(mutex_);
  std::atomic<bool> told_of_cache_{false};
  std::thread thread_;
  Comparisons comparisons_;
};

// Reads nothing before it is asked to. Used by one thread at a time; what is written to the file meanwhile is noticed.
class Scrubber::Look {
 public:
  Look(Scrubber& scrubber, InodeId inode);
  ~Look();
  Look(const Look&) = delete;
  Look& operator=(const Look&) = delete;

  // Reads on by about so many bytes; how many that was, 0 where nothing is left to be read, or nothing can be.
  std::size_t read_on(std::size_t about);
  // Once nothing is left: keeps what the file holds for its checksum, or compares it with that, unless somebody may
  // have written to it since this look began. io: of the store.
  Result<void> judge();

 private:
  // Whether there is something to be read.
  Result<void> begin();
  bool was_disturbed();

  Scrubber& scrubber_;
  std::list<Reading>::iterator reading_;
  FileDescriptor blob_;
  std::optional<FileSum> sum_;  // none before begin() and where that failed
  Result<void> readable_;       // so far
  bool begun_ = false;
  bool at_rest_ = true;
};

}  // namespace reprieve
