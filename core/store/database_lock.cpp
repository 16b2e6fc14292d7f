// SPDX-License-Identifier: Apache-2.0
#include "core/store/database_lock.h"

#include <fcntl.h>

#include <cerrno>

namespace reprieve {
namespace {

constexpr off_t kFirst = 0x40000000;
constexpr off_t kCount = 512;

struct flock bytes(short kind) {
  return {.l_type = kind, .l_whence = SEEK_SET, .l_start = kFirst, .l_len = kCount, .l_pid = 0};
}

Error in_use() { return {Errc::store_locked, "it is in use by another process"}; }

}  // namespace

Result<DatabaseLock> DatabaseLock::take(const std::filesystem::path& database) {
  DatabaseLock lock;
  lock.file_ = FileDescriptor(::open(database.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!lock.file_) {
    if (errno == ENOENT) return lock;
    return fail(from_errno(errno, database.string()));
  }
  struct flock wanted = bytes(F_WRLCK);
  if (::fcntl(lock.file_.get(), F_OFD_SETLK, &wanted) == 0) return lock;
  if (errno != EAGAIN && errno != EACCES) return fail(from_errno(errno, database.string()));
  return fail(Errc::store_locked, database.string() + " is in use by another process");
}

Result<void> DatabaseLock::check(const FileDescriptor& database) {
  struct flock asked = bytes(F_WRLCK);
  if (::fcntl(database.get(), F_OFD_GETLK, &asked) != 0) return fail(from_errno(errno, "a database"));
  if (asked.l_type != F_UNLCK) return fail(in_use());
  return {};
}

}  // namespace reprieve
