// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

class ProcessTable;
class Scrubber;

// The requests that wait until their file was compared with its checksum, and the few threads that do so. Who waits
// holds no thread. Files are read in turns, a part at a time, users first: what one of them opens is not kept waiting
// for the large files of another, nor for long by those of its own. A file is read once for all that wait for it.
// Thread-safe.
class Comparisons {
 public:
  struct Waiting {
    uid_t uid;                               // whose turn it takes
    pid_t thread;                            // that wants nothing any more once it is being killed; 0: none
    std::function<bool()> wanted;            // asked now and then: false ends the wait. May not block
    std::function<void(Result<void>)> then;  // called once, by any thread, no lock being held
  };

  Comparisons(Scrubber& scrubber, ProcessTable& processes);
  ~Comparisons();
  Comparisons(const Comparisons&) = delete;
  Comparisons& operator=(const Comparisons&) = delete;

  // Once. Errors of start_thread().
  Result<void> start();
  // Whatever still waits is interrupted. Idempotent; nothing is compared after it.
  void stop();
  // Has the file looked at. `then` hears of interrupted (no longer wanted, the thread is being killed, or it is
  // the end), too_many_open_files (the
  // user has as many waiting as one may), and of what Scrubber::Look::judge() may say.
  void ask(InodeId inode, Waiting waiting);

 private:
  struct Job;
  struct Turn;
  // What is left to be told once the lock is gone.
  struct Told {
    Waiting waiting;
    Result<void> outcome;
  };

  void run();
  // The job whose turn it is; null at the end.
  std::unique_ptr<Job> next() REPRIEVE_EXCLUDES(mutex_);
  // Takes off it who does not want it any more; false when that were all, and nobody can join it from here on.
  bool is_wanted(Job& job, std::vector<Told>& told) REPRIEVE_EXCLUDES(mutex_);
  // How it went, when this was the last part.
  std::optional<Result<void>> read_part(Job& job);
  void put_back(std::unique_ptr<Job> job) REPRIEVE_REQUIRES(mutex_);
  void take_all(Job& job, const Result<void>& outcome, std::vector<Told>& told) REPRIEVE_REQUIRES(mutex_);
  void forget(const Waiting& waiting) REPRIEVE_REQUIRES(mutex_);
  void add_thread() REPRIEVE_REQUIRES(mutex_);

  Scrubber& scrubber_;
  ProcessTable& processes_;
  Mutex mutex_;
  ConditionVariable wake_;
  std::deque<Turn> turns_ REPRIEVE_GUARDED_BY(mutex_);  // users that have jobs which no thread is at
  std::unordered_map<InodeId, Job*> jobs_ REPRIEVE_GUARDED_BY(mutex_);
  std::map<uid_t, std::size_t> waiting_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ REPRIEVE_GUARDED_BY(mutex_);
  std::size_t parked_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve
