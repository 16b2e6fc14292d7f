// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file_descriptor.h"
#include "tests/support/command.h"

namespace reprieve::test {

struct DaemonOptions {
  // Lines of reprieve.toml that are added to what every test sets. Empty: the daemon runs on its command line alone.
  std::string configuration{};
  // Other users may enter the mount.
  bool allow_other = false;
  // Other users may connect to the socket. With a configuration.
  bool everyone = false;
  // The store's disk is full, or ceases to work: what a daemon that was killed leaves on it is not looked at.
  bool disk_fails = false;
  std::vector<std::string> arguments{};  // more of them
  std::vector<std::pair<std::string, std::string>> environment{};
};

// A real `reprieved` with one store, one mount of the account "lab", and one socket, all below one directory. Killed
// and unmounted on destruction; dies with the test. However it ends, the store that it served is expected to keep its
// invariants.
class DaemonProcess {
 public:
  explicit DaemonProcess(const std::filesystem::path& directory, DaemonOptions options = {});
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;
  ~DaemonProcess();

  // Starts it and waits until it announced that it is ready. False when it ended before, or not within the limit.
  bool start(std::chrono::seconds limit = std::chrono::seconds(30));
  // SIGTERM. The exit code.
  int stop();
  // For a daemon that ends by itself. The exit code.
  int wait();
  // SIGKILL, and the dead mount is taken away, as `umount -f` and `umount -l` do.
  void kill();
  // SIGKILL alone: what is mounted stays mounted and dead.
  void kill_only();
  bool restart();

  [[nodiscard]] bool running() { return process_ && process_->running(); }
  [[nodiscard]] pid_t pid() const { return process_ ? process_->pid() : -1; }
  // With `--supervise` among the arguments: the process that serves; -1 while there is none.
  [[nodiscard]] pid_t serving_pid() const;
  [[nodiscard]] const std::filesystem::path& mount() const { return mount_; }
  [[nodiscard]] const std::filesystem::path& store() const { return store_; }
  [[nodiscard]] const std::filesystem::path& socket() const { return socket_; }
  [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "daemon.log"; }
  [[nodiscard]] std::string log() const;

  // reprievectl with this daemon's socket, in the mount unless told otherwise.
  CommandResult ctl(std::vector<std::string> arguments, CommandOptions options = {}) const;

 private:
  void check_store();
  [[nodiscard]] std::vector<std::string> command_line() const;
  bool wait_ready(int notifications, std::chrono::seconds limit);
  void unmount_leftover() const;

  std::filesystem::path directory_;
  std::filesystem::path store_;
  std::filesystem::path mount_;
  std::filesystem::path socket_;
  DaemonOptions options_;
  std::unique_ptr<ChildProcess> process_;
  bool serves_ = false;  // it has begun to, and has not been seen to end
};

// Whether something is mounted there, as this process sees it.
bool is_mount_point(const std::filesystem::path& path);
// Empty, or why this machine cannot mount.
std::string why_no_mounts();

}  // namespace reprieve::test
