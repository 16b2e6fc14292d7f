// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "daemon/exit_codes.h"

namespace reprieve {

// When to start a process again that has died, and when to give up: after so many in a row that died as soon as they
// served, or before.
class RestartPolicy {
 public:
  // `served`: for how long the one that has died was ready; none if it never was. None: give up.
  std::optional<std::chrono::milliseconds> after_death(std::optional<std::chrono::milliseconds> served);

 private:
  unsigned in_a_row_ = 0;
};

// The parent process of `reprieved --supervise`. It plays the part that systemd's descriptor store plays for the
// service: it holds what the daemon gives it (daemon/inheritance.h), starts the daemon again when it dies, and hands
// everything back. Mounts live on meanwhile, and calls on them wait. When it gives up it takes the mounts away. It
// touches no store and no mount itself, so there is little that it could die of; the daemon stops when it does.
//
// SIGTERM, SIGINT and SIGHUP are passed on, to a daemon that is starting again when it is ready. SIGUSR1 starts the
// program anew without unmounting, as an upgrade does.
// One object a process; run() is called once, by the main thread, before there are others.
class Supervisor {
 public:
  // `program` with `arguments`, its first one being its name.
  Supervisor(std::string program, std::vector<std::string> arguments)
      : program_(std::move(program)), arguments_(std::move(arguments)) {}

  // The exit code of the daemon that was told to stop, or that could not even start.
  ExitCode run();

 private:
  using Clock = std::chrono::steady_clock;

  Result<void> prepare();
  Result<void> listen_for_notifications();
  Result<void> spawn();
  [[noreturn]] void become_daemon() const;
  void handle_signal();
  void pass_on_signals();
  [[nodiscard]] bool may_die_of_stop() const;
  void handle_notification();
  void take_notification(const std::string& state, std::vector<FileDescriptor> descriptors);
  // None: go on.
  std::optional<ExitCode> handle_death();
  std::optional<ExitCode> judge(int status);
  ExitCode give_up(ExitCode code);
  void abandon_mounts();

  const std::string program_;
  const std::vector<std::string> arguments_;
  std::string notify_name_;
  FileDescriptor notifications_;
  FileDescriptor signals_;
  std::map<std::string, FileDescriptor> held_;
  pid_t daemon_ = -1;  // -1: none at the moment
  std::optional<Clock::time_point> ready_;
  std::optional<Clock::time_point> restart_at_;
  std::set<int> unsent_;  // signals that wait until the daemon is ready
  bool has_been_ready_ = false;
  bool stopping_ = false;
  bool hurried_ = false;  // told to stop more than once
  bool replacing_ = false;
  RestartPolicy policy_;
};

}  // namespace reprieve
