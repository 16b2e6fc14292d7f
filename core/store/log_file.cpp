// SPDX-License-Identifier: Apache-2.0
#include "core/store/log_file.h"

#include <endian.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/store/reserve.h"

namespace reprieve {
namespace {

// Of the log's format (https://www.sqlite.org/fileformat.html#wal_file_format).
constexpr int kFrameHeaderSize = 24;
constexpr std::size_t kCommitMark = 4;  // in a frame's header: the size of the database if the frame ends a commit

// More than a transaction of the file system needs; longer ones go in portions.
constexpr std::size_t kMostGathered = std::size_t{256} * 1024;

// The system's file takes less than 128 KiB at once: of a longer length it sees 17 bits (seekAndWriteFd, os_unix.c).
constexpr std::size_t kMostWritten = std::size_t{64} * 1024;

// What SQLite is to make of a failure of the system's file. A disk that cannot be read is taken for a damaged database
// (SQLITE_IOERR_CORRUPTFS, unixRead in os_unix.c), and one whose quota is used up for a failing one.
int told_apart(sqlite3_file* real, int code) {
  if (code == SQLITE_IOERR_CORRUPTFS) return SQLITE_IOERR_READ;
  int error = 0;
  if (code == SQLITE_IOERR_WRITE && real->pMethods->xFileControl(real, SQLITE_FCNTL_LAST_ERRNO, &error) == SQLITE_OK &&
      error == EDQUOT)
    return SQLITE_FULL;
  return code;
}

// The log, as SQLite sees it: one of its C structures, the system's own file behind it in the same piece of memory.
// Used by one thread at a time, but for xSync, which does not look at what is gathered: the commits that it is called
// for are all in the file.
class LogFile : public sqlite3_file {
 public:
  explicit LogFile(sqlite3_file* real);

  static LogFile& of(sqlite3_file* file) { return *static_cast<LogFile*>(file); }
  [[nodiscard]] sqlite3_file* real() const { return real_; }
  void tell(Reserve& reserve) { reserve_ = &reserve; }

  int write(const void* data, int size, sqlite3_int64 offset);
  // Writes what is gathered.
  int flush();

 private:
  sqlite3_file* const real_;
  std::vector<std::byte> gathered_;
  sqlite3_int64 start_ = 0;  // of what is gathered, in the file
  sqlite3_int64 end_ = -1;   // of the last write; the log's own header, which is synced by itself, follows none
  std::uint32_t pages_ = 0;  // of the database, if the last header is of a frame that ends a commit
  Reserve* reserve_ = nullptr;
};

// Only what goes on where the last write ended is gathered. A page that a transaction writes again is written where it
// is at once, and so are the headers that SQLite mends because of it.
int LogFile::write(const void* data, int size, sqlite3_int64 offset) {
  const auto* bytes = static_cast<const std::byte*>(data);
  const bool goes_on = offset == end_;
  const bool ends_commit = size != kFrameHeaderSize && pages_ != 0;
  if (size == kFrameHeaderSize) {
    std::memcpy(&pages_, bytes + kCommitMark, sizeof(pages_));
    pages_ = be32toh(pages_);
  }
  end_ = offset + size;
  if (ends_commit && reserve_ != nullptr) reserve_->before_commit(end_, std::int64_t{pages_} * size);
  if (!goes_on) {
    const int flushed = flush();
    return flushed == SQLITE_OK ? told_apart(real_, real_->pMethods->xWrite(real_, data, size, offset)) : flushed;
  }
  if (gathered_.empty()) start_ = offset;
  try {
    gathered_.insert(gathered_.end(), bytes, bytes + size);
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
  return ends_commit || gathered_.size() >= kMostGathered ? flush() : SQLITE_OK;
}

int LogFile::flush() {
  int written = SQLITE_OK;
  for (std::size_t done = 0; done < gathered_.size() && written == SQLITE_OK; done += kMostWritten) {
    const std::size_t size = std::min(kMostWritten, gathered_.size() - done);
    written = real_->pMethods->xWrite(real_, gathered_.data() + done, static_cast<int>(size),
                                      start_ + static_cast<sqlite3_int64>(done));
  }
  gathered_.clear();
  return told_apart(real_, written);
}

int close(sqlite3_file* file) {
  LogFile& log = LogFile::of(file);
  // What a transaction left that was not committed: nobody will read it.
  const int closed = log.real()->pMethods->xClose(log.real());
  std::destroy_at(&log);
  return closed;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  return LogFile::of(file).write(data, size, offset);
}

// The system's own function.
template <auto function, typename... Arguments>
int pass_on(sqlite3_file* file, Arguments... arguments) {
  sqlite3_file* real = LogFile::of(file).real();
  return told_apart(real, (real->pMethods->*function)(real, arguments...));
}

// The same for what looks at the content: on a file that has all of it.
template <auto function, typename... Arguments>
int flush_and_pass_on(sqlite3_file* file, Arguments... arguments) {
  const int flushed = LogFile::of(file).flush();
  return flushed == SQLITE_OK ? pass_on<function>(file, arguments...) : flushed;
}

// Version 1: no shared memory and no mapping, which belong to the database's own file.
constexpr sqlite3_io_methods kLogMethods{
    .iVersion = 1,
    .xClose = close,
    .xRead = flush_and_pass_on<&sqlite3_io_methods::xRead>,
    .xWrite = write,
    .xTruncate = flush_and_pass_on<&sqlite3_io_methods::xTruncate>,
    .xSync = pass_on<&sqlite3_io_methods::xSync>,
    .xFileSize = flush_and_pass_on<&sqlite3_io_methods::xFileSize>,
    .xLock = pass_on<&sqlite3_io_methods::xLock>,
    .xUnlock = pass_on<&sqlite3_io_methods::xUnlock>,
    .xCheckReservedLock = pass_on<&sqlite3_io_methods::xCheckReservedLock>,
    .xFileControl = pass_on<&sqlite3_io_methods::xFileControl>,
    .xSectorSize = pass_on<&sqlite3_io_methods::xSectorSize>,
    .xDeviceCharacteristics = pass_on<&sqlite3_io_methods::xDeviceCharacteristics>,
};

LogFile::LogFile(sqlite3_file* real) : sqlite3_file{.pMethods = &kLogMethods}, real_(real) {}

constexpr const char* kName = "reprieve";
// Where the system's file begins behind ours.
constexpr std::size_t kRealOffset =
    (sizeof(LogFile) + alignof(std::max_align_t) - 1) / alignof(std::max_align_t) * alignof(std::max_align_t);

// The database's own file, of which some of the system's functions are replaced.
sqlite3_io_methods database_methods{};
const sqlite3_io_methods* system_methods = nullptr;

// A checkpoint that is complete cuts the file where it ends (walCheckpoint, wal.c), and that would give up the blocks
// beyond (ext4_setattr, fs/ext4/inode.c).
int truncate_database(sqlite3_file* file, sqlite3_int64 size) {
  sqlite3_int64 now = 0;
  if (system_methods->xFileSize(file, &now) == SQLITE_OK && now == size) return SQLITE_OK;
  return system_methods->xTruncate(file, size);
}

int read_database(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  return told_apart(file, system_methods->xRead(file, data, size, offset));
}

int write_database(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  return told_apart(file, system_methods->xWrite(file, data, size, offset));
}

void replace_functions(sqlite3_file* file) {
  [[maybe_unused]] static const bool once = [file] {
    system_methods = file->pMethods;
    database_methods = *system_methods;
    database_methods.xTruncate = truncate_database;
    database_methods.xRead = read_database;
    database_methods.xWrite = write_database;
    return true;
  }();
  if (file->pMethods == system_methods) file->pMethods = &database_methods;
}

sqlite3_vfs& system_vfs(sqlite3_vfs* ours) { return *static_cast<sqlite3_vfs*>(ours->pAppData); }

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* got_flags) {
  sqlite3_vfs& system = system_vfs(vfs);
  if ((flags & SQLITE_OPEN_WAL) == 0) {
    const int opened = system.xOpen(&system, name, file, flags, got_flags);
    if (opened == SQLITE_OK && (flags & SQLITE_OPEN_MAIN_DB) != 0) replace_functions(file);
    return opened;
  }
  auto* real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<std::byte*>(file) + kRealOffset);
  file->pMethods = nullptr;  // nothing to close when this fails
  const int opened = system.xOpen(&system, name, real, flags, got_flags);
  if (opened == SQLITE_OK) {
    new (file) LogFile(real);
    return SQLITE_OK;
  }
  if (real->pMethods != nullptr) real->pMethods->xClose(real);
  // The system's function has tried to read alone after that, and errno, which SQLite asks for next, says why not
  // (unixOpen, os_unix.c). Why it could not be made is what counts.
  if (opened == SQLITE_CANTOPEN) {
    const FileDescriptor made(::open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  }
  return opened;
}

// A copy of the system's, whose other functions do not mind which of the two they are called with.
sqlite3_vfs make_vfs() {
  sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs = *system;
  vfs.pNext = nullptr;
  vfs.zName = kName;
  vfs.pAppData = system;
  vfs.szOsFile = static_cast<int>(kRealOffset) + system->szOsFile;
  vfs.xOpen = open;
  return vfs;
}

}  // namespace

const char* gathering_vfs() {
  static sqlite3_vfs vfs = make_vfs();
  [[maybe_unused]] static const int registered = sqlite3_vfs_register(&vfs, 0);
  return kName;
}

void tell_of_commits(sqlite3_file* log, Reserve& reserve) { LogFile::of(log).tell(reserve); }

}  // namespace reprieve
