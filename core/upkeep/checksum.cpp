// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/checksum.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

namespace reprieve {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20;
// Of the memory that O_DIRECT reads into: a page satisfies every file system (open(2), NOTES).
constexpr std::size_t kAlignment = 4096;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

}  // namespace

bool is_at_rest(int descriptor) {
  // Who opens the file in this moment waits for it to pass, and this process is told by a signal, which is to end
  // nobody.
  if (::fcntl(descriptor, F_SETSIG, SIGURG) != 0 || ::fcntl(descriptor, F_SETLEASE, F_RDLCK) != 0) return false;
  static_cast<void>(::fcntl(descriptor, F_SETLEASE, F_UNLCK));
  return true;
}

void FileSum::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

Result<FileSum> FileSum::begin(int descriptor) {
  FileSum sum;
  sum.descriptor_ = descriptor;
  sum.state_.reset(XXH3_createState());
  if (!sum.state_) return fail(Errc::out_of_memory);
  XXH3_128bits_reset(sum.state_.get());
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return fail(from_errno(errno, "reading a blob"));
  sum.size_ = status.st_size;
  const int flags = ::fcntl(descriptor, F_GETFL);
  sum.direct_ = ::fcntl(descriptor, F_SETFL, flags | O_DIRECT) == 0;
  return sum;
}

Result<std::size_t> FileSum::read_on(std::size_t about) {
  const std::unique_ptr<void, Free> buffer(std::aligned_alloc(kAlignment, kPiece));
  if (!buffer) return fail(Errc::out_of_memory);
  const auto piece = static_cast<off_t>(kPiece);
  std::size_t total = 0;
  while (offset_ < size_ && total < about) {
    const off_t data = ::lseek(descriptor_, offset_, SEEK_DATA);
    if (data < 0 && errno == ENXIO) offset_ = size_;  // nothing but a hole follows
    if (data > offset_) offset_ = data / piece * piece;
    if (offset_ >= size_) break;
    REPRIEVE_TRY(const std::size_t size, read_piece(static_cast<char*>(buffer.get())));
    const std::span<const char> bytes(static_cast<const char*>(buffer.get()), size);
    if (std::ranges::any_of(bytes, [](char byte) { return byte != 0; })) {
      const std::uint64_t place = htole64(static_cast<std::uint64_t>(offset_));
      add(&place, sizeof place);
      add(bytes.data(), size);
    }
    total += size;
    offset_ = size < kPiece ? size_ : offset_ + piece;
  }
  return total;
}

Result<std::size_t> FileSum::read_piece(char* piece) {
  std::size_t filled = 0;
  while (filled < kPiece && offset_ + static_cast<off_t>(filled) < size_) {
    const ssize_t got = ::pread(descriptor_, piece + filled, kPiece - filled, offset_ + static_cast<off_t>(filled));
    if (got == 0) break;  // it was cut off meanwhile
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
    } else if (errno == EINVAL && direct_) {
      read_through_cache();  // also behind a short read, where no direct one can start
    } else if (errno != EINTR) {
      return fail(from_errno(errno, "reading a blob"));
    }
  }
  return filled;
}

std::string FileSum::finish() {
  const std::uint64_t size = htole64(static_cast<std::uint64_t>(size_));
  add(&size, sizeof size);
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
  return {reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest};
}

void FileSum::add(const void* bytes, std::size_t size) { XXH3_128bits_update(state_.get(), bytes, size); }

// A file system may take the flag and refuse the reads (open(2), NOTES).
void FileSum::read_through_cache() {
  const int flags = ::fcntl(descriptor_, F_GETFL);
  static_cast<void>(::fcntl(descriptor_, F_SETFL, flags & ~O_DIRECT));
  direct_ = false;
}

}  // namespace reprieve
