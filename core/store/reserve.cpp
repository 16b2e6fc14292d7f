// SPDX-License-Identifier: Apache-2.0
#include "core/store/reserve.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <limits>

namespace reprieve {
namespace {

// A deletion adds some hundred bytes: half of it is for ten thousand of them.
constexpr std::int64_t kDatabaseAhead = std::int64_t{8} * 1024 * 1024;
// Several times the largest transaction. It never has to hold more: it starts over when it is low.
constexpr std::int64_t kLogAhead = std::int64_t{4} * 1024 * 1024;
constexpr std::int64_t kBlock = 512;  // of st_blocks (stat(3type))

}  // namespace

Reserve::Reserve(const std::filesystem::path& file)
    : database_(file, kDatabaseAhead), log_(file.string() + "-wal", kLogAhead) {
  // The log first: it gave its blocks up at the last stop, and the database would take them.
  static_cast<void>(log_.extend());
  static_cast<void>(database_.extend());
}

Reserve::Ahead::Ahead(const std::filesystem::path& path, std::int64_t size)
    : file_(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)), size_(size) {
  struct stat attributes {};
  if (file_ && ::fstat(file_.get(), &attributes) == 0) end_ = attributes.st_size;
}

bool Reserve::Ahead::extend() {
  const std::int64_t wanted = end_ + size_;
  int result = 0;
  do {
    result = ::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, wanted);
  } while (result != 0 && errno == EINTR);
  if (result == 0) {
    covered_ = wanted;
    return true;
  }
  if (errno != ENOSPC && errno != EDQUOT) {
    covered_ = std::numeric_limits<std::int64_t>::max();
    return true;
  }
  // What was got before the disk was full stays. Neither file has holes.
  struct stat attributes {};
  if (::fstat(file_.get(), &attributes) == 0) covered_ = attributes.st_blocks * kBlock;
  return !is_low();
}

}  // namespace reprieve
