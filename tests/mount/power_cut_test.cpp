// SPDX-License-Identifier: Apache-2.0
// The disk below the store loses power: a file system in an image is shut down without writing its log, the daemon is
// killed, and the image is mounted again.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <random>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/support/store_invariants.h"

namespace reprieve::test {
namespace {

// XFS_IOC_GOINGDOWN of xfs_fs.h, which ext4 has under the same number (EXT4_IOC_SHUTDOWN, fs/ext4/ext4.h), without
// writing the log.
constexpr unsigned long kGoingDown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutLog = 2;

struct Disk {
  const char* name;
  const char* make;   // an image
  const char* mount;  // options: nothing is written before it must be
};

std::ostream& operator<<(std::ostream& out, const Disk& disk) { return out << disk.name; }

class PowerCut : public ::testing::TestWithParam<Disk> {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
    const std::string program = std::string(GetParam().make).substr(0, std::string(GetParam().make).find(' '));
    if (!has_program(program)) GTEST_SKIP() << program << " is not installed";
    std::filesystem::create_directory(store());
    const CommandResult made = shell("truncate -s 320M " + image() + " && " + GetParam().make + " " + image());
    ASSERT_EQ(made.exit_code, 0) << made.describe();
    const CommandResult mounted = mount_image();
    if (mounted.exit_code != 0) GTEST_SKIP() << "the image cannot be mounted: " << mounted.err;
    std::cout << "seed " << seed_ << std::endl;
  }

  void TearDown() override {
    daemon_.reset();
    if (is_mount_point(store())) ::umount2(store().c_str(), MNT_DETACH);
  }

  [[nodiscard]] std::filesystem::path store() const { return directory_.path() / "store"; }
  [[nodiscard]] std::string image() const { return directory_.path() / "disk"; }
  [[nodiscard]] std::filesystem::path project() const { return daemon_->mount() / "projects/P"; }
  [[nodiscard]] CommandResult mount_image() const {
    return shell(std::string("mount -o loop,") + GetParam().mount + " " + image() + " " + store().string());
  }

  void start(DaemonOptions options = {}) {
    daemon_ = std::make_unique<DaemonProcess>(directory_.path(), std::move(options));
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
  }

  // Makes, changes and moves files, and keeps in mind what was synced.
  void work() {
    std::mt19937 random(seed_);
    std::filesystem::create_directory(project());
    const FileDescriptor folder(::open(project().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < kFiles; ++i) {
      const std::string name = "f" + std::to_string(random() % kNames);
      const std::string bytes(1 + random() % 20'000, static_cast<char>('a' + random() % 26));
      promised_.erase(name);
      const int flags = O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | (i % 4 == 0 ? O_DSYNC : 0);
      const FileDescriptor file(::open((project() / name).c_str(), flags, 0644));
      ASSERT_TRUE(file) << errno;
      ASSERT_EQ(::write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
      if (i % 4 == 3) continue;
      const int synced = i % 4 == 1 ? ::fsync(file.get()) : i % 4 == 2 ? ::fdatasync(file.get()) : 0;
      ASSERT_EQ(errno_of(synced), 0);
      promised_[name] = bytes;
      if (random() % 4 != 0) continue;
      const std::string moved = "moved" + std::to_string(i);
      ASSERT_EQ(errno_of(::rename((project() / name).c_str(), (project() / moved).c_str())), 0);
      ASSERT_EQ(errno_of(::fsync(folder.get())), 0);
      promised_[moved] = bytes;
      promised_.erase(name);
    }
  }

  void cut_power() {
    const FileDescriptor disk(::open(store().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::uint32_t how = kWithoutLog;
    ASSERT_EQ(errno_of(::ioctl(disk.get(), kGoingDown, &how)), 0);
  }

  void kill_and_mount_again() {
    daemon_->kill();
    ASSERT_EQ(errno_of(::umount2(store().c_str(), 0)), 0);
    const CommandResult mounted = mount_image();
    ASSERT_EQ(mounted.exit_code, 0) << mounted.describe();
  }

  // How many of the files that were promised are not there as they were.
  [[nodiscard]] std::size_t lost() const {
    std::size_t count = 0;
    for (const auto& [name, bytes] : promised_) {
      std::error_code error;
      count += !std::filesystem::exists(project() / name, error) || read_file(project() / name) != bytes ? 1 : 0;
    }
    return count;
  }

  static constexpr int kFiles = 400;
  static constexpr unsigned kNames = 100;
  const unsigned seed_ = std::random_device()();
  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::map<std::string, std::string> promised_;
};

TEST_P(PowerCut, KeepsWhatWasSynced) {
  for (int round = 0; round < 3; ++round) {
    ASSERT_NO_FATAL_FAILURE(start());
    std::filesystem::remove_all(project());
    promised_.clear();
    ASSERT_NO_FATAL_FAILURE(work());
    ASSERT_NO_FATAL_FAILURE(cut_power());
    ASSERT_NO_FATAL_FAILURE(kill_and_mount_again());
    ASSERT_NO_FATAL_FAILURE(start());
    EXPECT_EQ(lost(), 0U) << "of " << promised_.size();
    // Whatever else is there can be read.
    for (const auto& entry : std::filesystem::directory_iterator(project())) read_file(entry.path());
    ASSERT_EQ(daemon_->stop(), 0);
    EXPECT_EQ(broken_invariants(store()), "");
  }
}

// The test itself is put to the test: with a daemon that does not sync it has to find losses.
TEST_P(PowerCut, FindsTheLossesOfADaemonThatDoesNotSync) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_EQ(daemon_->stop(), 0);
  {
    const FileDescriptor disk(::open(store().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(errno_of(::syncfs(disk.get())), 0);
  }
  ASSERT_NO_FATAL_FAILURE(start({.environment = {{"LD_PRELOAD", NO_SYNC_PATH}}}));
  ASSERT_NO_FATAL_FAILURE(work());
  ASSERT_NO_FATAL_FAILURE(cut_power());
  ASSERT_NO_FATAL_FAILURE(kill_and_mount_again());
  daemon_ = std::make_unique<DaemonProcess>(directory_.path());
  if (!daemon_->start()) return;  // nothing is left of it
  EXPECT_GT(lost(), promised_.size() / 2);
}

INSTANTIATE_TEST_SUITE_P(On, PowerCut,
                         ::testing::Values(Disk{"ext4", "mkfs.ext4 -q", "commit=300"},
                                           Disk{"xfs", "mkfs.xfs -q", "noatime"}),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

}  // namespace
}  // namespace reprieve::test
