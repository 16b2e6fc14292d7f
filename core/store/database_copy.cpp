// SPDX-License-Identifier: Apache-2.0
#include "core/store/database_copy.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>
#include <string>

#include "core/base/file_descriptor.h"

namespace reprieve {
namespace {

// About a millisecond of the store's lock at 1 KiB a page.
constexpr int kPages = 512;

Error copy_error(int code) {
  const std::string what = std::string("copying metadata.db: ") + sqlite3_errstr(code);
  switch (code & 0xff) {  // of an extended code
    case SQLITE_FULL: return {Errc::no_space, what};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {Errc::store_damaged, what};
    case SQLITE_NOMEM: return {Errc::out_of_memory, what};
    default: return {Errc::io, what};
  }
}

}  // namespace

void DatabaseCopy::Closer::operator()(sqlite3* database) const { sqlite3_close(database); }
void DatabaseCopy::Closer::operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }

Result<DatabaseCopy> DatabaseCopy::begin(sqlite3* source, const std::filesystem::path& into) {
  // SQLite would make it with the mode that the umask leaves.
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  if (const FileDescriptor made(::open(into.c_str(), kFlags, S_IRUSR | S_IWUSR)); !made) {
    return fail(from_errno(errno, into.string()));
  }
  DatabaseCopy copy;
  sqlite3* opened = nullptr;
  int code = sqlite3_open_v2(into.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  copy.into_.reset(opened);
  // Nobody needs half a copy after a crash, and whoever needs the whole one syncs it without the lock. A small cache
  // leaves little to be written with the last piece.
  constexpr const char* kUnsafe = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = 64";
  if (code == SQLITE_OK) code = sqlite3_exec(opened, kUnsafe, nullptr, nullptr, nullptr);
  if (code == SQLITE_CANTOPEN) return fail(from_errno(sqlite3_system_errno(opened), into.string()));
  if (code != SQLITE_OK) return fail(copy_error(code));
  copy.backup_.reset(sqlite3_backup_init(opened, "main", source, "main"));
  if (!copy.backup_) return fail(copy_error(sqlite3_errcode(opened)));
  copy.pages_ = kPages;
  copy.remaining_ = std::numeric_limits<int>::max();
  return copy;
}

Result<bool> DatabaseCopy::step() {
  const int code = sqlite3_backup_step(backup_.get(), pages_);
  if (code == SQLITE_DONE) return true;
  if (code != SQLITE_OK) return fail(copy_error(code));
  const int remaining = sqlite3_backup_remaining(backup_.get());
  if (remaining >= remaining_ && pages_ < std::numeric_limits<int>::max() / 2) pages_ *= 2;
  remaining_ = remaining;
  return false;
}

}  // namespace reprieve
