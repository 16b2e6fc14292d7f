// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/metadata_restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "core/base/file_descriptor.h"
#include "core/base/time_text.h"
#include "core/store/blob_store.h"
#include "core/store/database_lock.h"
#include "core/store/sealed_file.h"
#include "core/store/store.h"

namespace reprieve {
namespace {

// The one that is being made.
std::filesystem::path unfinished(const std::filesystem::path& database) { return database.string() + ".unfinished"; }

// With what SQLite keeps beside it. What is not there is no error.
void remove_database(const std::filesystem::path& database) {
  ::unlink(database.c_str());
  for (const char* companion : kCompanions) ::unlink((database.string() + companion).c_str());
}

Result<void> sync(const std::filesystem::path& path) {
  const FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened || ::fsync(opened.get()) != 0) return fail(from_errno(errno, path.string()));
  return {};
}

// Whoever restores may be root, and the daemon somebody else.
Result<void> give_to_owner_of(const std::filesystem::path& directory, const std::filesystem::path& file) {
  struct stat owner {};
  if (::stat(directory.c_str(), &owner) != 0) return fail(from_errno(errno, directory.string()));
  if (owner.st_uid == ::geteuid()) return {};
  if (::lchown(file.c_str(), owner.st_uid, owner.st_gid) != 0) return fail(from_errno(errno, file.string()));
  return {};
}

// Its log has been folded back, or it could not.
Result<void> check_closed(const std::filesystem::path& made) {
  struct stat status {};
  const std::string log = made.string() + "-wal";
  if (::lstat(log.c_str(), &status) == 0 && status.st_size != 0)
    return fail(Errc::io, made.string() + " has still a log");
  ::unlink(log.c_str());
  return sync(made);
}

// Another restore can have been made within the second.
std::filesystem::path free_name(const std::filesystem::path& wanted) {
  std::error_code error;
  std::filesystem::path name = wanted;
  for (int number = 2; std::filesystem::exists(name, error); ++number)
    name = wanted.string() + "~" + std::to_string(number);
  return name;
}

bool is_same_file(const std::filesystem::path& one, const std::filesystem::path& other) {
  struct stat first {};
  struct stat second {};
  return ::lstat(one.c_str(), &first) == 0 && ::lstat(other.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

constexpr std::string_view kBefore = ".before-";

// metadata.db.before-TIME, and metadata.db.before-TIME~2…
bool is_kept_name(const std::string& name, const std::filesystem::path& database) {
  const std::string prefix = database.filename().string() + std::string(kBefore);
  if (!name.starts_with(prefix)) return false;
  const std::string_view rest = std::string_view(name).substr(prefix.size());
  const std::size_t tilde = std::min(rest.find('~'), rest.size());
  return parse_compact_time(rest.substr(0, tilde)) &&
         rest.find_first_not_of("0123456789", std::min(tilde + 1, rest.size())) == std::string_view::npos;
}

// A second name for each of its files, so that nothing is without one at any time.
Result<void> keep(const std::filesystem::path& database, const std::filesystem::path& before) {
  if (::link(database.c_str(), before.c_str()) != 0) return fail(from_errno(errno, before.string()));
  for (const char* companion : kCompanions) {
    const std::string from = database.string() + companion;
    const std::string to = before.string() + companion;
    if (::link(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return fail(from_errno(errno, to));
  }
  return sync(database.parent_path());
}

// A log without its database was left behind when that was moved away, and holds the last of what it knew.
Result<void> require_no_orphan(const std::filesystem::path& database) {
  struct stat status {};
  const std::string log = database.string() + "-wal";
  if (::lstat(database.c_str(), &status) == 0 || ::lstat(log.c_str(), &status) != 0 || status.st_size == 0) return {};
  // What a restore was replacing when it was killed has another name, where it is kept.
  if (status.st_nlink > 1) return {};
  return fail(Errc::exists, log + " is there without its database, whose latest changes it holds: move it to where" +
                                " metadata.db was moved to, under that name and -wal");
}

// A log that stayed would be taken for the new database's, so there is none in between.
Result<void> replace(const std::filesystem::path& database, const std::filesystem::path& made) {
  remove_database(database);
  REPRIEVE_TRY_VOID(sync(database.parent_path()));
  if (::rename(made.c_str(), database.c_str()) != 0) return fail(from_errno(errno, database.string()));
  return sync(database.parent_path());
}

}  // namespace

void remove_leftovers(const std::filesystem::path& database) {
  remove_database(unfinished(database));
  std::error_code error;
  for (std::filesystem::directory_iterator entry(database.parent_path(), error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (!is_kept_name(entry->path().filename(), database) || !is_same_file(entry->path(), database)) continue;
    // What lies beside it goes first: whatever ends this, no log stays without its database.
    for (const char* companion : kCompanions) ::unlink((entry->path().string() + companion).c_str());
    ::unlink(entry->path().c_str());
  }
}

Result<void> note_restore(Store& store, const std::string& from, Timestamp now) {
  return store.write([&](Transaction& tx) -> Result<void> {
    EventRow row{.id = {}, .at = now, .kind = EventKind::metadata_restore};
    row.uid = ::geteuid();
    row.detail = from;
    tx.events.insert(row);
    return {};
  });
}

Result<std::filesystem::path> put_in_place(
    const std::filesystem::path& directory, Timestamp now,
    const std::function<Result<void>(const BlobStore& blobs, const std::filesystem::path& made)>& make) {
  const auto database = directory / "metadata.db";
  const auto made = unfinished(database);
  REPRIEVE_TRY(const auto blobs, BlobStore::open(directory, false));
  REPRIEVE_TRY(const DatabaseLock lock, DatabaseLock::take(database));
  REPRIEVE_TRY_VOID(require_no_orphan(database));
  remove_leftovers(database);
  std::filesystem::path before;
  const Result<void> ready = [&]() -> Result<void> {
    REPRIEVE_TRY_VOID(make(*blobs, made));
    REPRIEVE_TRY_VOID(check_closed(made));
    REPRIEVE_TRY_VOID(give_to_owner_of(directory, made));
    std::error_code error;
    if (!std::filesystem::exists(database, error)) return {};
    before = free_name(database.string() + std::string(kBefore) + compact_time(now));
    return keep(database, before);
  }();
  if (!ready) {
    remove_database(made);
    return fail(ready.error());
  }
  REPRIEVE_TRY_VOID(replace(database, made));
  return before;
}

Result<RestoredMetadata> restore_metadata(const std::filesystem::path& directory, const std::filesystem::path& file,
                                          Timestamp now) {
  RestoredMetadata restored;
  const auto database = directory / "metadata.db";
  // Under whatever name: its log is the one beside the database.
  const bool is_in_place = is_same_file(file, database);
  const auto make = [&](const BlobStore& blobs, const std::filesystem::path& made) -> Result<void> {
    REPRIEVE_TRY_VOID(
        unseal(is_in_place ? database : file, made, is_in_place ? Holder::this_process : Holder::unknown));
    REPRIEVE_TRY(const auto store, Store::open(made));
    REPRIEVE_TRY(restored.reconciliation, reconcile(*store, blobs, now));
    return note_restore(*store, "from " + file.string(), now);
  };
  REPRIEVE_TRY(restored.before, put_in_place(directory, now, make));
  return restored;
}

}  // namespace reprieve
