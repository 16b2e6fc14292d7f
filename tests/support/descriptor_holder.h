// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

// Runs a daemon as a service manager does that holds descriptors for it: sd_notify(3) with FDSTORE=1 and
// FDSTOREREMOVE=1, sd_listen_fds(3). The daemon is killed on destruction.
class DescriptorHolder {
 public:
  // Output goes to `log`.
  DescriptorHolder(std::vector<std::string> command, std::filesystem::path log);
  DescriptorHolder(const DescriptorHolder&) = delete;
  DescriptorHolder& operator=(const DescriptorHolder&) = delete;
  ~DescriptorHolder();

  // With everything that it holds. False when the daemon ended before it was ready, or not within the limit.
  bool start(std::chrono::seconds limit = std::chrono::seconds(30));
  // SIGKILL, and the process is gone.
  void kill();
  // SIGTERM. The exit code, -1 where it was killed by a signal.
  int stop();
  // The names of what it holds.
  std::set<std::string> held();

 private:
  void become_daemon() const;
  void receive();
  int wait();

  const std::vector<std::string> command_;
  const std::filesystem::path log_;
  FileDescriptor notifications_;
  std::string address_;
  std::map<std::string, FileDescriptor> held_;
  pid_t pid_ = -1;
  bool ready_ = false;
};

}  // namespace reprieve::test
