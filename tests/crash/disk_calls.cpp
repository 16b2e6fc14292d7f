// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/disk_calls.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace reprieve::test {
namespace {

// Interposed functions take no argument but those of the C library: what they need besides is here.
constexpr std::size_t kMostDescriptors = 65536;
std::array<std::atomic<bool>, kMostDescriptors> watched_descriptors;
std::atomic<DiskObserver*> observer{nullptr};
std::string top;

bool is_watched(int descriptor) {
  return descriptor >= 0 && static_cast<std::size_t>(descriptor) < kMostDescriptors &&
         watched_descriptors[static_cast<std::size_t>(descriptor)].load(std::memory_order_relaxed);
}

bool is_watched(int directory, const char* path) {
  if (path == nullptr) return is_watched(directory);
  if (path[0] != '/') return is_watched(directory);
  return std::string_view(path).starts_with(top) && (path[top.size()] == '/' || path[top.size()] == '\0');
}

void watch(std::int64_t descriptor, bool watched) {
  if (descriptor >= 0 && static_cast<std::size_t>(descriptor) < kMostDescriptors)
    watched_descriptors[static_cast<std::size_t>(descriptor)] = watched;
}

// The next definition of the function that the caller interposes: the library's own.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

template <typename Real>
std::int64_t observed(const DiskRequest& request, Real real) {
  DiskObserver* const by = observer.load(std::memory_order_acquire);
  const bool concerns = request.call == DiskCall::statement || request.call == DiskCall::memory ||
                        is_watched(request.descriptor, request.path);
  if (by == nullptr || !concerns) return static_cast<std::int64_t>(real());
  return by->around(request, [&] { return static_cast<std::int64_t>(real()); });
}

int open_file(const char* function, int directory, const char* path, int flags, mode_t mode) {
  const auto real = [&] { return ::syscall(SYS_openat, directory, path, flags, mode); };
  if (observer.load(std::memory_order_relaxed) == nullptr || !is_watched(directory, path))
    return static_cast<int>(real());
  struct stat status {};
  const bool makes = (flags & O_CREAT) != 0 &&
                     ::syscall(SYS_newfstatat, directory, path, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
  const DiskRequest request{.call = makes ? DiskCall::make : DiskCall::open,
                            .function = function,
                            .descriptor = directory,
                            .path = path,
                            .flags = flags};
  const std::int64_t opened = observed(request, [&] {
    const std::int64_t got = real();
    watch(got, got >= 0);
    return got;
  });
  return static_cast<int>(opened);
}

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

void observe_disk(const std::filesystem::path& directory, DiskObserver* by) {
  observer.store(nullptr, std::memory_order_release);
  for (auto& descriptor : watched_descriptors) descriptor = false;
  top = directory.string();
  observer.store(by, std::memory_order_release);
}

std::string watched_path(int descriptor, const char* path) {
  std::string whole;
  if (path == nullptr || path[0] != '/') {
    std::array<char, PATH_MAX> buffer{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    if (::syscall(SYS_readlink, link.c_str(), buffer.data(), buffer.size() - 1) < 0) return {};
    whole = buffer.data();
    if (path != nullptr && *path != '\0') whole += std::string("/") + path;
  } else {
    whole = path;
  }
  return whole.size() > top.size() ? whole.substr(top.size() + 1) : std::string();
}

}  // namespace reprieve::test

using reprieve::test::DiskCall;
using reprieve::test::observed;
using reprieve::test::open_file;

#define REPRIEVE_INTERPOSE extern "C" __attribute__((visibility("default")))

#define REPRIEVE_INTERPOSE_OPEN(name)                              \
  REPRIEVE_INTERPOSE int name(const char* path, int flags, ...) {  \
    va_list arguments;                                             \
    va_start(arguments, flags);                                    \
    const mode_t mode = reprieve::test::mode_of(flags, arguments); \
    va_end(arguments);                                             \
    return open_file(#name, AT_FDCWD, path, flags, mode);          \
  }
#define REPRIEVE_INTERPOSE_OPENAT(name)                                          \
  REPRIEVE_INTERPOSE int name(int directory, const char* path, int flags, ...) { \
    va_list arguments;                                                           \
    va_start(arguments, flags);                                                  \
    const mode_t mode = reprieve::test::mode_of(flags, arguments);               \
    va_end(arguments);                                                           \
    return open_file(#name, directory, path, flags, mode);                       \
  }
REPRIEVE_INTERPOSE_OPEN(open)
REPRIEVE_INTERPOSE_OPEN(open64)
REPRIEVE_INTERPOSE_OPENAT(openat)
REPRIEVE_INTERPOSE_OPENAT(openat64)

// Never refused: a descriptor that is closed is gone whatever is answered (close(2)).
REPRIEVE_INTERPOSE int close(int descriptor) {
  reprieve::test::watch(descriptor, false);
  return static_cast<int>(::syscall(SYS_close, descriptor));
}

// The functions of one file, and of one name: `arguments` are what the system call takes.
#define REPRIEVE_INTERPOSE_CALL(result, name, parameters, request, ...)                                     \
  REPRIEVE_INTERPOSE result name parameters {                                                               \
    return static_cast<result>(observed(REPRIEVE_REQUEST request, [&] { return ::syscall(__VA_ARGS__); })); \
  }
#define REPRIEVE_REQUEST(of, by, ...) \
  reprieve::test::DiskRequest { .call = DiskCall::of, .function = by, __VA_ARGS__ }

REPRIEVE_INTERPOSE_CALL(int, mkdir, (const char* path, mode_t mode),
                        (mkdir, "mkdir", .descriptor = AT_FDCWD, .path = path), SYS_mkdir, path, mode)
REPRIEVE_INTERPOSE_CALL(int, mkdirat, (int at, const char* path, mode_t mode),
                        (mkdir, "mkdirat", .descriptor = at, .path = path), SYS_mkdirat, at, path, mode)
REPRIEVE_INTERPOSE_CALL(int, unlink, (const char* path), (unlink, "unlink", .descriptor = AT_FDCWD, .path = path),
                        SYS_unlink, path)
REPRIEVE_INTERPOSE_CALL(int, rmdir, (const char* path),
                        (unlink, "rmdir", .descriptor = AT_FDCWD, .path = path, .flags = AT_REMOVEDIR), SYS_rmdir, path)
REPRIEVE_INTERPOSE_CALL(int, unlinkat, (int at, const char* path, int flags),
                        (unlink, "unlinkat", .descriptor = at, .path = path, .flags = flags), SYS_unlinkat, at, path,
                        flags)
REPRIEVE_INTERPOSE_CALL(int, rename, (const char* from, const char* to),
                        (rename, "rename", .descriptor = AT_FDCWD, .path = from, .new_path = to), SYS_rename, from, to)
REPRIEVE_INTERPOSE_CALL(int, renameat, (int at, const char* from, int to_at, const char* to),
                        (rename, "renameat", .descriptor = at, .path = from, .new_path = to), SYS_renameat, at, from,
                        to_at, to)
REPRIEVE_INTERPOSE_CALL(int, ftruncate, (int file, off_t length),
                        (truncate, "ftruncate", .descriptor = file, .offset = length), SYS_ftruncate, file, length)
REPRIEVE_INTERPOSE_CALL(int, ftruncate64, (int file, off_t length),
                        (truncate, "ftruncate64", .descriptor = file, .offset = length), SYS_ftruncate, file, length)
REPRIEVE_INTERPOSE_CALL(int, fallocate, (int file, int mode, off_t offset, off_t length),
                        (allocate, "fallocate", .descriptor = file, .offset = offset + length, .flags = mode),
                        SYS_fallocate, file, mode, offset, length)
REPRIEVE_INTERPOSE_CALL(ssize_t, pread, (int file, void* data, size_t size, off_t offset),
                        (read, "pread", .descriptor = file, .size = size, .offset = offset), SYS_pread64, file, data,
                        size, offset)
REPRIEVE_INTERPOSE_CALL(ssize_t, pread64, (int file, void* data, size_t size, off_t offset),
                        (read, "pread64", .descriptor = file, .size = size, .offset = offset), SYS_pread64, file, data,
                        size, offset)
REPRIEVE_INTERPOSE_CALL(ssize_t, pwrite, (int file, const void* data, size_t size, off_t offset),
                        (write, "pwrite", .descriptor = file, .data = data, .size = size, .offset = offset),
                        SYS_pwrite64, file, data, size, offset)
REPRIEVE_INTERPOSE_CALL(ssize_t, pwrite64, (int file, const void* data, size_t size, off_t offset),
                        (write, "pwrite64", .descriptor = file, .data = data, .size = size, .offset = offset),
                        SYS_pwrite64, file, data, size, offset)
REPRIEVE_INTERPOSE_CALL(ssize_t, read, (int file, void* data, size_t size),
                        (read, "read", .descriptor = file, .size = size), SYS_read, file, data, size)
REPRIEVE_INTERPOSE ssize_t write(int file, const void* data, size_t size) {
  const off_t offset = reprieve::test::is_watched(file) ? ::lseek(file, 0, SEEK_CUR) : 0;
  const reprieve::test::DiskRequest request{
      .call = DiskCall::write, .function = "write", .descriptor = file, .data = data, .size = size, .offset = offset};
  return observed(request, [&] { return ::syscall(SYS_write, file, data, size); });
}
REPRIEVE_INTERPOSE_CALL(int, fsync, (int file), (sync, "fsync", .descriptor = file), SYS_fsync, file)
REPRIEVE_INTERPOSE_CALL(int, fdatasync, (int file), (data_sync, "fdatasync", .descriptor = file), SYS_fdatasync, file)
REPRIEVE_INTERPOSE_CALL(int, chmod, (const char* path, mode_t mode),
                        (change, "chmod", .descriptor = AT_FDCWD, .path = path), SYS_chmod, path, mode)
REPRIEVE_INTERPOSE_CALL(int, fchmod, (int file, mode_t mode), (change, "fchmod", .descriptor = file), SYS_fchmod, file,
                        mode)
REPRIEVE_INTERPOSE_CALL(int, futimens, (int file, const timespec* times), (change, "futimens", .descriptor = file),
                        SYS_utimensat, file, nullptr, times, 0)
REPRIEVE_INTERPOSE_CALL(int, utimensat, (int at, const char* path, const timespec* times, int flags),
                        (change, "utimensat", .descriptor = at, .path = path), SYS_utimensat, at, path, times, flags)
REPRIEVE_INTERPOSE_CALL(int, stat, (const char* path, struct stat* status),
                        (stat, "stat", .descriptor = AT_FDCWD, .path = path), SYS_newfstatat, AT_FDCWD, path, status, 0)
REPRIEVE_INTERPOSE_CALL(int, stat64, (const char* path, struct stat64* status),
                        (stat, "stat64", .descriptor = AT_FDCWD, .path = path), SYS_newfstatat, AT_FDCWD, path, status,
                        0)
REPRIEVE_INTERPOSE_CALL(int, lstat, (const char* path, struct stat* status),
                        (stat, "lstat", .descriptor = AT_FDCWD, .path = path), SYS_newfstatat, AT_FDCWD, path, status,
                        AT_SYMLINK_NOFOLLOW)
REPRIEVE_INTERPOSE_CALL(int, lstat64, (const char* path, struct stat64* status),
                        (stat, "lstat64", .descriptor = AT_FDCWD, .path = path), SYS_newfstatat, AT_FDCWD, path, status,
                        AT_SYMLINK_NOFOLLOW)
REPRIEVE_INTERPOSE_CALL(int, fstat, (int file, struct stat* status), (stat, "fstat", .descriptor = file), SYS_fstat,
                        file, status)
REPRIEVE_INTERPOSE_CALL(int, fstat64, (int file, struct stat64* status), (stat, "fstat64", .descriptor = file),
                        SYS_fstat, file, status)
REPRIEVE_INTERPOSE_CALL(int, fstatat, (int at, const char* path, struct stat* status, int flags),
                        (stat, "fstatat", .descriptor = at, .path = path), SYS_newfstatat, at, path, status, flags)
REPRIEVE_INTERPOSE_CALL(int, access, (const char* path, int mode),
                        (stat, "access", .descriptor = AT_FDCWD, .path = path), SYS_access, path, mode)

// What is no single system call is the C library's own.
REPRIEVE_INTERPOSE int fstatvfs(int file, struct statvfs* figures) {
  static auto* const real = reprieve::test::next<int(int, struct statvfs*)>("fstatvfs");
  return static_cast<int>(observed({.call = DiskCall::stat, .function = "fstatvfs", .descriptor = file},
                                   [&] { return real(file, figures); }));
}

REPRIEVE_INTERPOSE DIR* fdopendir(int directory) {
  static auto* const real = reprieve::test::next<DIR*(int)>("fdopendir");
  DIR* opened = nullptr;
  observed({.call = DiskCall::list, .function = "fdopendir", .descriptor = directory}, [&] {
    opened = real(directory);
    return opened != nullptr ? 0 : -1;
  });
  return opened;
}

REPRIEVE_INTERPOSE dirent* readdir(DIR* stream) {
  static auto* const real = reprieve::test::next<dirent*(DIR*)>("readdir");
  dirent* entry = nullptr;
  observed({.call = DiskCall::list, .function = "readdir", .descriptor = ::dirfd(stream)}, [&] {
    entry = real(stream);
    return 0;
  });
  return entry;
}

REPRIEVE_INTERPOSE int sqlite3_step(sqlite3_stmt* statement) {
  static auto* const real = reprieve::test::next<int(sqlite3_stmt*)>("sqlite3_step");
  return static_cast<int>(
      observed({.call = DiskCall::statement, .function = "sqlite3_step", .sql = ::sqlite3_sql(statement)},
               [&] { return real(statement); }));
}

REPRIEVE_INTERPOSE int sqlite3_wal_checkpoint_v2(sqlite3* database, const char* name, int mode, int* log, int* done) {
  static auto* const real =
      reprieve::test::next<int(sqlite3*, const char*, int, int*, int*)>("sqlite3_wal_checkpoint_v2");
  return static_cast<int>(
      observed({.call = DiskCall::statement, .function = "sqlite3_wal_checkpoint_v2", .sql = "checkpoint"},
               [&] { return real(database, name, mode, log, done); }));
}

namespace reprieve::test {
namespace {

constexpr std::array kFunctions{"open",     "open64",    "openat",    "openat64",     "close",
                                "mkdir",    "mkdirat",   "unlink",    "rmdir",        "unlinkat",
                                "rename",   "renameat",  "ftruncate", "ftruncate64",  "fallocate",
                                "pread",    "pread64",   "pwrite",    "pwrite64",     "read",
                                "write",    "fsync",     "fdatasync", "chmod",        "fchmod",
                                "futimens", "utimensat", "stat",      "stat64",       "lstat",
                                "lstat64",  "fstat",     "fstat64",   "fstatat",      "access",
                                "fstatvfs", "fdopendir", "readdir",   "sqlite3_step", "sqlite3_wal_checkpoint_v2"};

// SQLite's allocations, through its own seam (https://www.sqlite.org/malloc.html).
sqlite3_mem_methods system_memory{};

void* allocate(int size) {
  void* got = nullptr;
  observed({.call = DiskCall::memory, .function = "malloc", .size = static_cast<std::size_t>(size)}, [&] {
    got = system_memory.xMalloc(size);
    return 0;
  });
  return got;
}

void* reallocate(void* old, int size) {
  void* got = nullptr;
  observed({.call = DiskCall::memory, .function = "realloc", .size = static_cast<std::size_t>(size)}, [&] {
    got = system_memory.xRealloc(old, size);
    return 0;
  });
  return got;
}

// Before SQLite is initialised, which the first connection does.
[[maybe_unused]] const int configured = [] {
  ::sqlite3_config(SQLITE_CONFIG_GETMALLOC, &system_memory);
  sqlite3_mem_methods methods = system_memory;
  methods.xMalloc = allocate;
  methods.xRealloc = reallocate;
  return ::sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}();

}  // namespace

const char* const* observed_functions(std::size_t& count) {
  count = kFunctions.size();
  return kFunctions.data();
}

}  // namespace reprieve::test
