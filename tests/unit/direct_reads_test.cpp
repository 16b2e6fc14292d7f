// SPDX-License-Identifier: Apache-2.0
// A file system that lets a file be opened with O_DIRECT and refuses the reads (open(2), NOTES), and one that answers
// in parts. This program's pread(2) does so, which the dynamic linker prefers to the library's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace {

std::atomic<bool> refuses{false};
std::atomic<int> refused{0};
std::atomic<bool> shortens{false};
std::atomic<int> shortened{0};

ssize_t read_or_refuse(int file, void* data, std::size_t size, off_t offset) {
  if (refuses && (::fcntl(file, F_GETFL) & O_DIRECT) != 0) {
    ++refused;
    errno = EINVAL;
    return -1;
  }
  constexpr std::size_t kPart = 1000;
  if (shortens && size > kPart) {
    ++shortened;
    size = kPart;
  }
  return ::syscall(SYS_pread64, file, data, size, offset);
}

}  // namespace

extern "C" ssize_t pread(int file, void* data, std::size_t size, off_t offset) {
  return read_or_refuse(file, data, size, offset);
}
extern "C" ssize_t pread64(int file, void* data, std::size_t size, off64_t offset) {
  return read_or_refuse(file, data, size, offset);
}

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;

class Count final : public IntegrityListener {
 public:
  void found_damaged(const DamagedFile&, const std::string&) override { ++damaged; }
  void reads_through_cache() override { ++cached; }
  std::atomic<int> damaged{0};
  std::atomic<int> cached{0};
};

class DirectReads : public ::testing::Test {
 protected:
  // Until all files were looked at once more.
  void pass() {
    const auto compared = [this] { return must(volume_.core().figures()).integrity->compared; };
    for (int i = 0; i < 2; ++i) {
      volume_.clock().advance(1s);
      const Timestamp now = volume_.clock().now();
      ASSERT_TRUE(wait_until([&] { return compared() >= now; }));
    }
  }
  void SetUp() override {
    volume_.mkdir("projects/P");
    volume_.write("projects/P/large", std::string(3'000'000, 'x'));
    volume_.write("projects/P/small", "small");
    pass();
    volume_.core().set_integrity_listener(&count_);
  }
  void TearDown() override {
    refuses = shortens = false;
    EXPECT_EQ(count_.damaged, 0);
    EXPECT_EQ(must(volume_.core().figures()).integrity->damaged, 0U);
    const OpenFile file = volume_.open_file("projects/P/large", O_RDONLY);
    EXPECT_EQ(Volume::read(file).size(), 3'000'000U);
  }

  Count count_;
  Volume volume_{{.integrity = {.checksums = Checksums::scrub, .rate = std::uint64_t{1} << 40, .interval = 1ms}}};
};

TEST_F(DirectReads, WhereTheyAreRefusedFilesAreReadThroughTheCacheAndThatIsToldOnce) {
  refuses = true;
  pass();
  EXPECT_GT(refused, 0);
  EXPECT_EQ(count_.cached, 1);
}

TEST_F(DirectReads, WhatComesInPartsIsNotTakenForTheEnd) {
  shortens = true;
  pass();
  EXPECT_GT(shortened, 1000);
}

}  // namespace
}  // namespace reprieve::test
