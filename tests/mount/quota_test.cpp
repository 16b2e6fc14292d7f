// SPDX-License-Identifier: Apache-2.0
// What a quota lets programs write: to the byte where little is left, by every way that a file grows, with the kernel's
// passthrough and without.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

constexpr off_t kLimit = 1 << 20;

class QuotaInTheMount : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    return {.configuration = std::string("[fuse]\npassthrough = \"") + GetParam() + "\"\n"};
  }
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) ctl({"account", "set", "lab", "--quota", "1M"});
  }
  [[nodiscard]] FileDescriptor open(const std::string& name, int flags = O_CREAT | O_RDWR) const {
    FileDescriptor file(::open((project() / name).c_str(), flags | O_CLOEXEC, 0644));
    EXPECT_TRUE(file) << name << ": errno " << errno;
    return file;
  }
  [[nodiscard]] off_t size(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(::stat((project() / name).c_str(), &status), 0);
    return status.st_size;
  }
  // Writes until that fails. The errno.
  static int fill(const FileDescriptor& file, std::size_t piece) {
    const std::string bytes(piece, 'x');
    for (int i = 0; i < 100'000; ++i) {
      if (::write(file.get(), bytes.data(), bytes.size()) <= 0) return errno;
    }
    return 0;
  }
  [[nodiscard]] std::uint64_t left() const {
    struct statvfs figures {};
    EXPECT_EQ(::statvfs(mount().c_str(), &figures), 0);
    return figures.f_bavail * figures.f_frsize;
  }
};

TEST_P(QuotaInTheMount, AWriteEndsAtTheByte) {
  {
    const FileDescriptor file = open("f");
    EXPECT_EQ(fill(file, 100'000), EDQUOT);
    EXPECT_EQ(size("f"), kLimit);
    EXPECT_EQ(left(), 0U);
    // Over what is there already anybody may write, and what is open goes on.
    EXPECT_EQ(::pwrite(file.get(), "again", 5, 10), 5);
    EXPECT_EQ(::ftruncate(file.get(), kLimit / 2), 0);
    EXPECT_EQ(::pwrite(file.get(), "end", 3, kLimit / 2), 3);
  }
  EXPECT_EQ(size("f"), kLimit / 2 + 3);
  EXPECT_EQ(left(), (kLimit / 2 - 3) / 4096U * 4096U);
}

TEST_P(QuotaInTheMount, SeveralWritersTogether) {
  constexpr int kWriters = 4;
  // Made before anybody writes: nothing new may be made in an account that is full.
  std::vector<FileDescriptor> files;
  for (int i = 0; i < kWriters; ++i) files.push_back(open("f" + std::to_string(i)));
  std::vector<std::thread> writers;
  std::vector<int> ends(kWriters);
  for (std::size_t i = 0; i < kWriters; ++i) {
    writers.emplace_back([&files, &ends, i] { ends[i] = fill(files[i], 4093); });
  }
  for (std::thread& writer : writers) writer.join();
  off_t together = 0;
  for (int i = 0; i < kWriters; ++i) {
    EXPECT_EQ(ends[static_cast<std::size_t>(i)], EDQUOT);
    together += size("f" + std::to_string(i));
  }
  EXPECT_EQ(together, kLimit);
}

TEST_P(QuotaInTheMount, EveryWayToGrow) {
  const FileDescriptor file = open("f");
  ASSERT_EQ(::ftruncate(file.get(), kLimit - 10), 0);
  EXPECT_EQ(errno_of(::ftruncate(file.get(), kLimit + 1)), EDQUOT);
  EXPECT_EQ(errno_of(::fallocate(file.get(), 0, 0, kLimit + 1)), EDQUOT);
  EXPECT_EQ(errno_of(::pwrite(file.get(), "x", 1, kLimit)), EDQUOT);
  EXPECT_EQ(::fallocate(file.get(), 0, 0, kLimit - 5), 0);
  EXPECT_EQ(size("f"), kLimit - 5);
  EXPECT_EQ(::pwrite(file.get(), "0123456789", 10, kLimit - 5), 5);
  ASSERT_EQ(::ftruncate(file.get(), 100), 0);
  const FileDescriptor copy = open("copy");
  ASSERT_EQ(::ftruncate(copy.get(), kLimit - 150), 0);
  off_t from = 0;
  off_t to = kLimit - 150;
  EXPECT_EQ(::copy_file_range(file.get(), &from, copy.get(), &to, 1 << 30, 0), 50);
  EXPECT_EQ(errno_of(::copy_file_range(file.get(), &from, copy.get(), &to, 1 << 30, 0)), EDQUOT);
  EXPECT_EQ(errno_of(::truncate((project() / "f").c_str(), 101)), EDQUOT);
  EXPECT_EQ(size("f") + size("copy"), kLimit);
}

TEST_P(QuotaInTheMount, WhoAppendsTogetherLosesNothing) {
  constexpr int kLines = 500;
  const std::string line = "sixteen bytes..\n";
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&] {
      const FileDescriptor file = open("log", O_CREAT | O_WRONLY | O_APPEND);
      for (int n = 0; n < kLines; ++n) {
        EXPECT_EQ(::write(file.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(size("log"), static_cast<off_t>(3 * kLines * line.size()));
}

TEST_P(QuotaInTheMount, WhatIsWrittenIsReadAndMapped) {
  const FileDescriptor file = open("f");
  ASSERT_EQ(::pwrite(file.get(), "written", 7, 0), 7);
  void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  char* const bytes = static_cast<char*>(mapped);
  EXPECT_EQ(std::string(bytes, 7), "written");
  ASSERT_EQ(::pwrite(file.get(), "W", 1, 0), 1);
  EXPECT_EQ(bytes[0], 'W');
  bytes[1] = 'R';
  ASSERT_EQ(::msync(mapped, 4096, MS_SYNC), 0);
  ::munmap(mapped, 4096);
  EXPECT_EQ(read_file(project() / "f"), "WRitten");
}

TEST_P(QuotaInTheMount, AFileThatOutgrewAFarQuotaIsNoticedWhileItIsOpen) {
  // So far off that the kernel may write by itself. The disk holds a hole of that size, or the test says nothing.
  ctl({"account", "set", "lab", "--quota", "100G"});
  const FileDescriptor file = open("f");
  constexpr off_t kFar = off_t{120} << 30;
  if (::pwrite(file.get(), "x", 1, kFar) != 1) {
    EXPECT_TRUE(errno == EDQUOT || errno == EFBIG) << errno;
    return;
  }
  EXPECT_EQ(left(), 0U);
  EXPECT_EQ(errno_of(::open((project() / "more").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), EDQUOT);
}

INSTANTIATE_TEST_SUITE_P(DataPath, QuotaInTheMount, ::testing::Values("auto", "off"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace reprieve::test
