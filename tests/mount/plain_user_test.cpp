// SPDX-License-Identifier: Apache-2.0
// Daemons that are not root: each user runs one for itself, and mounts through fusermount3.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>

#include "tests/mount/sharing_test.h"
#include "tests/support/tree_snapshot.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

constexpr std::array kUsers{kAda, kBob, kEve};

// A container may keep the device for root. Empty, or why plain users cannot open it.
std::string open_device_for_all(const fs::path& directory) {
  struct stat status {};
  if (::stat("/dev/fuse", &status) != 0) return std::strerror(errno);
  if ((status.st_mode & 0666U) == 0666U) return {};
  const fs::path device = directory / "fuse";
  if (::mknod(device.c_str(), S_IFCHR | 0666, status.st_rdev) != 0 || ::chmod(device.c_str(), 0666) != 0 ||
      ::mount(device.c_str(), "/dev/fuse", nullptr, MS_BIND, nullptr) != 0)
    return std::strerror(errno);
  return {};
}

class PlainUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    if (!has_program("fusermount3")) GTEST_SKIP() << "there is no fusermount3";
    ASSERT_EQ(make_test_users(), "");
    fs::permissions(directory_.path(), fs::perms(0755));
    if (const std::string reason = open_device_for_all(directory_.path()); !reason.empty()) GTEST_SKIP() << reason;
    for (const uid_t user : kUsers) start(user);
  }
  void start(uid_t user) {
    const fs::path home = directory_.path() / std::to_string(user);
    for (const fs::path& folder : {home, home / "mnt"}) {
      fs::create_directory(folder);
      ASSERT_EQ(::chown(folder.c_str(), user, user), 0);
    }
    daemons_[user] = std::make_unique<ChildProcess>(
        std::vector<std::string>{REPRIEVED_PATH, "--store", home / "store", "--mount", "own=" + mount(user).string(),
                                 "--socket", socket(user)},
        CommandOptions{.user = user}, home / "daemon.log");
    ASSERT_TRUE(wait_until([&] { return ctl(user, {"ping"}).exit_code == 0; })) << read_file(home / "daemon.log");
  }
  [[nodiscard]] fs::path mount(uid_t user) const { return directory_.path() / std::to_string(user) / "mnt"; }
  [[nodiscard]] fs::path socket(uid_t user) const { return directory_.path() / std::to_string(user) / "socket"; }
  CommandResult ctl(uid_t user, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {REPRIEVECTL_PATH, "--socket", socket(user)});
    return run(arguments, {.directory = "/", .user = user});
  }

  TemporaryDirectory directory_;
  std::map<uid_t, std::unique_ptr<ChildProcess>> daemons_;
};

TEST_F(PlainUsers, EachHasItsMountToItself) {
  for (const uid_t user : kUsers) {
    SCOPED_TRACE(user);
    const std::string project = mount(user) / "projects/P";
    const CommandResult deleted =
        shell("mkdir -p '" + project + "/d' && echo x > '" + project + "/d/x' && rm -r '" + project + "'",
              {.directory = "/", .user = user});
    EXPECT_EQ(deleted.exit_code, 0) << deleted.describe();
    EXPECT_EQ(ctl(user, {"restore", "--all"}).exit_code, 0);
    const CommandResult read = shell("cat '" + project + "/d/x'", {.directory = "/", .user = user});
    EXPECT_EQ(read.out, "x\n") << read.describe();
    for (const uid_t stranger : {kAda, kBob, kEve, uid_t{0}}) {
      if (stranger == user) continue;
      const auto refused = [&](auto call) { return errno_as(stranger, [&] { return call() < 0 ? errno : 0; }); };
      const std::string inside = mount(user) / "projects";
      EXPECT_EQ(refused([&] { return ::open(mount(user).c_str(), O_RDONLY | O_CLOEXEC); }), EACCES) << stranger;
      EXPECT_EQ(refused([&] { return ::mkdir((inside + "/Q").c_str(), 0755); }), EACCES) << stranger;
      EXPECT_EQ(refused([&] { return ::rename((inside + "/P").c_str(), (inside + "/Q").c_str()); }), EACCES);
    }
  }
  for (const uid_t user : kUsers) {
    daemons_[user]->signal(SIGTERM);
    EXPECT_EQ(daemons_[user]->finish().exit_code, 0);
    EXPECT_FALSE(is_mount_point(mount(user)));
  }
}

}  // namespace
}  // namespace reprieve::test
