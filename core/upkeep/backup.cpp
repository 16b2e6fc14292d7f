// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/base/file_descriptor.h"
#include "core/base/thread.h"
#include "core/base/time_text.h"
#include "core/requests/once.h"
#include "core/store/sealed_file.h"

namespace reprieve {
namespace {

constexpr std::string_view kPrefix = "metadata-";
constexpr std::string_view kSuffix = ".db";
constexpr const char* kUnfinished = "unfinished";
// What others shall find free on the disk afterwards.
constexpr std::uint64_t kLeaveFree = std::uint64_t{64} << 20;

constexpr std::chrono::minutes kRecordAfter{10};
// Where the last one could not be made; each attempt is an event.
constexpr std::chrono::minutes kAgainAfter{30};

std::optional<Timestamp> time_of(const std::filesystem::path& backup) {
  const std::string name = backup.filename();
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  return parse_compact_time(
      std::string_view(name).substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened || ::fsync(opened.get()) != 0) return fail(from_errno(errno, folder.string()));
  return {};
}

// A folder that is there already is no error.
Result<void> make_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), S_IRWXU) == 0) return sync_folder(folder.parent_path());
  if (errno == EEXIST) return {};
  return fail(from_errno(errno, folder.string()));
}

// Stays the same folder, whatever is put in its place.
Result<FileDescriptor> open_folder(const std::filesystem::path& folder) {
  FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened) return fail(from_errno(errno, folder.string()));
  return opened;
}

// Files are opened by path in between, as SQLite does.
Result<void> check_is_in(const FileDescriptor& folder, const std::filesystem::path& file) {
  struct stat by_path {};
  struct stat in_folder {};
  if (::lstat(file.c_str(), &by_path) != 0 ||
      ::fstatat(folder.get(), file.filename().c_str(), &in_folder, AT_SYMLINK_NOFOLLOW) != 0)
    return fail(from_errno(errno, file.string()));
  if (by_path.st_ino == in_folder.st_ino && by_path.st_dev == in_folder.st_dev) return {};
  return fail(Errc::store_damaged, file.parent_path().string() + " was replaced while a backup was made");
}

// The folder can be on a disk of its own.
Result<void> require_room(const FileDescriptor& folder, std::uint64_t bytes) {
  struct statvfs disk {};
  if (::fstatvfs(folder.get(), &disk) != 0) return fail(from_errno(errno, "backups"));
  if (std::uint64_t{disk.f_bavail} * disk.f_frsize >= bytes + kLeaveFree) return {};
  return fail(Errc::no_space, "a backup would leave less than " + std::to_string(kLeaveFree >> 20) +
                                  " MiB of the disk free for everything else");
}

}  // namespace

Result<void> check_backup_folder(const std::filesystem::path& directory) {
  const auto opened = open_folder(directory);
  if (opened || opened.error().code == Errc::not_found) return {};
  if (opened.error().code == Errc::not_directory)
    return fail(Errc::not_directory, directory.string() + " is not a folder; a symbolic link is not followed");
  return fail(opened.error());
}

std::vector<std::filesystem::path> backups_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (time_of(entry->path())) found.push_back(entry->path());
  }
  std::ranges::sort(found);  // by time, which the names are
  return found;
}

Backups::Backups(CoreParts& parts)
    : parts_(parts), directory_(parts.settings.store.path / "backups"), records_(parts) {}

Backups::~Backups() { stop(); }

std::vector<KeptBackup> Backups::list() const {
  std::vector<KeptBackup> kept;
  for (const auto& file : backups_in(directory_)) {
    struct stat status {};
    if (::lstat(file.c_str(), &status) != 0) continue;  // it was the oldest, and there is a new one
    kept.push_back({.file = file, .bytes = static_cast<std::uint64_t>(status.st_size), .made = *time_of(file)});
  }
  return kept;
}

Result<Backup> Backups::make(const Caller& caller) {
  Result<Backup> made = choose_once<Backup>(parts_, caller.part, Step::first, [this] {
    const MutexLock lock(turn_);
    return make_in_turn();
  });
  if (!made && made.error().code != Errc::interrupted)
    parts_.history.backup_failed(caller, std::string(reason_of(made.error())));
  return made;
}

Result<Backup> Backups::make_in_turn() {
  const auto started = std::chrono::steady_clock::now();
  REPRIEVE_TRY_VOID(make_folder(directory_));
  REPRIEVE_TRY(const FileDescriptor folder, open_folder(directory_));
  const auto unfinished = directory_ / kUnfinished;
  ::unlinkat(folder.get(), kUnfinished, 0);
  REPRIEVE_TRY(const std::uint64_t bytes, parts_.store->copy_bytes());
  REPRIEVE_TRY_VOID(require_room(folder, bytes));
  {
    const MutexLock lock(mutex_);
    changed_ = false;
  }
  auto contents = fill_in_turn(folder, unfinished);
  const auto file = directory_ / (std::string(kPrefix) + compact_time(parts_.clock.now()) + std::string(kSuffix));
  if (contents && ::renameat(folder.get(), kUnfinished, folder.get(), file.filename().c_str()) != 0)
    contents = fail(from_errno(errno, file.string()));
  if (!contents) {
    ::unlinkat(folder.get(), kUnfinished, 0);
    changed();
    return fail(std::move(contents).error());
  }
  if (::fsync(folder.get()) != 0) return fail(from_errno(errno, directory_.string()));
  remove_old(folder, file);
  const auto took = std::chrono::steady_clock::now() - started;
  return Backup{.file = file,
                .bytes = contents->bytes,
                .inodes = contents->inodes,
                .took = std::chrono::duration_cast<std::chrono::milliseconds>(took)};
}

Result<SealedContents> Backups::fill_in_turn(const FileDescriptor& folder, const std::filesystem::path& unfinished) {
  REPRIEVE_TRY_VOID(record_in_turn());
  // The next commit after this says that there is something new again. What the copy names is on the disk then, too.
  REPRIEVE_TRY_VOID(parts_.make_lasting());
  REPRIEVE_TRY_VOID(parts_.store->copy_to(unfinished, stop_));
  REPRIEVE_TRY_VOID(check_is_in(folder, unfinished));
  REPRIEVE_TRY_VOID(seal(unfinished));
  return check_sealed(unfinished, stop_);
}

// One that cannot be removed stays, and is tried again the next time.
void Backups::remove_old(const FileDescriptor& folder, const std::filesystem::path& newest) {
  auto others = backups_in(directory_);
  // Whatever the clock said when they were made.
  std::erase(others, newest);
  const std::size_t kept = parts_.settings.store.backup_keep - 1;
  for (std::size_t i = 0; i + kept < others.size(); ++i) ::unlinkat(folder.get(), others[i].filename().c_str(), 0);
}

Result<void> Backups::record() {
  const MutexLock lock(turn_);
  return record_in_turn();
}

Result<void> Backups::record_in_turn() {
  {
    const MutexLock lock(mutex_);
    unrecorded_.reset();
  }
  // The next commit after this says that there is something new again.
  auto recorded = parts_.make_lasting();
  if (recorded) recorded = records_.catch_up(stop_);
  if (!recorded) {
    const MutexLock lock(mutex_);
    if (!unrecorded_) unrecorded_ = std::chrono::steady_clock::now();
  }
  return recorded;
}

Result<void> Backups::start(Report report) {
  if (const auto folder = open_folder(directory_)) ::unlinkat(folder->get(), kUnfinished, 0);
  if (const auto interval = parts_.settings.store.backup_interval) {
    // By the clock of the names, which may have been set meanwhile; never longer than the interval.
    const auto age = std::max(parts_.clock.now() - last_made(), std::chrono::nanoseconds(0));
    const MutexLock lock(mutex_);
    due_ = std::chrono::steady_clock::now() + *interval - age;
  }
  report_ = std::move(report);
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return {};
}

void Backups::stop() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    woken_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Backups::changed() {
  const MutexLock lock(mutex_);
  const bool was_known = changed_ && unrecorded_;
  changed_ = true;
  if (!unrecorded_) unrecorded_ = std::chrono::steady_clock::now();
  if (!was_known) woken_.notify_all();
}

Timestamp Backups::last_made() {
  if (const auto made = backups_in(directory_); !made.empty()) return *time_of(made.back());
  const auto born = parts_.store->read([](Transaction& tx) -> Result<std::optional<Timestamp>> {
    const auto accounts = tx.accounts.all();
    const auto root = accounts.empty() ? std::nullopt : tx.inodes.find(accounts.front().root);
    return root ? std::optional(root->born) : std::nullopt;
  });
  return born ? born->value_or(parts_.clock.now()) : parts_.clock.now();
}

Backups::Task Backups::next_task() {
  using Steady = std::chrono::steady_clock;
  const MutexLock lock(mutex_);
  while (!stop_) {
    const auto record = unrecorded_ ? *unrecorded_ + kRecordAfter : Steady::time_point::max();
    const auto back_up = changed_ && parts_.settings.store.backup_interval ? due_ : Steady::time_point::max();
    const auto now = Steady::now();
    if (back_up <= now) return Task::back_up;
    if (record <= now) return Task::record;
    if (const auto next = std::min(record, back_up); next == Steady::time_point::max()) {
      woken_.wait(mutex_);
    } else {
      woken_.wait_for(mutex_, next - now);
    }
  }
  return Task::stop;
}

void Backups::run() {
  for (Task task = next_task(); task != Task::stop; task = next_task()) {
    if (task == Task::back_up) {
      {
        const MutexLock lock(mutex_);
        due_ = std::chrono::steady_clock::now() + *parts_.settings.store.backup_interval;
      }
      const auto made = make({.uid = ::geteuid(), .gid = ::getegid()});
      if (!made) {
        const MutexLock lock(mutex_);
        due_ = std::min(due_, std::chrono::steady_clock::now() + kAgainAfter);
      }
      if (!stop_) report_(made);
      continue;
    }
    const Result<void> recorded = record();
    if (!recorded && !stop_) report_(fail(recorded.error()));
  }
}

}  // namespace reprieve
