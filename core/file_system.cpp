// SPDX-License-Identifier: Apache-2.0
#include "core/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/accounts/account_figures.h"
#include "core/parts.h"
#include "core/store/connection.h"
#include "core/upkeep/changed_inodes.h"
#include "core/upkeep/metadata_restore.h"
#include "core/upkeep/recovery.h"

namespace reprieve {
namespace {

// So that a power cut leaves the name of what was made in it. Where it may not be read, or its file system knows no
// such sync, there is nothing that could be done.
void sync_directory(const std::filesystem::path& directory) {
  const FileDescriptor opened(::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened) static_cast<void>(::fsync(opened.get()));
}

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), S_IRWXU) == 0) {
    sync_directory(path.parent_path());
  } else if (errno != EEXIST) {
    return fail(from_errno(errno, path.string()));
  }
  if (!std::filesystem::is_directory(path, error))
    return fail(Errc::not_directory, path.string() + " is not a directory");
  return {};
}

// Whether a store may be made here: not among files of somebody else's. A disk of its own has lost+found. What is left
// of a store, or of one whose making was cut short, is judged by those who open it.
Result<void> check_vacant(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name == "backups" || name.starts_with("metadata.db.")) {
      return fail(Errc::store_damaged, directory.string() +
                                           "/metadata.db is missing or empty; reprieved --restore-metadata FILE"
                                           " puts a backup in its place");
    }
    if (name == "lost+found" || name == "blobs" || name == "metadata.db" || name.starts_with("metadata.db-")) continue;
    return fail(Errc::not_empty,
                directory.string() + " is neither empty nor a Reprieve store; give an empty or a new directory");
  }
  if (error) return fail(from_errno(error.value(), directory.string()));
  return {};
}

Result<void> connect(CoreParts& parts) {
  Store& store = *parts.store;
  BlobStore& blobs = *parts.blobs;
  store.lowest_unsettled_inode([&blobs] { return blobs.lowest_unsettled(); });
  store.on_dirty([&parts] {
    parts.flusher.wake();
    parts.backups.changed();
  });
  REPRIEVE_TRY_VOID(blobs.start(
      [&store, &blobs](std::size_t count) {
        // A write, though it changes no row: only that reserves numbers when they run low, and creates that fail on a
        // full disk or without descriptors use up numbers too.
        return store.write([&](Transaction& tx) -> Result<std::vector<InodeId>> {
          std::vector<InodeId> numbers;
          for (std::size_t i = 0; i < count; ++i) {
            numbers.push_back(tx.sequences.next_inode());
            blobs.announce(numbers.back());
          }
          return numbers;
        });
      },
      [attempts = Attempts(parts.failures, "files are made more slowly")](const Result<void>& made) mutable {
        static_cast<void>(attempts.after(made));
      }));
  REPRIEVE_TRY_VOID(parts.flusher.start());
  REPRIEVE_TRY_VOID(parts.purger.start());
  REPRIEVE_TRY_VOID(parts.scrubber.start());
  return parts.session_ends.start();
}

// For how long before the end of a daemon its changes may be unannounced: longer than any operation takes.
constexpr std::chrono::seconds kLately{10};

// When a daemon wrote the last change to this database.
Timestamp last_written(const std::filesystem::path& database) {
  struct stat status {};
  const std::string log = database.string() + "-wal";
  return ::stat(log.c_str(), &status) == 0 ? to_timestamp(status.st_mtim) : Timestamp();
}

void stop(CoreParts& parts) {
  parts.backups.stop();
  parts.content.let_go();
  parts.session_ends.stop();
  parts.scrubber.stop();
  parts.purger.stop();
  parts.flusher.stop();
  parts.blobs->stop();
}

}  // namespace

Result<std::unique_ptr<FileSystem>> FileSystem::open(const Settings& settings, const Clock& clock,
                                                     ProcessTable& processes, std::span<const HeldOpen> held) {
  const std::filesystem::path& directory = settings.store.path;
  REPRIEVE_TRY_VOID(make_directory(directory));
  const auto database = directory / "metadata.db";
  REPRIEVE_TRY(const bool exists, has_database(database));
  const bool is_new = !exists;
  if (is_new) REPRIEVE_TRY_VOID(check_vacant(directory));
  REPRIEVE_TRY_VOID(check_backup_folder(directory / "backups"));
  // The folder of blobs first: a database that is opened in vain would have its log written back, and one that is made
  // before the folder could be left without it by a crash.
  REPRIEVE_TRY(auto blobs, BlobStore::open(directory, is_new));
  const Timestamp written = last_written(database);
  REPRIEVE_TRY(auto store, Store::open(database));
  remove_leftovers(database);
  REPRIEVE_TRY_VOID(require_newest(*store, *blobs));
  REPRIEVE_TRY(const std::size_t nameless, recover(*store, *blobs));
  auto parts = std::make_unique<CoreParts>(settings, clock, processes, std::move(store), std::move(blobs));
  REPRIEVE_TRY_VOID(parts->session_ends.resume());
  parts->content.hold(held);
  Result<void> ready = connect(*parts);
  if (ready) ready = parts->quotas.load();
  // From here on an older copy of the database is known for one.
  if (ready) static_cast<void>(parts->flusher.flush());
  if (!ready) {
    stop(*parts);
    return fail(std::move(ready).error());
  }
  return std::unique_ptr<FileSystem>(new FileSystem(std::move(parts), written, nameless));
}

Result<std::unique_ptr<FileSystem>> FileSystem::open(const Settings& settings, const Clock& clock,
                                                     std::span<const HeldOpen> held) {
  static LinuxProcessTable processes;  // has no state
  return open(settings, clock, processes, held);
}

FileSystem::FileSystem(std::unique_ptr<CoreParts> parts, Timestamp last_written, std::size_t nameless_blobs)
    : parts_(std::move(parts)), last_written_(last_written), nameless_blobs_(nameless_blobs) {}

FileSystem::~FileSystem() {
  stop(*parts_);
  // Closing writes the log back and flushes; the result can no longer be told to anybody.
  static_cast<void>(parts_->flusher.flush());
}

Accounts& FileSystem::accounts() { return parts_->accounts; }
Namespace& FileSystem::names() { return parts_->names; }
AttributeService& FileSystem::attributes() { return parts_->attributes; }
Content& FileSystem::content() { return parts_->content; }
Items& FileSystem::items() { return parts_->items; }
Trash& FileSystem::trash() { return parts_->trash; }
Sharing& FileSystem::sharing() { return parts_->sharing; }
History& FileSystem::history() { return parts_->history; }
Undo& FileSystem::undo() { return parts_->undo; }
EmptyPlans& FileSystem::empty_plans() { return parts_->plans; }
Idempotency& FileSystem::idempotency() { return parts_->idempotency; }
QuotaLedger& FileSystem::quotas() { return parts_->quotas; }
Backups& FileSystem::backups() { return parts_->backups; }

Result<void> FileSystem::sync() { return parts_->make_lasting(); }

Result<StorageFigures> FileSystem::figures() {
  REPRIEVE_TRY(StorageFigures figures, parts_->store->read([this](Transaction& tx) -> Result<StorageFigures> {
    return StorageFigures{.accounts = tx.accounts.all().size(),
                          .inodes = tx.inodes.count(),
                          .trash_items = tx.trash.count(),
                          .purge_queue = tx.purges.count(),
                          .integrity = parts_->scrubber.figures(tx)};
  }));
  REPRIEVE_TRY(const struct statvfs disk, parts_->blobs->disk());
  figures.open_files = parts_->content.open_inodes();
  figures.disk_total = std::uint64_t{disk.f_blocks} * disk.f_frsize;
  figures.disk_free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  figures.metadata_bytes = parts_->store->size_bytes();
  return figures;
}

Result<AccountFigures> FileSystem::figures(const Account& account) { return account_figures(*parts_, account); }

Result<CheckReport> FileSystem::check(CheckMode mode, const Caller& caller) {
  auto report = parts_->checker.run(mode, caller, [this](const Changes& changes) { parts_->announce(changes); });
  // What has changed hands, or has come to light, counts for somebody else.
  if (!report || report->repaired == 0 || !parts_->quotas.any()) return report;
  REPRIEVE_TRY(const auto all, accounts().all());
  for (const Account& account : all) {
    if (const auto quota = parts_->quotas.of(account.id))
      REPRIEVE_TRY_VOID(parts_->quotas.enforce(account.id, quota->limit));
  }
  return report;
}

CheckProgress FileSystem::check_progress() const { return parts_->checker.progress(); }

void FileSystem::interrupt_check() { parts_->checker.interrupt(); }

Result<DamagedPage> FileSystem::damaged(const std::vector<Account>& owners, InodeId after, std::size_t limit) {
  return parts_->scrubber.damaged(owners, after, limit);
}

Result<OperationProgress> FileSystem::operation(OperationId id) { return parts_->purger.progress(id); }

void FileSystem::held_reopened() { parts_->content.let_go(); }

Result<std::vector<std::uint64_t>> FileSystem::carried_out(MountId mount) {
  return parts_->store->read(
      [&](Transaction& tx) -> Result<std::vector<std::uint64_t>> { return tx.requests.of_mount(mount); });
}

Result<void> FileSystem::forget_requests(MountId mount, std::uint32_t lane) {
  return parts_->store->write([&](Transaction& tx) -> Result<void> {
    tx.requests.forget(mount, lane);
    return {};
  });
}

Result<void> FileSystem::each_changed_lately(const std::function<void(InodeId)>& found) {
  return each_changed_since(*parts_->store, last_written_ - kLately, [&found](std::span<const InodeId> changed) {
    for (const InodeId inode : changed) found(inode);
    return true;
  });
}

void FileSystem::on_background_failure(const BackgroundFailures::Listener& listener) {
  parts_->failures.listen(listener);
}

void FileSystem::set_change_listener(ChangeListener* listener) { parts_->listener = listener; }

void FileSystem::set_integrity_listener(IntegrityListener* listener) { parts_->integrity_listener = listener; }

}  // namespace reprieve
