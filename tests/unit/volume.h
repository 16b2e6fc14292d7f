// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/sync.h"
#include "core/file_system.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::test {

// A clock that moves only when told. Thread-safe.
class SettableClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return Timestamp(std::chrono::nanoseconds(now_.load())); }
  void advance(std::chrono::nanoseconds by) { now_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_{1'700'000'000'123'456'789};
};

// Ten threads a process: 10 to 19 belong to process 1, and so on. Thread 0 is hidden.
class NumberedProcesses final : public ProcessTable {
 public:
  std::optional<Process> process_of(pid_t thread) override { return Process{.id = thread / 10, .started = 7}; }
  bool is_being_killed(pid_t thread) override;
  // All are in the group that has the process's number.
  std::vector<gid_t> groups_of(pid_t thread) override { return {static_cast<gid_t>(thread / 10)}; }
  FileDescriptor watch(const Process& process) override;
  ProcessEnd end_of(const Process& process, int descriptor) override;

  // Its threads are on the way out.
  void kill(pid_t process);
  // The process ends so. Once a process.
  void end(pid_t process, ProcessEnd how);
  // It is gone, and nobody knows how it ended.
  void forget(pid_t process);

 private:
  struct Ending {
    FileDescriptor event;
    ProcessEnd how = ProcessEnd::unknown;
  };
  Ending& ending(pid_t process) REPRIEVE_REQUIRES(mutex_);
  Mutex mutex_;
  std::map<pid_t, Ending> endings_ REPRIEVE_GUARDED_BY(mutex_);
  std::set<pid_t> gone_ REPRIEVE_GUARDED_BY(mutex_);
  std::set<pid_t> killed_ REPRIEVE_GUARDED_BY(mutex_);
};

// The caller that process `number` is.
[[nodiscard]] inline Caller process(int number) { return {.uid = 1000, .gid = 1000, .thread = number * 10}; }

// The value, or a failed test that says why there is none.
template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(std::string(code_name(result.error().code)) + ": " + result.error().reason);
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

// The code of a refusal; none when there was none.
template <typename T>
std::optional<Errc> refusal(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

// What one path shows: everything that rm -r and back must keep.
struct NodeState {
  std::uint64_t inode = 0;
  mode_t mode = 0;
  std::uint32_t links = 0;
  std::uint64_t size = 0;
  Timestamp modified{};
  std::string content;  // of a regular file its bytes, of a symbolic link its target
  std::map<std::string, std::string> xattrs;
  friend bool operator==(const NodeState&, const NodeState&) = default;
};
void PrintTo(const NodeState& node, std::ostream* out);

using TreeState = std::map<std::string, NodeState>;

// A file system with one account on a store in a temporary directory, or where the settings say, driven by paths.
// Whatever is not a refusal under test throws. The clock moves on by a second before every change.
class Volume {
 public:
  explicit Volume(Settings settings = {});

  // Both are no-ops when there is nothing to do.
  void open();
  void close();
  void reopen();

  [[nodiscard]] FileSystem& core() { return *core_; }
  [[nodiscard]] Namespace& names() { return core_->names(); }
  [[nodiscard]] const Account& account() const { return account_; }
  [[nodiscard]] NumberedProcesses& processes() { return processes_; }
  [[nodiscard]] SettableClock& clock() { return clock_; }
  [[nodiscard]] Settings& settings() { return settings_; }
  [[nodiscard]] const std::filesystem::path& store() const { return settings_.store.path; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

  // The inode at a path; "" is the root.
  InodeId at(std::string_view path);
  [[nodiscard]] bool exists(std::string_view path);
  Attributes attributes(std::string_view path);

  InodeId mkdir(std::string_view path, mode_t permissions = 0755);
  InodeId write(std::string_view path, std::string_view bytes);
  InodeId symlink(std::string_view path, const std::string& target);
  void link(std::string_view from, std::string_view to);
  void set_xattr(std::string_view path, const std::string& name, const std::string& value);
  void set_modified(std::string_view path, Timestamp modified);
  OpenFile open_file(std::string_view path, int flags);
  std::string read(std::string_view path);
  static std::string read(const OpenFile& file);

  // `by` numbers the process.
  Result<void> unlink(std::string_view path, int by = 1);
  Result<void> rmdir(std::string_view path, int by = 1);
  Result<void> rename(std::string_view from, std::string_view to, RenameMode mode = RenameMode::replace, int by = 1);
  // What rm -r does.
  void remove_tree(std::string_view path, int by = 1);
  // What mv PATH .trash/ does. Returns the item.
  TrashItem trash(std::string_view path, int by = 1);

  // Everything at and below a path, keyed by the path relative to it.
  TreeState tree(std::string_view path);
  // Names in the order of the listing.
  std::vector<std::string> children(std::string_view path);

  // Oldest first.
  std::vector<TrashItem> items();
  TrashItem item(std::string_view name);
  BatchOutcome restore(std::string_view name, const RestoreOptions& options = {}, int by = 1);
  // Empties and waits for the bytes.
  PurgeOutcome empty();
  PurgeOutcome purge(std::string_view name);
  void wait_for(OperationId operation);
  // Numbers of the blobs on disk. Those made ahead of need are among them while the store is open.
  std::set<std::int64_t> blobs() const;

 private:
  struct Place {
    InodeId parent;
    EntryName name;
  };
  Place place(std::string_view path);
  void add_to(TreeState& tree, const std::string& path, const Attributes& attributes);
  NodeState state(const Attributes& attributes);
  void tick() { clock_.advance(std::chrono::seconds(1)); }

  TemporaryDirectory directory_;
  SettableClock clock_;
  NumberedProcesses processes_;
  Settings settings_;
  std::unique_ptr<FileSystem> core_;
  Account account_;
};

// Numbers of the blobs of a store.
std::set<std::int64_t> blobs_in(const std::filesystem::path& store);

}  // namespace reprieve::test
