// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

// The seam below the store. A test program that has disk_calls.cpp among its sources sees every call that it makes of
// the C library for a file of the store, whoever makes it: the store itself, SQLite or the standard library, and every
// statement that is carried out. The symbols of an executable come before those of the libraries (ld.so(8)), so that
// nothing of the product takes part. A call that the product begins to use has to be added here.
namespace reprieve::test {

enum class DiskCall : std::uint8_t {
  open,
  make,  // open(2) of a file that is not there
  mkdir,
  unlink,
  rename,
  read,
  write,
  truncate,
  allocate,  // fallocate(2)
  stat,
  change,  // times and mode
  list,
  sync,       // fsync(2)
  data_sync,  // fdatasync(2)
  statement,  // sqlite3_step and what is like it
  memory,     // an allocation of SQLite's
};

struct DiskRequest {
  DiskCall call;
  const char* function;
  int descriptor = -1;         // of the file, or of the directory that `path` is relative to
  const char* path = nullptr;  // of what is named
  const char* new_path = nullptr;
  const void* data = nullptr;
  std::size_t size = 0;
  off_t offset = 0;           // of reads and writes; the new length
  int flags = 0;              // of open and fallocate
  const char* sql = nullptr;  // of a statement
};

// Called in place of the C library, by any thread, for what concerns a watched file, for statements and for SQLite's
// allocations. `real` makes the call. Returns what the call returns; with -1, errno says why. A statement returns
// SQLite's code, an allocation 0 for none.
class DiskObserver {
 public:
  virtual ~DiskObserver() = default;
  virtual std::int64_t around(const DiskRequest& request, const std::function<std::int64_t()>& real) = 0;
};

// Files below `top` are watched from now on, by `observer`. One at a time; null for none. No other thread may be inside
// a call when it is taken away.
void observe_disk(const std::filesystem::path& top, DiskObserver* observer);
// Of a watched descriptor, or a descriptor and a path, what lies below the watched directory: relative to it.
std::string watched_path(int descriptor, const char* path);

// The functions that are seen.
const char* const* observed_functions(std::size_t& count);

}  // namespace reprieve::test
