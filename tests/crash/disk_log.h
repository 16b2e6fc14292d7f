// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/base/sync.h"
#include "tests/crash/disk_calls.h"

namespace reprieve::test {

// A file or directory of the log, by the order in which they were made; 0 is the directory that is watched.
using DiskFile = std::size_t;

// Something that changed what the disk holds, or made it last.
struct DiskEvent {
  enum class Kind : std::uint8_t { make, make_directory, remove, write, truncate, sync, mark };
  Kind kind = Kind::mark;
  DiskFile file = 0;       // that it is about
  DiskFile directory = 0;  // of make and remove
  std::string name{};      // in it
  std::string bytes{};     // of a write
  off_t offset = 0;        // of a write; the length of a truncate; the number of a mark
};

// Keeps in order whatever the program does to the files below a directory, which is empty at the beginning. What it
// does there by several threads happens one after the other. Thread-safe.
class DiskLog final : public DiskObserver {
 public:
  explicit DiskLog(const std::filesystem::path& top);
  ~DiskLog() override;
  DiskLog(const DiskLog&) = delete;
  DiskLog& operator=(const DiskLog&) = delete;

  // A point in time that the test wants to find again.
  void mark(std::size_t number);
  [[nodiscard]] std::vector<DiskEvent> take();

  // Asked before each call is made: an errno to fail it with, 0 to let it happen. Set before anything is done.
  std::function<int(const DiskRequest&)> refuse = [](const DiskRequest&) { return 0; };

  std::int64_t around(const DiskRequest& request, const std::function<std::int64_t()>& real) override;

 private:
  DiskFile file_of(int descriptor) REPRIEVE_REQUIRES(mutex_);
  DiskFile file_at(const std::filesystem::path& path) REPRIEVE_REQUIRES(mutex_);
  void record(const DiskRequest& request, std::int64_t result) REPRIEVE_REQUIRES(mutex_);
  void record_name(const DiskRequest& request, std::int64_t result) REPRIEVE_REQUIRES(mutex_);

  const std::filesystem::path top_;
  Mutex mutex_;
  std::map<ino_t, DiskFile> files_ REPRIEVE_GUARDED_BY(mutex_);
  DiskFile last_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  std::vector<DiskEvent> events_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::test
