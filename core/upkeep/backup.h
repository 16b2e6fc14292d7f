// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/sealed_file.h"
#include "core/upkeep/record_keeper.h"

namespace reprieve {

struct CoreParts;

// A backup that was made.
struct Backup {
  std::filesystem::path file;
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;  // files, folders and all else that it has rows of
  std::chrono::milliseconds took{0};
};

// One that is kept.
struct KeptBackup {
  std::filesystem::path file;
  std::uint64_t bytes = 0;
  Timestamp made{};
};

// Backups of metadata.db: `backups/metadata-TIME.db` in the store's directory, sealed files (core/store/sealed_file).
// Each is read back before it gets its name, so that whatever has such a name is whole, and only then the oldest goes.
// A crash leaves at most `backups/unfinished`. Thread-safe.
class Backups {
 public:
  // Hears how those went that nobody asked for, and of records that could not be written. No lock is held.
  using Report = std::function<void(const Result<Backup>&)>;

  explicit Backups(CoreParts& parts);
  ~Backups();
  Backups(const Backups&) = delete;
  Backups& operator=(const Backups&) = delete;

  // Those that are there, oldest first.
  [[nodiscard]] std::vector<KeptBackup> list() const;
  // Makes one, after those that are under way. A request that comes again (RequestPart) is answered with the one that
  // was made; where the daemon was killed before it could note that, another one is made. Where it cannot be made
  // nothing is left of it, and history tells why.
  // no_space: also where too little would remain free for everything else. store_damaged: it is not what was written,
  // or the database is not sound. interrupted: stop() was called. io.
  Result<Backup> make(const Caller& caller);

  // From now on they are made by themselves: `backup_interval` after the last one, if something has changed since, or
  // after the making of the store where there is none. The records of inodes (RecordKeeper) are brought up to date
  // ten minutes after a change and with every backup. What fails is tried again. Removes what a crash left. io: no
  // thread could be started.
  Result<void> start(Report report);
  void stop();  // idempotent; gives up what is under way
  // Brings the records up to date, after what is under way. no_space, io.
  Result<void> record();

  // Something has been committed since the last flush of the log. Any thread, the store's lock held.
  void changed();

 private:
  void run();
  Result<Backup> make_in_turn() REPRIEVE_REQUIRES(turn_);
  Result<SealedContents> fill_in_turn(const FileDescriptor& folder, const std::filesystem::path& unfinished)
      REPRIEVE_REQUIRES(turn_);
  void remove_old(const FileDescriptor& folder, const std::filesystem::path& newest) REPRIEVE_REQUIRES(turn_);
  // When the last one was made, or else the store.
  Timestamp last_made();
  enum class Task : std::uint8_t { record, back_up, stop };
  // Waits for it.
  Task next_task();
  Result<void> record_in_turn() REPRIEVE_REQUIRES(turn_);

  CoreParts& parts_;
  const std::filesystem::path directory_;
  Report report_;
  Mutex turn_;  // held while one is made; no other lock is held when it is taken
  std::atomic<bool> stop_{false};
  Mutex mutex_;
  ConditionVariable woken_;
  // Since the last backup, and since when there are changes without records.
  bool changed_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::optional<std::chrono::steady_clock::time_point> unrecorded_ REPRIEVE_GUARDED_BY(mutex_);
  std::chrono::steady_clock::time_point due_ REPRIEVE_GUARDED_BY(mutex_);
  RecordKeeper records_ REPRIEVE_GUARDED_BY(turn_);
  std::thread thread_;
};

// Whether backups can be kept there. not_directory: something else than a folder has its name; io. One that is missing
// will be made.
Result<void> check_backup_folder(const std::filesystem::path& directory);

// The backups in the folder, oldest first. None where there is no such folder.
std::vector<std::filesystem::path> backups_in(const std::filesystem::path& directory);

}  // namespace reprieve
