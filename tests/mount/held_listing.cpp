// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/held_listing.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace reprieve::test {
namespace {

constexpr std::size_t kSize = 4096;

void must(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

uffdio_range range_of(void* memory) { return {.start = reinterpret_cast<std::uintptr_t>(memory), .len = kSize}; }

}  // namespace

HeldListing::HeldListing(const std::filesystem::path& directory)
    : faults_(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC))) {
  must(static_cast<bool>(faults_), "userfaultfd");
  uffdio_api api{.api = UFFD_API, .features = 0, .ioctls = 0};
  must(::ioctl(faults_.get(), UFFDIO_API, &api) == 0, "UFFDIO_API");
  memory_ = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(memory_ != MAP_FAILED, "mmap");
  uffdio_register registration{.range = range_of(memory_), .mode = UFFDIO_REGISTER_MODE_MISSING, .ioctls = 0};
  must(::ioctl(faults_.get(), UFFDIO_REGISTER, &registration) == 0, "UFFDIO_REGISTER");
  FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  must(static_cast<bool>(opened), directory.c_str());
  reader_ = std::thread([this, listed = std::move(opened)] {
    static_cast<void>(::syscall(SYS_getdents64, listed.get(), memory_, kSize));
  });
  uffd_msg message{};
  must(::read(faults_.get(), &message, sizeof message) == sizeof message, "a page fault");
}

HeldListing::~HeldListing() {
  release();
  ::munmap(memory_, kSize);
}

void HeldListing::release() {
  if (!reader_.joinable()) return;
  uffdio_zeropage page{.range = range_of(memory_), .mode = 0, .zeropage = 0};
  must(::ioctl(faults_.get(), UFFDIO_ZEROPAGE, &page) == 0, "UFFDIO_ZEROPAGE");
  reader_.join();
}

}  // namespace reprieve::test
