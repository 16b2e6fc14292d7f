// SPDX-License-Identifier: Apache-2.0
// What whoever starts the daemon, and whoever is on the machine beside it, may try.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kStranger = 12345;

class HostileStart : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
  }
  [[nodiscard]] std::filesystem::path in(const std::string& name) const { return directory_.path() / name; }

  // Where each descriptor of a process leads.
  static std::vector<std::string> descriptors_of(pid_t pid) {
    std::vector<std::string> targets;
    for (const auto& link : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code error;
      targets.push_back(std::filesystem::read_symlink(link.path(), error));
    }
    return targets;
  }

  // Everything of the store that somebody else could read.
  [[nodiscard]] std::vector<std::string> open_to_others(const std::filesystem::path& store) const {
    std::vector<std::string> open;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(store)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) == 0 && (status.st_mode & 077) != 0) open.push_back(entry.path());
    }
    return open;
  }

  TemporaryDirectory directory_;
};

TEST_F(HostileStart, TheStoreIsPrivateInAFolderThatIsNot) {
  const mode_t before = ::umask(0);
  std::filesystem::create_directory(in("store"));
  ::chmod(in("store").c_str(), 0777);
  {
    DaemonProcess daemon(directory_.path());
    ASSERT_TRUE(daemon.start()) << daemon.log();
    std::filesystem::create_directory(daemon.mount() / "projects/P");
    std::ofstream(daemon.mount() / "projects/P/f") << "secret";
    ::chmod((daemon.mount() / "projects/P/f").c_str(), 0666);
    EXPECT_THAT(open_to_others(daemon.store()), ::testing::IsEmpty());
    daemon.kill();
    // As a version before this one left it.
    ASSERT_TRUE(std::filesystem::exists(daemon.store() / "metadata.db-wal"));
    ::chmod((daemon.store() / "metadata.db-wal").c_str(), 0644);
    ASSERT_TRUE(daemon.start()) << daemon.log();
    EXPECT_THAT(open_to_others(daemon.store()), ::testing::IsEmpty());
    EXPECT_EQ(daemon.stop(), 0) << daemon.log();
  }
  ::umask(before);
}

TEST_F(HostileStart, ForeignDescriptorsAreClosed) {
  std::ofstream(in("foreign")) << "x";
  const int foreign = ::open(in("foreign").c_str(), O_RDONLY);  // without close-on-exec
  ASSERT_GE(foreign, 3);
  for (const bool supervised : {false, true}) {
    const std::filesystem::path home = in(supervised ? "supervised" : "alone");
    std::filesystem::create_directory(home);
    DaemonProcess daemon(home, supervised ? DaemonOptions{.arguments = {"--supervise"}} : DaemonOptions{});
    ASSERT_TRUE(daemon.start()) << daemon.log();
    EXPECT_THAT(descriptors_of(daemon.pid()), ::testing::Not(::testing::Contains(in("foreign").string())));
    if (supervised) {
      EXPECT_THAT(descriptors_of(daemon.serving_pid()), ::testing::Not(::testing::Contains(in("foreign").string())));
    }
    EXPECT_EQ(daemon.stop(), 0) << daemon.log();
  }
  ::close(foreign);
}

// Without this a file of the store gets number 2, and what is logged is written into it.
TEST_F(HostileStart, ClosedStandardDescriptorsAreNoFilesOfTheStore) {
  const std::string line = "exec '" REPRIEVED_PATH "' --store '" + in("store").string() + "' --socket '" +
                           in("s.sock").string() + "' <&- >&- 2>&-";
  ChildProcess daemon({"/bin/sh", "-c", line});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(in("s.sock")); }));
  for (const char* const number : {"0", "1", "2"}) {
    const std::string link = "/proc/" + std::to_string(daemon.pid()) + "/fd/" + number;
    EXPECT_EQ(std::filesystem::read_symlink(link), "/dev/null") << number;
  }
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.finish().exit_code, 0);
}

TEST_F(HostileStart, AListenedDescriptorThatIsNoSocketIsRefused) {
  const std::string line = "exec 3<'/etc/passwd'; export LISTEN_FDS=1 LISTEN_PID=$$; exec '" REPRIEVED_PATH
                           "' --store '" +
                           in("store").string() + "'";
  const CommandResult result = shell(line);
  EXPECT_EQ(result.exit_code, 1) << result.describe();
  EXPECT_THAT(result.err, HasSubstr("not a listening Unix stream socket"));
  EXPECT_FALSE(std::filesystem::exists(in("store")));
}

// The abstract address that /proc/net/unix shows of the supervisor; it is in the environment of what it starts, too.
std::string notification_address(pid_t serving) {
  std::ifstream file("/proc/" + std::to_string(serving) + "/environ");
  for (std::string variable; std::getline(file, variable, '\0');) {
    if (variable.starts_with("NOTIFY_SOCKET=@")) return variable.substr(std::strlen("NOTIFY_SOCKET=@"));
  }
  return {};
}

// A process of somebody else that sends without end.
pid_t start_flood(const std::string& name, const std::string& text) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (::setgid(kStranger) != 0 || ::setuid(kStranger) != 0) ::_exit(1);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[1], name.data(), name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  for (;;) {
    ::sendto(socket, text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length);
  }
}

TEST_F(HostileStart, TheSupervisorListensToNobodyElse) {
  DaemonProcess daemon(directory_.path(), {.arguments = {"--supervise"}});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  const pid_t serving = daemon.serving_pid();
  const std::string address = notification_address(serving);
  ASSERT_FALSE(address.empty());
  std::vector<pid_t> floods;
  for (int i = 0; i < 3; ++i) floods.push_back(start_flood(address, "FDSTOREREMOVE=1\nFDNAME=reprieve-control\n"));
  // A dead daemon is noticed and what it held is there.
  ::kill(serving, SIGKILL);
  EXPECT_TRUE(wait_until([&] { return daemon.serving_pid() > 0 && daemon.serving_pid() != serving; }));
  EXPECT_TRUE(std::filesystem::exists(daemon.mount() / "projects"));
  EXPECT_EQ(daemon.ctl({"ping"}).exit_code, 0);
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();
  for (const pid_t flood : floods) {
    ::kill(flood, SIGKILL);
    ::waitpid(flood, nullptr, 0);
  }
}

TEST_F(HostileStart, LinksInPlaceOfTheStoreAndTheSocketLeadNowhere) {
  std::ofstream(in("victim")) << "precious";
  ::chmod(in("victim").c_str(), 0644);
  // The database.
  std::filesystem::create_directory(in("store"));
  std::filesystem::create_symlink(in("victim"), in("store") / "metadata.db");
  DaemonProcess daemon(directory_.path());
  EXPECT_FALSE(daemon.start());
  std::filesystem::remove(in("store") / "metadata.db");
  // The socket.
  std::filesystem::create_symlink(in("victim"), daemon.socket());
  EXPECT_FALSE(daemon.start());
  EXPECT_THAT(daemon.log(), HasSubstr("something that is not a socket is in the way"));
  std::filesystem::remove(daemon.socket());
  std::string text;
  std::getline(std::ifstream(in("victim")), text);
  EXPECT_EQ(text, "precious");
  struct stat status {};
  ASSERT_EQ(::stat(in("victim").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  // The folder of blobs.
  std::filesystem::create_directory(in("elsewhere"));
  std::filesystem::remove_all(in("store"));
  std::filesystem::create_directory(in("store"));
  std::filesystem::create_symlink(in("elsewhere"), in("store") / "blobs");
  EXPECT_FALSE(daemon.start()) << daemon.log();
  EXPECT_TRUE(std::filesystem::is_empty(in("elsewhere")));
}

// A mount point below a folder of somebody else's, who puts a link there.
TEST_F(HostileStart, AMountPointIsNotReachedOverTheLinkOfAnotherUser) {
  std::filesystem::create_directories(in("victim"));
  std::filesystem::create_directories(in("home"));
  std::filesystem::create_directory_symlink(in("victim"), in("home/mnt"));
  ASSERT_EQ(::lchown(in("home/mnt").c_str(), kStranger, kStranger), 0);
  // Root's own may lead there, also over the other one.
  std::filesystem::create_directory_symlink("home/mnt", in("over"));
  std::filesystem::create_directory_symlink("victim", in("own"));
  for (const auto& [name, works] : {std::pair("home/mnt", false), {"over", false}, {"own", true}}) {
    const std::vector<std::string> line{REPRIEVED_PATH, "--store", in("store"), "--mount", "lab=" + in(name).string(),
                                        "--socket",     in("s")};
    ChildProcess daemon(line);
    EXPECT_TRUE(wait_until([&] { return !daemon.running() || is_mount_point(in("victim")); })) << name;
    EXPECT_EQ(is_mount_point(in("victim")), works) << name;
    daemon.signal(SIGTERM);
    const CommandResult ended = daemon.finish();
    if (works) continue;
    EXPECT_THAT(ended.err, HasSubstr("a symbolic link that is not root's is on the way")) << name;
  }
}

// The folder of the mount point is swapped for a link to another one all the time.
TEST_F(HostileStart, AMountPointThatIsSwappedIsNeverTheTargetOfALink) {
  std::filesystem::create_directories(in("victim"));
  std::filesystem::create_directories(in("home/mnt"));
  std::filesystem::create_directory_symlink(in("victim"), in("home/link"));
  ::chmod(directory_.path().c_str(), 0755);
  for (const char* const mine : {"home", "home/mnt", "home/link"})
    ASSERT_EQ(::lchown(in(mine).c_str(), kStranger, kStranger), 0);
  const pid_t swapper = ::fork();
  if (swapper == 0) {
    if (::setgid(kStranger) != 0 || ::setuid(kStranger) != 0) ::_exit(1);
    for (;;) ::renameat2(AT_FDCWD, in("home/mnt").c_str(), AT_FDCWD, in("home/link").c_str(), RENAME_EXCHANGE);
  }
  for (int round = 0; round < 12; ++round) {
    ChildProcess daemon(
        {REPRIEVED_PATH, "--store", in("store"), "--mount", "lab=" + in("home/mnt").string(), "--socket", in("s")});
    const auto is_somewhere = [&] {
      return is_mount_point(in("victim")) || is_mount_point(in("home/mnt")) || is_mount_point(in("home/link"));
    };
    EXPECT_TRUE(wait_until([&] { return !daemon.running() || is_somewhere(); }));
    EXPECT_FALSE(is_mount_point(in("victim")));
    daemon.signal(SIGTERM);
    daemon.finish();
  }
  ::kill(swapper, SIGKILL);
  ::waitpid(swapper, nullptr, 0);
  for (const char* const name : {"home/mnt", "home/link"}) ::umount2(in(name).c_str(), UMOUNT_NOFOLLOW | MNT_DETACH);
}

// The folder above the mount point gets another name, and its old one leads to what root has mounted elsewhere.
TEST_F(HostileStart, NoMountOfAnothersIsTakenAwayInPlaceOfItsOwn) {
  std::filesystem::create_directories(in("victim/mnt"));
  std::filesystem::create_directories(in("home/mnt"));
  ASSERT_EQ(::mount("tmpfs", in("victim/mnt").c_str(), "tmpfs", 0, "size=64k"), 0) << std::strerror(errno);
  ChildProcess daemon(
      {REPRIEVED_PATH, "--store", in("store"), "--mount", "lab=" + in("home/mnt").string(), "--socket", in("s")});
  EXPECT_TRUE(wait_until([&] { return is_mount_point(in("home/mnt")) && std::filesystem::exists(in("s")); }));
  std::filesystem::rename(in("home"), in("moved"));
  std::filesystem::create_directory_symlink(in("victim"), in("home"));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.finish().exit_code, 0);
  EXPECT_TRUE(is_mount_point(in("victim/mnt")));
  EXPECT_FALSE(is_mount_point(in("moved/mnt")));
  for (const char* const name : {"victim/mnt", "moved/mnt"}) ::umount2(in(name).c_str(), UMOUNT_NOFOLLOW | MNT_DETACH);
}

}  // namespace
}  // namespace reprieve::test
