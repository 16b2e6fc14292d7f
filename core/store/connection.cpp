// SPDX-License-Identifier: Apache-2.0
#include "core/store/connection.h"

#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/file_descriptor.h"
#include "core/store/log_file.h"
#include "core/store/schema.h"

namespace reprieve {
namespace {

// The first bytes of every SQLite file (https://www.sqlite.org/fileformat.html#the_database_header).
constexpr std::size_t kHeaderSize = 100;
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr std::size_t kUserVersionOffset = 60;
constexpr std::size_t kApplicationIdOffset = 68;

std::uint32_t big_endian(const std::array<unsigned char, kHeaderSize>& header, std::size_t offset) {
  return (std::uint32_t{header[offset]} << 24) | (std::uint32_t{header[offset + 1]} << 16) |
         (std::uint32_t{header[offset + 2]} << 8) | std::uint32_t{header[offset + 3]};
}

// Whether the power failed while the first tables were written: the page with the header did not get to the disk, and
// SQLite's journal tells to undo the others.
bool was_cut_short(const std::filesystem::path& file, const std::array<unsigned char, kHeaderSize>& header) {
  std::error_code error;
  return std::ranges::all_of(header, [](unsigned char byte) { return byte == 0; }) &&
         std::filesystem::exists(file.string() + "-journal", error);
}

// SQLite counts every allocation under one lock unless told otherwise, which took a tenth of an operation. Only the
// first connection of a process can tell.
void configure_library() { [[maybe_unused]] static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

void configure(SQLite::Database& database) {
  // A commit rewrites the pages that it touched into the log: with 1 KiB pages two to three times less than with the
  // default 4 KiB, and as much faster (ARCHITECTURE.md, "Small pages").
  database.exec("PRAGMA page_size = 1024");
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  // While there is no log yet: less could take a journal for whole after a power cut that has part of its pages alone
  // (https://www.sqlite.org/pragma.html#pragma_synchronous).
  database.exec("PRAGMA synchronous = FULL");
  database.exec("PRAGMA cache_size = -12288");
  database.exec("PRAGMA mmap_size = 0");
  database.exec("PRAGMA temp_store = MEMORY");
  database.exec("PRAGMA trusted_schema = OFF");
  // Debian turns it on: every page that becomes free would be zeroed and written.
  database.exec("PRAGMA secure_delete = OFF");
  database.exec("PRAGMA cell_size_check = ON");
}

// What can be said to whoever reads that it is damaged.
constexpr std::string_view kWayOn = "; keep a copy of the store, and restore metadata.db from a backup";

std::string first_text(SQLite::Database& database, const char* pragma) {
  return database.execAndGet(pragma).getString();
}

// The structure of a database that exists. Runs before anything is written.
std::optional<Error> integrity_error(SQLite::Database& database, const std::filesystem::path& file) {
  const std::string verdict = first_text(database, "PRAGMA quick_check(1)");
  if (verdict == "ok") return std::nullopt;
  return Error{Errc::store_damaged, file.string() + " is damaged: " + verdict + std::string(kWayOn)};
}

// `database` is none where not even its own file could be opened.
Error opening_error(const SQLite::Exception& failure, const std::filesystem::path& file, SQLite::Database* database) {
  switch (failure.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {Errc::store_locked, file.string() + " is in use by another process"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::store_damaged, file.string() + " is damaged: " + failure.what() + std::string(kWayOn)};
    case SQLITE_FULL: return {Errc::no_space, file.string() + ": " + failure.what()};
    case SQLITE_READONLY: return {Errc::read_only, file.string() + ": " + failure.what()};
    default: break;
  }
  const std::string what = file.string() + ": " + failure.what();
  const int number = database == nullptr ? 0 : sqlite3_system_errno(database->getHandle());
  return number == 0 ? Error{Errc::io, what} : from_errno(number, what);
}

// The log stays when the store is closed, for else it takes an inode to start again, which others may have taken. It is
// cut to nothing then, so that it goes with whatever is put in the database's place. SQLite does that where the size is
// limited (sqlite3WalClose, wal.c); a limit that is never reached leaves the blocks beyond the end to the reserve.
void keep_log(SQLite::Database& database) {
  int on = 1;
  sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  database.exec("PRAGMA journal_size_limit = 4611686018427387904");
}

// Keeps a database that is about to be refused as it is: closing it would otherwise fold the log back.
void leave_untouched(SQLite::Database& database) {
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

}  // namespace

// Looks at the header without SQLite, which would already recover and later fold back the log of a file that is not
// ours to touch.
Result<bool> has_database(const std::filesystem::path& file) {
  const FileDescriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened) {
    if (errno == ENOENT) return false;
    return fail(from_errno(errno, file.string()));
  }
  std::array<unsigned char, kHeaderSize> header{};
  const ssize_t got = ::pread(opened.get(), header.data(), header.size(), 0);
  if (got < 0) return fail(from_errno(errno, file.string()));
  if (got == 0) return false;  // made, and killed before the first write
  if (was_cut_short(file, header)) return false;
  if (got < static_cast<ssize_t>(header.size()) || std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) {
    return fail(Errc::store_damaged, file.string() + " is not an SQLite database");
  }
  const std::uint32_t application = big_endian(header, kApplicationIdOffset);
  const std::uint32_t version = big_endian(header, kUserVersionOffset);
  if (application == kBackupApplicationId) {
    return fail(Errc::store_damaged, file.string() + " is a backup: reprieved --restore-metadata takes one");
  }
  if (application != kApplicationId)
    return fail(Errc::store_damaged, file.string() + " is not a store of this program");
  if (version > current_schema_version()) {
    return fail(Errc::store_newer, file.string() + " has schema version " + std::to_string(version) +
                                       ", this program knows versions up to " +
                                       std::to_string(current_schema_version()));
  }
  return true;
}

Result<std::unique_ptr<SQLite::Database>> open_database(const std::filesystem::path& file) {
  REPRIEVE_TRY(const bool exists, has_database(file));
  const std::filesystem::path log = file.string() + "-wal";
  std::error_code error;
  const bool had_log = std::filesystem::exists(log, error);
  std::unique_ptr<SQLite::Database> database;
  const auto refuse = [&](Error reason) {
    // Reading made an empty log where there was none. It goes with the lock still held, so that it is nobody else's.
    if (reason.code == Errc::store_damaged && !had_log && std::filesystem::file_size(log, error) == 0)
      std::filesystem::remove(log, error);
    return fail(std::move(reason));
  };
  configure_library();
  try {
    database = std::make_unique<SQLite::Database>(
        file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, 0,
        gathering_vfs());
    leave_untouched(*database);
    configure(*database);
    if (exists) {
      if (auto damage = integrity_error(*database, file)) return refuse(*std::move(damage));
    }
    const auto version = static_cast<std::uint32_t>(database->execAndGet("PRAGMA user_version").getInt());
    // The first tables are made before WAL mode, so that the header tells at once whose file this is.
    migrate(*database, version);
    if (first_text(*database, "PRAGMA journal_mode = WAL") != "wal") {
      return fail(Errc::io, file.string() + ": the file system below does not support a write-ahead log");
    }
    database->exec("PRAGMA synchronous = NORMAL");
    database->exec("PRAGMA wal_autocheckpoint = 0");
    keep_log(*database);
    // Where the database was checked before, the change of mode leaves a transaction open, and a checkpoint would find
    // the database locked (SQLITE_LOCKED, seen with 3.40). The end of the next statement that reads ends it.
    static_cast<void>(database->execAndGet("SELECT count(*) FROM sqlite_schema"));
    // Into the file itself, where an older program looks for the version before it touches anything.
    if (version != current_schema_version()) database->exec("PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_db_config(database->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
    // Also of stores whose log was made with the mode that a new database had from the umask.
    for (const std::filesystem::path& part : {file, log}) ::chmod(part.c_str(), S_IRUSR | S_IWUSR);
    return database;
  } catch (const SQLite::Exception& failure) {
    return refuse(opening_error(failure, file, database.get()));
  }
}

}  // namespace reprieve
