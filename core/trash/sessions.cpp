// SPDX-License-Identifier: Apache-2.0
#include "core/trash/sessions.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>

#include "core/base/file_descriptor.h"
#include "core/process_abi.h"
#include "core/store/statement.h"
#include "core/store/store.h"

namespace reprieve {
namespace {

using std::chrono::steady_clock;

// A thread number is trusted for so long before /proc is asked again: far less than it takes the kernel to come round
// to the same number.
constexpr std::chrono::seconds kTrust{1};
// Forgetting all costs one look into /proc each; keeping all would grow with every process that ever deleted.
constexpr std::size_t kMostKnown = 4096;

std::string read_proc(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> piece;
  for (ssize_t size = 0; file && (size = ::read(file.get(), piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(size));
  return text;
}

// What follows `name` and a colon in /proc/TID/status (proc_pid_status(5)); empty where the thread cannot be seen.
std::string status_line(pid_t thread, std::string_view name) {
  const std::string status = read_proc("/proc/" + std::to_string(thread) + "/status");
  const std::string label = "\n" + std::string(name) + ":";
  const std::size_t line = status.find(label);
  if (line == std::string::npos) return {};
  const std::size_t start = line + label.size();
  return status.substr(start, status.find('\n', start) - start);
}

std::optional<std::int64_t> to_number(std::string_view text) {
  const std::size_t start = text.find_first_of("0123456789");
  if (start == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + start, text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// Field 22 of /proc/PID/stat. The name in field 2 may hold anything, so fields count from its closing parenthesis.
std::optional<std::int64_t> start_time(std::string_view stat) {
  std::size_t position = stat.rfind(')');
  for (int field = 2; field < 22 && position != std::string_view::npos; ++field)
    position = stat.find(' ', position + 1);
  if (position == std::string_view::npos) return std::nullopt;
  return to_number(stat.substr(position));
}

// Field 52 of /proc/PID/stat, the exit code of a process that has ended and was not reaped yet (proc_pid_stat(5)).
std::optional<std::int64_t> exit_code(std::string_view stat) {
  std::size_t position = stat.rfind(')');
  if (position == std::string_view::npos || stat.substr(position, 3) != ") Z") return std::nullopt;
  return to_number(stat.substr(stat.find_last_of(' ') + 1));
}

// Of a status as wait(2) tells it.
ProcessEnd end_with(int status) {
  constexpr int kBySignal = 128;
  return WIFEXITED(status) && WEXITSTATUS(status) < kBySignal ? ProcessEnd::well : ProcessEnd::interrupted;
}

// What a descriptor tells of its process's end.
struct Told {
  bool later = false;         // it may do so once the process was reaped
  std::optional<int> status;  // as wait(2) tells it
};

Told told_by(int descriptor) {
  kernel::ProcessInfo info{};
  info.mask = kernel::kProcessInfoExit;
  if (::ioctl(descriptor, kernel::kProcessGetInfo, &info) != 0) return {};
  if ((info.mask & kernel::kProcessInfoExit) == 0) return {.later = true, .status = {}};
  return {.later = false, .status = info.exit_code};
}

// Tells boots apart: start times begin anew with each.
std::int64_t boot_number() {
  const std::string id = read_proc("/proc/sys/kernel/random/boot_id");
  std::int64_t number = 0;
  std::from_chars(id.data(), id.data() + std::min<std::size_t>(id.size(), 8), number, 16);
  return number;
}

}  // namespace

std::optional<Process> LinuxProcessTable::process_of(pid_t thread) {
  const auto process = to_number(status_line(thread, "Tgid"));
  if (!process) return std::nullopt;
  const auto started = start_time(read_proc("/proc/" + std::to_string(*process) + "/stat"));
  if (!started) return std::nullopt;
  return Process{static_cast<pid_t>(*process), *started};
}

// A signal that ends a process makes SIGKILL pending for each of its threads (complete_signal, kernel/signal.c), also
// for one that waits for a file system and does not look.
bool LinuxProcessTable::is_being_killed(pid_t thread) {
  const std::string pending = status_line(thread, "SigPnd");
  const std::size_t digits = pending.find_first_not_of(" \t");
  if (digits == std::string::npos) return false;
  std::uint64_t set = 0;
  std::from_chars(pending.data() + digits, pending.data() + pending.size(), set, 16);
  return (set >> (SIGKILL - 1) & 1U) != 0;
}

std::vector<gid_t> LinuxProcessTable::groups_of(pid_t thread) {
  std::istringstream numbers(status_line(thread, "Groups"));
  return {std::istream_iterator<gid_t>(numbers), std::istream_iterator<gid_t>()};
}

FileDescriptor LinuxProcessTable::watch(const Process& process) {
  FileDescriptor descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process.id, 0U)));
  // Looked at after it was opened: the number may have gone to another process before.
  const auto now = process_of(process.id);
  if (!now || now->started != process.started) return {};
  return descriptor;
}

// A pidfd is readable as soon as the process has ended, and tells the status to everybody when it was reaped
// (pidfs_exit, fs/pidfs.c). Until then /proc does, but to others than who may trace the process it says 0
// (do_task_stat, fs/proc/array.c), and the daemon may not trace other users' processes.
ProcessEnd LinuxProcessTable::end_of(const Process& process, int descriptor) {
  const Told before = told_by(descriptor);
  if (before.status) return end_with(*before.status);
  const std::string stat = read_proc("/proc/" + std::to_string(process.id) + "/stat");
  const auto status = exit_code(stat);
  if (status && start_time(stat) == process.started) {
    if (*status == 0 && before.later) return ProcessEnd::not_yet_told;
    return end_with(static_cast<int>(*status));
  }
  // Reaped in between.
  const Told after = told_by(descriptor);
  return after.status ? end_with(*after.status) : ProcessEnd::unknown;
}

Sessions::Sessions(Store& store, const Clock& clock, ProcessTable& processes)
    : store_(store), clock_(clock), processes_(processes), boot_(boot_number()) {}

Result<SessionId> Sessions::of(const Account& account, const Caller& caller) {
  const Thread thread{account.id, caller.uid, caller.thread};
  const auto now = steady_clock::now();
  {
    const MutexLock lock(mutex_);
    const auto found = known_.find(thread);
    if (found != known_.end()) {
      const bool hidden = thread.id == 0;
      if (now - found->second.seen < (hidden ? kWindow : kTrust)) {
        // A hidden process's session lasts as long as it goes on deleting.
        if (hidden) found->second.seen = now;
        return found->second.session;
      }
    }
  }
  const SessionKey key = key_of(thread);
  REPRIEVE_TRY(const SessionId session, store_.write([&](Transaction& tx) -> Result<SessionId> {
    return tx.accounts.session(key, clock_.now());
  }));
  const MutexLock lock(mutex_);
  if (known_.size() >= kMostKnown) known_.clear();
  known_[thread] = {session, now};
  return session;
}

SessionKey Sessions::key_of(const Thread& thread) const {
  SessionKey key{.account = thread.account, .uid = thread.uid, .boot = boot_};
  const auto process = thread.id != 0 ? processes_.process_of(thread.id) : std::nullopt;
  if (process) {
    key.process = process->id;
    key.started = process->started;
  } else {
    key.started = to_column(clock_.now());
  }
  return key;
}

}  // namespace reprieve
