// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace reprieve::test {

// Threads and programs that work in a mount, each in a folder of its own, so that every call has one right answer, and
// write down the first one that was not given.
class Storm {
 public:
  struct Places {
    std::filesystem::path project;
    std::filesystem::path trash;
    std::filesystem::path socket;
  };
  // Begins at once.
  explicit Storm(Places places);
  ~Storm();
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

  [[nodiscard]] bool failed() const { return failed_; }
  // How often the slowest of them has done everything that it does.
  [[nodiscard]] std::size_t rounds() const;
  // Lets each finish its round; what was wrong, empty for nothing.
  std::string finish();

 private:
  using Round = std::function<void(std::size_t round)>;
  void begin(const std::string& name, Round round);
  void complain(const std::string& what);

  void change_names(const std::filesystem::path& folder, std::size_t round);
  void write_files(const std::filesystem::path& folder, std::size_t round);
  void list_folder(const std::filesystem::path& folder);
  void trash_and_restore(const std::filesystem::path& folder, std::size_t round);
  void send_requests(const std::filesystem::path& folder);
  void run_programs(const std::filesystem::path& folder);
  void clone_repository(const std::filesystem::path& folder);
  void verify_data(const std::filesystem::path& folder, std::size_t round);

  const Places places_;
  const TemporaryDirectory origin_;  // of what is cloned
  std::atomic<bool> stopping_{false};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string complaints_;
  struct Worker {
    std::atomic<std::size_t> rounds{0};
    std::thread thread;
  };
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace reprieve::test
