// SPDX-License-Identifier: Apache-2.0
#include "core/store/sealed_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/store/crc64.h"
#include "core/store/database_lock.h"
#include "core/store/schema.h"

namespace reprieve {
namespace {

constexpr std::string_view kMagic = "RPRVSEAL";
constexpr std::size_t kSealSize = 16;
constexpr std::size_t kPiece = std::size_t{256} * 1024;

// Of the header (https://www.sqlite.org/fileformat.html#the_database_header).
constexpr off_t kFormatVersionsOffset = 18;
constexpr off_t kUserVersionOffset = 60;
constexpr off_t kApplicationIdOffset = 68;
constexpr std::string_view kNoLog("\x01\x01", 2);

using Seal = std::array<char, kSealSize>;

template <typename Integer>
std::array<char, sizeof(Integer)> big_endian(Integer number) {
  std::array<char, sizeof(Integer)> bytes{};
  for (auto place = bytes.rbegin(); place != bytes.rend(); ++place, number >>= 8) *place = static_cast<char>(number);
  return bytes;
}

Result<FileDescriptor> open_file(const std::filesystem::path& file, int flags) {
  // A FIFO would have its opener wait for a writer.
  FileDescriptor opened(::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR));
  if (!opened) return fail(from_errno(errno, file.string()));
  return opened;
}

Result<off_t> size_of(const FileDescriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail(from_errno(errno, "a backup"));
  if (!S_ISREG(status.st_mode)) return fail(Errc::store_damaged, "it is not a file");
  return status.st_size;
}

Result<void> write_at(const FileDescriptor& file, std::span<const char> bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file.get(), bytes.data(), bytes.size(), offset);
    if (written < 0) return fail(from_errno(errno, "a copy of metadata.db"));
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += written;
  }
  return {};
}

Result<void> read_at(const FileDescriptor& file, std::span<char> bytes, off_t offset) {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), offset);
    if (got < 0) return fail(from_errno(errno, "a copy of metadata.db"));
    if (got == 0) return fail(Errc::store_damaged, "it is cut short");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
  return {};
}

// Calls `each(bytes, offset)` for the pieces of the first `size` bytes.
template <typename Each>
Result<void> each_piece(const FileDescriptor& file, off_t size, const Each& each) {
  std::vector<char> buffer(kPiece);
  for (off_t offset = 0; offset < size;) {
    const auto piece = std::span(buffer).first(std::min(kPiece, static_cast<std::size_t>(size - offset)));
    REPRIEVE_TRY_VOID(read_at(file, piece, offset));
    REPRIEVE_TRY_VOID(each(std::span<const char>(piece), offset));
    offset += static_cast<off_t>(piece.size());
  }
  return {};
}

Result<Seal> seal_of(const FileDescriptor& file, off_t size) {
  Crc64 crc;
  REPRIEVE_TRY_VOID(each_piece(file, size, [&crc](std::span<const char> piece, off_t) -> Result<void> {
    crc.process_bytes(piece.data(), piece.size());
    return {};
  }));
  Seal seal{};
  kMagic.copy(seal.data(), kMagic.size());
  const auto sum = big_endian(std::uint64_t{crc.checksum()});
  std::memcpy(seal.data() + kMagic.size(), sum.data(), sum.size());
  return seal;
}

// Returns the size of what is sealed.
Result<off_t> check_seal(const FileDescriptor& file) {
  REPRIEVE_TRY(const off_t size, size_of(file));
  const off_t body = size - static_cast<off_t>(kSealSize);
  if (body <= 0) return fail(Errc::store_damaged, "it is cut short");
  Seal found{};
  REPRIEVE_TRY_VOID(read_at(file, found, body));
  REPRIEVE_TRY(const Seal expected, seal_of(file, body));
  if (found != expected) return fail(Errc::store_damaged, "its checksum is wrong: it is not as it was written");
  return body;
}

Result<std::uint32_t> number_at(const FileDescriptor& file, off_t offset) {
  std::array<char, 4> bytes{};
  REPRIEVE_TRY_VOID(read_at(file, bytes, offset));
  std::uint32_t number = 0;
  for (const char byte : bytes) number = (number << 8) | static_cast<unsigned char>(byte);
  return number;
}

struct Closer {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

Error check_error(sqlite3* database) {
  switch (sqlite3_errcode(database)) {
    case SQLITE_INTERRUPT: return {Errc::interrupted, "the check was interrupted"};
    case SQLITE_FULL: return {Errc::no_space, sqlite3_errmsg(database)};
    case SQLITE_IOERR: return {Errc::io, sqlite3_errmsg(database)};
    case SQLITE_CANTOPEN: return from_errno(sqlite3_system_errno(database), sqlite3_errmsg(database));
    default: return {Errc::store_damaged, sqlite3_errmsg(database)};
  }
}

// The first column of the first row, as text.
Result<std::string> ask(sqlite3* database, const char* question) {
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(database, question, -1, &prepared, nullptr) != SQLITE_OK) return fail(check_error(database));
  const std::unique_ptr<sqlite3_stmt, Closer> statement(prepared);
  if (sqlite3_step(prepared) != SQLITE_ROW) return fail(check_error(database));
  const auto* text = sqlite3_column_text(prepared, 0);
  // None of the answers is NULL.
  if (text == nullptr) return fail(Errc::out_of_memory, "SQLite's check of a copy");
  return std::string(reinterpret_cast<const char*>(text));
}

// SQLite's own check, of rows against indexes too. Returns the number of inodes.
Result<std::uint64_t> check_database(const std::filesystem::path& file, int flags, const std::atomic<bool>* stop) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, Closer> database(opened);
  if (code != SQLITE_OK) return fail(check_error(opened));
  if (stop != nullptr) {
    constexpr int kInstructions = 10'000;
    const auto is_set = [](void* flag) -> int { return *static_cast<const std::atomic<bool>*>(flag) ? 1 : 0; };
    sqlite3_progress_handler(opened, kInstructions, is_set, const_cast<std::atomic<bool>*>(stop));
  }
  // So that a log needs no shared memory beside it.
  REPRIEVE_TRY_VOID(ask(opened, "PRAGMA locking_mode = EXCLUSIVE"));
  const auto verdict = ask(opened, "PRAGMA integrity_check(1)");
  if (!verdict) return fail(verdict.error());
  if (*verdict != "ok") return fail(Errc::store_damaged, *verdict);
  REPRIEVE_TRY(const std::string count, ask(opened, "SELECT count(*) FROM inodes"));
  return std::stoull(count);
}

Result<void> copy(const FileDescriptor& from, off_t size, const std::filesystem::path& into) {
  REPRIEVE_TRY(const FileDescriptor made, open_file(into, O_RDWR | O_CREAT | O_TRUNC));
  return each_piece(from, size,
                    [&made](std::span<const char> piece, off_t offset) { return write_at(made, piece, offset); });
}

Result<void> copy_log(const std::filesystem::path& file, const std::filesystem::path& into) {
  auto log = open_file(file.string() + "-wal", O_RDONLY);
  if (!log) return log.error().code == Errc::not_found ? Result<void>() : fail(std::move(log).error());
  REPRIEVE_TRY(const off_t size, size_of(*log));
  return copy(*log, size, into.string() + "-wal");
}

Result<void> check_version(const FileDescriptor& file) {
  REPRIEVE_TRY(const std::uint32_t version, number_at(file, kUserVersionOffset));
  if (version <= current_schema_version()) return {};
  return fail(Errc::store_newer, "it has schema version " + std::to_string(version) +
                                     ", this program knows versions up to " + std::to_string(current_schema_version()));
}

Result<void> unseal_into(const std::filesystem::path& file, const std::filesystem::path& into, Holder holder) {
  REPRIEVE_TRY(const FileDescriptor from, open_file(file, O_RDONLY));
  REPRIEVE_TRY(const std::uint32_t application, number_at(from, kApplicationIdOffset));
  if (application == kBackupApplicationId) {
    REPRIEVE_TRY(const off_t size, check_seal(from));
    REPRIEVE_TRY_VOID(check_version(from));
    REPRIEVE_TRY_VOID(copy(from, size, into));
    REPRIEVE_TRY(const FileDescriptor made, open_file(into, O_RDWR));
    REPRIEVE_TRY_VOID(write_at(made, big_endian(kApplicationId), kApplicationIdOffset));
  } else if (application == kApplicationId) {
    REPRIEVE_TRY_VOID(check_version(from));
    if (holder != Holder::this_process) REPRIEVE_TRY_VOID(DatabaseLock::check(from));
    REPRIEVE_TRY(const off_t size, size_of(from));
    REPRIEVE_TRY_VOID(copy(from, size, into));
    REPRIEVE_TRY_VOID(copy_log(file, into));
  } else {
    return fail(Errc::store_damaged, "it is no backup of Reprieve's metadata");
  }
  REPRIEVE_TRY_VOID(check_database(into, SQLITE_OPEN_READWRITE, nullptr));
  return {};
}

template <typename T>
Result<T> about(const std::filesystem::path& file, Result<T> result) {
  if (result || reason_of(result.error()).starts_with(file.native())) return result;
  return fail(result.error().code, file.string() + ": " + std::string(reason_of(result.error())));
}

}  // namespace

Result<void> seal(const std::filesystem::path& file) {
  REPRIEVE_TRY(const FileDescriptor copied, open_file(file, O_RDWR));
  REPRIEVE_TRY_VOID(write_at(copied, kNoLog, kFormatVersionsOffset));
  REPRIEVE_TRY_VOID(write_at(copied, big_endian(kBackupApplicationId), kApplicationIdOffset));
  REPRIEVE_TRY(const off_t size, size_of(copied));
  REPRIEVE_TRY(const Seal seal, seal_of(copied, size));
  REPRIEVE_TRY_VOID(write_at(copied, seal, size));
  if (::fsync(copied.get()) != 0) return fail(from_errno(errno, file.string()));
  return {};
}

Result<SealedContents> check_sealed(const std::filesystem::path& file, const std::atomic<bool>& stop) {
  return about(file, [&]() -> Result<SealedContents> {
    REPRIEVE_TRY(const FileDescriptor sealed, open_file(file, O_RDONLY));
    static_cast<void>(::posix_fadvise(sealed.get(), 0, 0, POSIX_FADV_DONTNEED));
    REPRIEVE_TRY(const off_t size, check_seal(sealed));
    auto inodes = check_database(file, SQLITE_OPEN_READONLY, &stop);
    // SQLite tells of some reads that failed as of damage, which is there the second time too.
    if (!inodes && inodes.error().code == Errc::store_damaged)
      inodes = check_database(file, SQLITE_OPEN_READONLY, &stop);
    if (!inodes) return fail(std::move(inodes).error());
    return SealedContents{.bytes = static_cast<std::uint64_t>(size) + kSealSize, .inodes = *inodes};
  }());
}

Result<void> unseal(const std::filesystem::path& file, const std::filesystem::path& into, Holder holder) {
  return about(file, unseal_into(file, into, holder));
}

}  // namespace reprieve
