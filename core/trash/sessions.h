// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/account_rows.h"

namespace reprieve {

class Store;

// A process: its thread-group id and when it started, in clock ticks since boot (proc_pid_stat(5), field 22). The two
// together are not reused before a reboot.
struct Process {
  pid_t id = 0;
  std::int64_t started = 0;
};

enum class ProcessEnd : std::uint8_t {
  well,          // it exited, and not with a status of 128 or more, by which shells say that a signal ended it
  interrupted,   // by a signal, or so
  unknown,       // the kernel does not say
  not_yet_told,  // to us, as long as its parent has not waited for it; then its descriptor hangs up (EPOLLHUP)
};

// Finds processes and waits for their end. Thread-safe.
class ProcessTable {
 public:
  virtual ~ProcessTable() = default;
  // None where the thread cannot be seen, as from another pid namespace.
  virtual std::optional<Process> process_of(pid_t thread) = 0;
  // Whether it will do nothing any more but end: SIGKILL is on its way to it. False where it cannot be seen.
  virtual bool is_being_killed(pid_t thread) = 0;
  // The thread's supplementary groups; none where it cannot be seen.
  virtual std::vector<gid_t> groups_of(pid_t thread) = 0;
  // A descriptor that becomes readable at the end of the process; empty where it is gone already.
  virtual FileDescriptor watch(const Process& process) = 0;
  // How it ended, once its descriptor is readable.
  virtual ProcessEnd end_of(const Process& process, int descriptor) = 0;
};

// Reads /proc and opens pidfds.
class LinuxProcessTable final : public ProcessTable {
 public:
  std::optional<Process> process_of(pid_t thread) override;
  bool is_being_killed(pid_t thread) override;
  std::vector<gid_t> groups_of(pid_t thread) override;
  FileDescriptor watch(const Process& process) override;
  ProcessEnd end_of(const Process& process, int descriptor) override;
};

// Which deletions belong together: those of one process, so that the unlinks of one `rm -r` can fold. Thread-safe.
class Sessions {
 public:
  Sessions(Store& store, const Clock& clock, ProcessTable& processes);

  // The caller's session. A process that cannot be seen shares one with what its user deletes within kWindow. Errors:
  // those of Store::write.
  Result<SessionId> of(const Account& account, const Caller& caller);

  static constexpr std::chrono::seconds kWindow{2};

  // Tells this boot of the machine from others.
  [[nodiscard]] std::int64_t boot() const { return boot_; }

 private:
  struct Thread {
    AccountId account;
    uid_t uid = 0;
    pid_t id = 0;
    friend auto operator<=>(const Thread&, const Thread&) = default;
  };
  struct Known {
    SessionId session;
    std::chrono::steady_clock::time_point seen;
  };
  SessionKey key_of(const Thread& thread) const;

  Store& store_;
  const Clock& clock_;
  ProcessTable& processes_;
  const std::int64_t boot_;
  Mutex mutex_;
  std::map<Thread, Known> known_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve
