// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/disk_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace reprieve::test {
namespace {

// By the system call itself: what the log looks at is no call of the store.
ino_t number_of(int at, const char* path, int flags) {
  struct stat status {};
  return ::syscall(SYS_newfstatat, at, path, &status, flags) == 0 ? status.st_ino : 0;
}

}  // namespace

DiskLog::DiskLog(const std::filesystem::path& top) : top_(top) {
  const MutexLock lock(mutex_);
  files_[number_of(AT_FDCWD, top.c_str(), 0)] = 0;
  observe_disk(top, this);
}

DiskLog::~DiskLog() { observe_disk({}, nullptr); }

void DiskLog::mark(std::size_t number) {
  const MutexLock lock(mutex_);
  events_.push_back({.kind = DiskEvent::Kind::mark, .offset = static_cast<off_t>(number)});
}

std::vector<DiskEvent> DiskLog::take() {
  const MutexLock lock(mutex_);
  return std::exchange(events_, {});
}

DiskFile DiskLog::file_of(int descriptor) {
  const auto found = files_.find(number_of(descriptor, "", AT_EMPTY_PATH));
  if (found == files_.end()) throw std::logic_error("a file that was there before the log");
  return found->second;
}

DiskFile DiskLog::file_at(const std::filesystem::path& path) {
  const auto found = files_.find(number_of(AT_FDCWD, (top_ / path).c_str(), AT_SYMLINK_NOFOLLOW));
  if (found == files_.end()) throw std::logic_error("a directory that was there before the log");
  return found->second;
}

std::int64_t DiskLog::around(const DiskRequest& request, const std::function<std::int64_t()>& real) {
  if (request.call == DiskCall::statement || request.call == DiskCall::memory) return real();
  const MutexLock lock(mutex_);
  if (const int refused = refuse(request); refused != 0) {
    errno = refused;
    return -1;
  }
  const bool names = request.call == DiskCall::make || request.call == DiskCall::mkdir ||
                     request.call == DiskCall::unlink || request.call == DiskCall::rename;
  if (request.call == DiskCall::unlink && number_of(request.descriptor, request.path, AT_SYMLINK_NOFOLLOW) == 0)
    return real();
  const std::int64_t result = real();
  const int error = errno;
  if (result >= 0) names ? record_name(request, result) : record(request, result);
  errno = error;
  return result;
}

void DiskLog::record(const DiskRequest& request, std::int64_t result) {
  using Kind = DiskEvent::Kind;
  if (request.call == DiskCall::open && (request.flags & O_TRUNC) != 0) {
    events_.push_back({.kind = Kind::truncate, .file = file_of(static_cast<int>(result))});
  } else if (request.call == DiskCall::write) {
    events_.push_back({.kind = Kind::write,
                       .file = file_of(request.descriptor),
                       .bytes = std::string(static_cast<const char*>(request.data), static_cast<std::size_t>(result)),
                       .offset = request.offset});
  } else if (request.call == DiskCall::truncate) {
    events_.push_back({.kind = Kind::truncate, .file = file_of(request.descriptor), .offset = request.offset});
  } else if (request.call == DiskCall::allocate && (request.flags & FALLOC_FL_KEEP_SIZE) == 0) {
    throw std::logic_error("an allocation that changes the length is not in the model of the disk");
  } else if (request.call == DiskCall::sync || request.call == DiskCall::data_sync) {
    events_.push_back({.kind = Kind::sync, .file = file_of(request.descriptor)});
  }
}

void DiskLog::record_name(const DiskRequest& request, std::int64_t result) {
  using Kind = DiskEvent::Kind;
  if (request.call == DiskCall::rename) throw std::logic_error("a rename is not in the model of the disk");
  const std::filesystem::path path = watched_path(request.descriptor, request.path);
  const DiskFile directory = file_at(path.parent_path());
  if (request.call == DiskCall::unlink) {
    events_.push_back({.kind = Kind::remove, .directory = directory, .name = path.filename()});
    return;
  }
  const bool is_file = request.call == DiskCall::make;
  const ino_t number =
      is_file ? number_of(static_cast<int>(result), "", AT_EMPTY_PATH) : number_of(AT_FDCWD, (top_ / path).c_str(), 0);
  files_[number] = ++last_;
  events_.push_back({.kind = is_file ? Kind::make : Kind::make_directory,
                     .file = last_,
                     .directory = directory,
                     .name = path.filename()});
}

}  // namespace reprieve::test
