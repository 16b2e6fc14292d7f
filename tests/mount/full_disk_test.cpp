// SPDX-License-Identifier: Apache-2.0
// A store on a disk of its own that is filled to the last block.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/mount/small_disk.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

constexpr int kFiles = 300;

// Returns the errno that ended it.
int write_to(const std::filesystem::path& path, std::size_t most) {
  const std::string piece(std::size_t{64} * 1024, 'x');
  const FileDescriptor file(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) return errno;
  for (std::size_t written = 0; written < most;) {
    const ssize_t got = ::write(file.get(), piece.data(), piece.size());
    if (got <= 0) return errno;
    written += static_cast<std::size_t>(got);
  }
  // What a disk that counts late only now finds that it has no room for.
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = disk_.make(); !why.empty()) GTEST_SKIP() << why;
    daemon_ = std::make_unique<DaemonProcess>(directory_.path(), DaemonOptions{.disk_fails = true});
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
    std::filesystem::create_directories(project() / "many");
    for (int i = 0; i < kFiles; ++i) ASSERT_EQ(write_to(many(i), 1), 0);
  }

  void TearDown() override {
    if (daemon_ && daemon_->running()) {
      EXPECT_EQ(daemon_->stop(), 0);
    }
    daemon_.reset();
  }

  [[nodiscard]] std::filesystem::path project() const { return daemon_->mount() / "projects/P"; }
  [[nodiscard]] std::filesystem::path many(int number) const { return project() / "many" / std::to_string(number); }

  // With data, and then with names, until neither is taken any more.
  void fill() const {
    ASSERT_EQ(write_to(project() / "big", std::size_t{1} << 30), ENOSPC);
    constexpr int kMoreThanFit = 1'000'000;
    int folders = 0;
    // Long names, so that it takes fewer.
    const std::string name = project() / std::string(240, 'd');
    while (folders < kMoreThanFit && ::mkdir((name + std::to_string(folders)).c_str(), 0755) == 0) ++folders;
    ASSERT_EQ(errno, ENOSPC) << folders;
  }

  void succeed(const std::vector<std::string>& arguments) const {
    const CommandResult result = daemon_->ctl(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.describe();
  }

  void delete_and_bring_back(int first, int end) const {
    for (int i = first; i < end; ++i) ASSERT_EQ(errno_of(::unlink(many(i).c_str())), 0) << i;
    for (int i = first; i < end; i += 2) {
      const std::filesystem::path item = daemon_->mount() / ".trash" / std::to_string(i);
      ASSERT_EQ(errno_of(::rename(item.c_str(), many(i).c_str())), 0) << i;
    }
    succeed({"trash", "--yes", "projects/P/many/" + std::to_string(first)});
  }

  void give_space_back() const {
    ASSERT_EQ(errno_of(::unlink((project() / "big").c_str())), 0);
    succeed({"empty", "--yes"});
    EXPECT_TRUE(wait_until([this] { return ::mkdir((project() / "again").c_str(), 0755) == 0; }));
    EXPECT_TRUE(wait_until([this] { return write_to(project() / "new", std::size_t{16} << 20) == 0; }));
  }

  TemporaryDirectory directory_;
  SmallDisk disk_{directory_.path()};
  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(FullDisk, DeletingRestoringAndEmptyingWork) {
  ASSERT_NO_FATAL_FAILURE(fill());
  // What makes nothing new goes on for much longer than the log alone would last.
  ASSERT_NO_FATAL_FAILURE(delete_and_bring_back(0, kFiles / 2));
  for (int i = kFiles / 2; i < kFiles; ++i) {
    for (int round = 0; round < 10; ++round) {
      ASSERT_EQ(errno_of(::unlink(many(i).c_str())), 0) << i;
      const std::filesystem::path item = daemon_->mount() / ".trash" / std::to_string(i);
      ASSERT_EQ(errno_of(::rename(item.c_str(), many(i).c_str())), 0) << i;
    }
  }
  EXPECT_EQ(errno_of(::mkdir((project() / "more").c_str(), 0755)), ENOSPC);
  give_space_back();
}

// Names and attributes lie in the database, which does not become smaller.
TEST_F(FullDisk, SpaceOfNamesAndAttributesIsUsedAgain) {
  const std::string value(65536, 'v');
  const auto attribute = [&](int number) {
    const std::string name = "user." + std::to_string(number / kFiles);
    return ::setxattr(many(number % kFiles).c_str(), name.c_str(), value.data(), value.size(), 0);
  };
  constexpr int kMostAttributes = kFiles * 15;  // that fit an inode
  int set = 0;
  while (set < kMostAttributes && attribute(set) == 0) ++set;
  ASSERT_LT(set, kMostAttributes) << "the disk is too large";
  ASSERT_EQ(errno, ENOSPC);
  ASSERT_EQ(errno_of(::mkdir((project() / "more").c_str(), 0755)), ENOSPC);
  ASSERT_EQ(run({"rm", "-r", project() / "many"}).exit_code, 0);
  succeed({"empty", "--yes", "--wait"});
  EXPECT_TRUE(wait_until([this] { return ::mkdir((project() / "again").c_str(), 0755) == 0; }));
  for (int i = 0; i < kFiles; ++i) ASSERT_EQ(write_to(project() / "again" / std::to_string(i), 0), 0) << i;
}

TEST_F(FullDisk, TheStoreOpensAgainAfterAKill) {
  ASSERT_NO_FATAL_FAILURE(fill());
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(daemon_->restart()) << daemon_->log();
    ASSERT_NO_FATAL_FAILURE(delete_and_bring_back(round * 20, round * 20 + 20));
  }
  give_space_back();
}

TEST_F(FullDisk, TheStoreOpensAgainAfterAStop) {
  ASSERT_NO_FATAL_FAILURE(fill());
  ASSERT_EQ(daemon_->stop(), 0);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  ASSERT_NO_FATAL_FAILURE(delete_and_bring_back(0, 20));
  give_space_back();
}

TEST_F(FullDisk, TheStoreOpensAgainWithoutAFreeInode) {
  ASSERT_EQ(daemon_->stop(), 0);
  // The test itself has looked at the database, and left what this removes, or keeps, at its end.
  const std::vector<std::string> check{REPRIEVED_PATH, "--store", daemon_->store(), "--check"};
  ASSERT_EQ(run(check).exit_code, 0);
  const std::filesystem::path others = daemon_->store() / "others";
  std::filesystem::create_directory(others);
  constexpr int kMoreThanThereAre = 1'000'000;
  int taken = 0;
  while (taken < kMoreThanThereAre && ::mknod((others / std::to_string(taken)).c_str(), S_IFIFO | 0600, 0) == 0)
    ++taken;
  ASSERT_EQ(errno, ENOSPC) << taken;
  const CommandResult checked = run(check);
  EXPECT_EQ(checked.exit_code, 0) << checked.describe();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(errno_of(::unlink(many(0).c_str())), 0);
  ASSERT_EQ(daemon_->stop(), 0);

  const std::filesystem::path log = daemon_->store() / "metadata.db-wal";
  ASSERT_TRUE(std::filesystem::remove(log));
  write_to(daemon_->store() / "in its place", 0);
  const CommandResult refused = run(check);
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_THAT(refused.err, ::testing::HasSubstr("unable to open database file: No space left on device"));
}

}  // namespace
}  // namespace reprieve::test
