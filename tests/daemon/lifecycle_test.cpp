// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "core/base/sanitized.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Lifecycle : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
  }

  [[nodiscard]] std::filesystem::path in(const std::string& name) const { return directory_.path() / name; }
  [[nodiscard]] std::filesystem::path make(const std::string& name) const {
    std::filesystem::create_directory(in(name));
    return in(name);
  }

  // The daemon on its command line, with a store and a socket that nobody else uses.
  [[nodiscard]] CommandResult start_alone(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {REPRIEVED_PATH, "--socket", in("alone.sock")});
    return run(arguments);
  }

  static void put(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string get(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  TemporaryDirectory directory_;
};

bool kernel_has_rings() { return ::access("/sys/module/fuse/parameters/enable_uring", F_OK) == 0; }

TEST_F(Lifecycle, RequestsComeByIoUringWhereTheKernelHasIt) {
  if (!kernel_has_rings()) GTEST_SKIP() << "this kernel has no FUSE over io_uring";
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("requests: io_uring"));
}

TEST_F(Lifecycle, IoUringCanBeTurnedOff) {
  DaemonProcess daemon(directory_.path(), {.configuration = "[fuse]\nio_uring = \"off\"\n"});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("requests: /dev/fuse (turned off)"));
  std::filesystem::create_directory(daemon.mount() / "runs/R");
  EXPECT_TRUE(std::filesystem::is_directory(daemon.mount() / "runs/R"));
}

// More than a ring has room for, so that some wait for others to be answered.
TEST_F(Lifecycle, ManySlowRequestsAtOnceAreAllAnswered) {
  constexpr int kClients = 100;
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  const auto run_folder = daemon.mount() / "runs/R";
  std::filesystem::create_directory(run_folder);
  std::atomic<int> done{0};
  {
    std::vector<std::jthread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&done, path = run_folder / std::to_string(client)] {
        const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (::write(file.get(), "kept", 4) == 4 && ::fsync(file.get()) == 0 && ::ftruncate(file.get(), 2) == 0) ++done;
      });
    }
  }
  EXPECT_EQ(done, kClients);
}

TEST_F(Lifecycle, SigtermUnmountsAndLeavesNothingThoughFilesAreOpen) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  std::filesystem::create_directory(daemon.mount() / "runs/R");
  const FileDescriptor open(::open((daemon.mount() / "runs/R/f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(open);
  ASSERT_EQ(::write(open.get(), "kept", 4), 4);
  ::kill(daemon.pid(), SIGTERM);
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();  // the second SIGTERM
  EXPECT_FALSE(is_mount_point(daemon.mount()));
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_EQ(get(daemon.mount() / "runs/R/f"), "kept");
}

TEST_F(Lifecycle, SigintStopsToo) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  ::kill(daemon.pid(), SIGINT);
  ASSERT_TRUE(wait_until([&] { return !daemon.running(); }));
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("stopping on SIGINT"));
}

TEST_F(Lifecycle, TellsWhichDataPathAMountUses) {
  DaemonProcess daemon(directory_.path(), {.configuration = "[fuse]\npassthrough = \"off\"\n"});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("data path: splice"));
}

TEST_F(Lifecycle, ReloadAppliesTheLogLevelAndNamesWhatNeedsARestart) {
  DaemonProcess daemon(directory_.path(), {.configuration = "[log]\nlevel = \"info\"\n"});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  std::ofstream(in("reprieve.toml"), std::ios::app) << "[trash]\nrm = \"purge\"\n";
  ::kill(daemon.pid(), SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon.log().find("configuration read") != std::string::npos; })) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("trash.rm changed in the configuration: needs a restart"));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("log.level")));

  std::string text = get(in("reprieve.toml"));
  text.replace(text.find("\"info\""), 6, "\"debug\"");
  put(in("reprieve.toml"), text);
  ::kill(daemon.pid(), SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon.log().find("log.level changed") != std::string::npos; })) << daemon.log();
  EXPECT_TRUE(std::filesystem::exists(daemon.mount() / "runs"));
  EXPECT_THAT(daemon.log(), HasSubstr(" debug: "));
}

TEST_F(Lifecycle, ReloadOfAWrongConfigurationChangesNothing) {
  DaemonProcess daemon(directory_.path(), {.configuration = "[log]\nlevel = \"info\"\n"});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  put(in("reprieve.toml"), "[log]\nlevel = \"debug\"\n[nonsense]\n");
  ::kill(daemon.pid(), SIGHUP);
  ASSERT_TRUE(wait_until([&] { return daemon.log().find("unknown section") != std::string::npos; })) << daemon.log();
  EXPECT_THAT(daemon.log(), Not(HasSubstr("log.level changed")));
  EXPECT_TRUE(std::filesystem::exists(daemon.mount() / "runs"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(Lifecycle, AWrongConfigurationIsExitCodeTwoWithEveryProblem) {
  put(in("bad.toml"), "[trash]\nmax_age = \"30d\"\n[log]\nlevel = 3\n");
  for (const char* mode : {"--check-config", "--socket=/nowhere"}) {
    const CommandResult result = run({REPRIEVED_PATH, "--config", in("bad.toml"), "--store", in("store"), mode});
    EXPECT_EQ(result.exit_code, 2) << result.describe();
    EXPECT_THAT(result.err, HasSubstr("bad.toml:2:1: trash.max_age is not supported by this version"));
    EXPECT_THAT(result.err, HasSubstr("bad.toml:4:9: log.level must be one of"));
    EXPECT_FALSE(std::filesystem::exists(in("store")));
  }
}

TEST_F(Lifecycle, AMountPointThatCannotBeOneIsRefusedBeforeAStoreIsMade) {
  const CommandResult missing = start_alone({"--store", in("store"), "--mount", "lab=" + in("none").string()});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("does not exist"));
  put(in("file"), "");
  const CommandResult file = start_alone({"--store", in("store"), "--mount", "lab=" + in("file").string()});
  EXPECT_EQ(file.exit_code, 1);
  EXPECT_THAT(file.err, HasSubstr("not a directory"));
  EXPECT_FALSE(std::filesystem::exists(in("store")));

  const auto mount = make("m");
  const CommandResult inside = start_alone({"--store", mount / "store", "--mount", "lab=" + mount.string()});
  EXPECT_EQ(inside.exit_code, 1);
  EXPECT_THAT(inside.err, HasSubstr("one in the other"));
  EXPECT_TRUE(std::filesystem::is_empty(mount));
}

TEST_F(Lifecycle, ASocketThatCannotBeIsRefusedBeforeAStoreIsMade) {
  const CommandResult nowhere = run({REPRIEVED_PATH, "--store", in("store"), "--socket", in("no/such/place.sock")});
  EXPECT_EQ(nowhere.exit_code, 1) << nowhere.describe();
  EXPECT_THAT(nowhere.err, HasSubstr("there is no directory " + in("no/such").string()));
  EXPECT_FALSE(std::filesystem::exists(in("no")));
  put(in("file"), "");
  const CommandResult taken = run({REPRIEVED_PATH, "--store", in("store"), "--socket", in("file")});
  EXPECT_EQ(taken.exit_code, 1) << taken.describe();
  EXPECT_FALSE(std::filesystem::exists(in("store")));
}

TEST_F(Lifecycle, CheckConfigLooksAtWhatTheConfigurationNames) {
  put(in("c.toml"),
      "[control]\ngroup = \"no-such-group\"\n[[mount]]\naccount = \"lab\"\npath = \"" + in("none").string() + "\"\n");
  const CommandResult result =
      run({REPRIEVED_PATH, "--config", in("c.toml"), "--store", in("store"), "--check-config"});
  EXPECT_EQ(result.exit_code, 2) << result.describe();
  EXPECT_THAT(result.err, HasSubstr("reprieved: control.group: there is no group no-such-group\n"));
  EXPECT_THAT(result.err, HasSubstr("reprieved: mount point " + in("none").string() + " does not exist\n"));
  const CommandResult socket =
      run({REPRIEVED_PATH, "--store", in("store"), "--socket", "/run/" + std::string(120, 's'), "--check-config"});
  EXPECT_EQ(socket.exit_code, 2) << socket.describe();
  EXPECT_THAT(socket.err, HasSubstr("over 107 bytes"));
}

TEST_F(Lifecycle, AMountPointInALiveMountIsRefused) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  std::filesystem::create_directories(daemon.mount() / "projects/P");
  for (const char* place : {"projects", "projects/P"}) {
    const CommandResult inside =
        start_alone({"--store", in("other"), "--mount", "bob=" + (daemon.mount() / place).string()});
    EXPECT_EQ(inside.exit_code, 1) << inside.describe();
    EXPECT_THAT(inside.err, HasSubstr("lies in a mount of Reprieve"));
  }
  EXPECT_FALSE(std::filesystem::exists(in("other")));
}

TEST_F(Lifecycle, ReloadWithoutAConfigurationFileSaysSo) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  ::kill(daemon.pid(), SIGHUP);
  EXPECT_TRUE(wait_until([&] { return daemon.log().find("no configuration file") != std::string::npos; }))
      << daemon.log();
}

TEST_F(Lifecycle, AFolderOfOtherFilesIsNoStore) {
  const auto run_folder = make("240115_M04711");
  put(run_folder / "RunInfo.xml", "<run/>");
  const CommandResult swapped = start_alone({"--store", run_folder});
  EXPECT_EQ(swapped.exit_code, 1) << swapped.describe();
  EXPECT_THAT(swapped.err, HasSubstr(run_folder.string() + " is neither empty nor a Reprieve store"));
  std::filesystem::remove(run_folder / "RunInfo.xml");
  EXPECT_TRUE(std::filesystem::is_empty(run_folder));
}

TEST_F(Lifecycle, ADiskOfItsOwnCanBeAStore) {
  std::filesystem::create_directories(in("disk/lost+found"));
  ChildProcess daemon({REPRIEVED_PATH, "--store", in("disk"), "--socket", in("alone.sock")});
  EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(in("alone.sock")); }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.finish().exit_code, 0);
}

// The database's own lock goes with the database.
TEST_F(Lifecycle, AStoreHasOneDaemonThoughItsMetadataIsMovedAway) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  const auto database = daemon.store() / "metadata.db";
  std::filesystem::rename(database, in("away.db"));
  for (std::vector<std::string> line : {std::vector<std::string>{"--rebuild-metadata"}, {}}) {
    line.insert(line.end(), {"--store", daemon.store()});
    const CommandResult refused = start_alone(line);
    EXPECT_EQ(refused.exit_code, 1) << refused.describe();
    EXPECT_THAT(refused.err, HasSubstr("is in use by another process"));
  }
  std::filesystem::rename(in("away.db"), database);
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();
}

TEST_F(Lifecycle, ADeadMountOfItsOwnIsTakenAway) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  std::filesystem::create_directory(daemon.mount() / "runs/R");
  daemon.kill_only();
  ASSERT_TRUE(is_mount_point(daemon.mount()));
  ASSERT_TRUE(daemon.start()) << daemon.log();
  EXPECT_TRUE(std::filesystem::exists(daemon.mount() / "runs/R"));
  ASSERT_EQ(daemon.stop(), 0);
  EXPECT_FALSE(is_mount_point(daemon.mount()));
}

// umount -f of a busy mount fails, but has aborted the connection by then (fuse_umount_begin, fs/fuse/inode.c).
TEST_F(Lifecycle, AnAbortedMountIsTakenOutOfTheTree) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  const FileDescriptor busy(::open(daemon.mount().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  ASSERT_NE(::umount2(daemon.mount().c_str(), MNT_FORCE), 0);
  ASSERT_TRUE(wait_until([&] { return !daemon.running(); })) << daemon.log();
  EXPECT_FALSE(is_mount_point(daemon.mount())) << daemon.log();
}

TEST_F(Lifecycle, ADeadMountOfAnotherStoreIsLeftAlone) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  daemon.kill_only();
  const CommandResult other = start_alone({"--store", in("other"), "--mount", "lab=" + daemon.mount().string()});
  EXPECT_EQ(other.exit_code, 1) << other.describe();
  EXPECT_THAT(other.err, HasSubstr("dead mount"));
  EXPECT_TRUE(is_mount_point(daemon.mount()));
}

TEST_F(Lifecycle, ALiveMountIsLeftAlone) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  const CommandResult other = start_alone({"--store", in("other"), "--mount", "lab=" + daemon.mount().string()});
  EXPECT_EQ(other.exit_code, 1) << other.describe();
  EXPECT_TRUE(std::filesystem::exists(daemon.mount() / "runs"));
}

TEST_F(Lifecycle, GoesOnUntilTheLastMountIsUnmountedFromOutside) {
  const auto second = make("second");
  DaemonProcess daemon(directory_.path(), {.arguments = {"--mount", "bob=" + second.string()}});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  ASSERT_EQ(::umount2(daemon.mount().c_str(), 0), 0);
  ASSERT_TRUE(wait_until([&] { return daemon.log().find("by somebody else") != std::string::npos; })) << daemon.log();
  EXPECT_TRUE(std::filesystem::exists(second / "runs"));
  const CommandResult mounts = daemon.ctl({"mounts"}, {.directory = directory_.path()});
  EXPECT_THAT(mounts.out, HasSubstr("bob")) << mounts.describe();
  EXPECT_THAT(mounts.out, Not(HasSubstr("lab")));
  ASSERT_EQ(::umount2(second.c_str(), 0), 0);
  ASSERT_TRUE(wait_until([&] { return !daemon.running(); })) << daemon.log();
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
}

TEST_F(Lifecycle, ServesTheSocketAloneWithoutMounts) {
  ChildProcess daemon({REPRIEVED_PATH, "--store", in("store"), "--socket", in("alone.sock")});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(in("alone.sock")); }));
  const CommandResult pong =
      run({"curl", "--silent", "--fail", "--unix-socket", in("alone.sock"), "http://reprieve/v1/ping"});
  EXPECT_EQ(pong.exit_code, 0) << pong.describe();
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.finish().exit_code, 0);
}

TEST_F(Lifecycle, TakesTheSocketThatTheServiceManagerListensOn) {
  if (!has_program("systemd-socket-activate")) GTEST_SKIP() << "systemd-socket-activate is not installed";
  ChildProcess manager({"systemd-socket-activate", "--listen", in("activated.sock"), REPRIEVED_PATH, "--store",
                        in("store"), "--socket", in("unused.sock")});
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(in("activated.sock")); }));
  const CommandResult pong =
      run({"curl", "--silent", "--fail", "--unix-socket", in("activated.sock"), "http://reprieve/v1/ping"});
  EXPECT_EQ(pong.exit_code, 0) << pong.describe();
  EXPECT_FALSE(std::filesystem::exists(in("unused.sock")));
  manager.signal(SIGTERM);
  EXPECT_EQ(manager.finish().exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(in("activated.sock"))) << "the socket's file belongs to the manager";
}

TEST_F(Lifecycle, AConfiguredAccountNamedLikeAUserBelongsToThatUser) {
  const passwd* user = ::getpwnam("nobody");
  if (user == nullptr) GTEST_SKIP() << "there is no user nobody";
  const uid_t uid = user->pw_uid;
  const auto theirs = make("theirs");
  DaemonProcess daemon(directory_.path(),
                       {.configuration = "[[mount]]\naccount = \"nobody\"\npath = \"" + theirs.string() + "\"\n"});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  struct stat status {};
  ASSERT_EQ(::stat((theirs / "projects").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, uid);
  ASSERT_EQ(::stat((daemon.mount() / "projects").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, ::geteuid());
}

// However many threads it gets, it starts or says why not; a daemon that hangs, dies or leaves its mount behind does
// neither. Where it goes without the last of them (a ring for each processor, the slow lane) is the machine's matter.
TEST_F(Lifecycle, AThreadThatCannotBeStartedEndsTheStartCleanly) {
  if (kSanitized) GTEST_SKIP() << "the sanitizer has pthread_create for itself";
  constexpr int kMoreThanItNeeds = 2048;
  bool started = false;
  int refused = 0;
  while (!started && refused < kMoreThanItNeeds) {
    DaemonProcess daemon(directory_.path(),
                         {.environment = {{"LD_PRELOAD", FEW_THREADS_PATH}, {"FEW_THREADS", std::to_string(refused)}}});
    started = daemon.start();
    if (started) break;
    ASSERT_EQ(daemon.wait(), 1) << refused << " threads: " << daemon.log();
    EXPECT_THAT(daemon.log(), HasSubstr("no thread could be started: Resource temporarily unavailable"));
    EXPECT_FALSE(is_mount_point(daemon.mount())) << refused << " threads";
    ++refused;
  }
  EXPECT_TRUE(started);
  EXPECT_GE(refused, 7);  // four of core, the first of a mount, the control socket's
}

}  // namespace
}  // namespace reprieve::test
