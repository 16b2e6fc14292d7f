// SPDX-License-Identifier: Apache-2.0
// The daemon dies and nobody notices: what programs do in a mount goes on as if nothing had been, whoever holds the
// mount meanwhile.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "tests/mount/mount_test.h"
#include "tests/mount/storm.h"
#include "tests/mount/watcher.h"
#include "tests/support/descriptor_holder.h"
#include "tests/support/store_invariants.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

std::chrono::seconds storm_time() {
  const char* const seconds = std::getenv("REPRIEVE_STORM_SECONDS");
  return std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 8);
}

FileDescriptor open_file(const std::filesystem::path& path, int flags) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  EXPECT_TRUE(file) << path << ": " << std::strerror(errno);
  return file;
}

// Where the calling thread may run until this ends.
class OnProcessors {
 public:
  explicit OnProcessors(const cpu_set_t& set) {
    ::sched_getaffinity(0, sizeof before_, &before_);
    ::sched_setaffinity(0, sizeof set, &set);
  }
  ~OnProcessors() { ::sched_setaffinity(0, sizeof before_, &before_); }
  OnProcessors(const OnProcessors&) = delete;
  OnProcessors& operator=(const OnProcessors&) = delete;

 private:
  cpu_set_t before_{};
};

class Supervised : public MountTest {
 protected:
  DaemonOptions options() const override { return {.arguments = {"--supervise"}}; }

  // SIGKILL to the serving process, and until another has taken over.
  void kill_serving() {
    const pid_t before = daemon_->serving_pid();
    ASSERT_GT(before, 0);
    ::kill(before, SIGKILL);
    ASSERT_TRUE(wait_until([&] {
      const pid_t now = daemon_->serving_pid();
      return now > 0 && now != before;
    })) << daemon_->log();
  }
};

TEST_F(Supervised, WhatIsOpenStaysOpen) {
  const FileDescriptor file = open_file(project() / "f", O_CREAT | O_RDWR);
  const FileDescriptor unlinked = open_file(project() / "u", O_CREAT | O_RDWR);
  const FileDescriptor unnamed = open_file(project(), O_TMPFILE | O_RDWR);
  for (const FileDescriptor* open : {&file, &unlinked, &unnamed}) ASSERT_EQ(::write(open->get(), "before", 6), 6);
  ASSERT_EQ(::unlink((project() / "u").c_str()), 0);
  ctl({"empty", "--yes"});
  void* const mapped = ::mmap(nullptr, 6, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  ASSERT_EQ(::flock(file.get(), LOCK_EX), 0);

  for (int round = 0; round < 3; ++round) kill_serving();

  std::memcpy(mapped, "mapped", 6);
  char bytes[16] = {};
  EXPECT_EQ(::pread(file.get(), bytes, sizeof bytes, 0), 6);
  EXPECT_STREQ(bytes, "mapped");
  const FileDescriptor other = open_file(project() / "f", O_RDWR);
  EXPECT_EQ(::flock(other.get(), LOCK_EX | LOCK_NB), -1);
  for (const FileDescriptor* open : {&unlinked, &unnamed}) {
    struct stat status {};
    EXPECT_EQ(::write(open->get(), " after", 6), 6);
    EXPECT_EQ(::pread(open->get(), bytes, sizeof bytes, 0), 12);
    EXPECT_EQ(std::string(bytes, 12), "before after");
    ASSERT_EQ(::fstat(open->get(), &status), 0) << std::strerror(errno);
    EXPECT_EQ(status.st_nlink, 0U);
    EXPECT_EQ(status.st_size, 12);
    EXPECT_EQ(::fsync(open->get()), 0);
  }
  const std::string path = "/proc/self/fd/" + std::to_string(unnamed.get());
  EXPECT_EQ(::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, (project() / "named").c_str(), AT_SYMLINK_FOLLOW), 0)
      << std::strerror(errno);
  ::munmap(mapped, 6);
}

// While its processor is busy, the thread of a killed daemon that waits for requests still takes one before it ends.
TEST_F(Supervised, WhatADyingDaemonTakesIsNotFailed) {
  constexpr int kRounds = 5;
  const std::string more_than_a_page(40'000, 'v');
  cpu_set_t others;
  cpu_set_t one;
  ASSERT_EQ(::sched_getaffinity(0, sizeof others, &others), 0);
  if (CPU_COUNT(&others) < 2) GTEST_SKIP() << "one processor";
  CPU_ZERO(&one);
  for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &others)) CPU_SET(cpu, &one);
  }
  CPU_XOR(&others, &others, &one);
  ASSERT_EQ(::sched_setaffinity(daemon_->pid(), sizeof one, &one), 0);
  ASSERT_EQ(::setpriority(PRIO_PROCESS, static_cast<id_t>(daemon_->pid()), 15), 0);
  kill_serving();  // the next one has both from its supervisor
  std::vector<std::jthread> busy;
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&one](const std::stop_token& over) {
      const OnProcessors there(one);
      while (!over.stop_requested()) {
      }
    });
  }
  const OnProcessors here(others);
  for (int round = 0; round < kRounds; ++round) {
    const auto path = project() / ("f" + std::to_string(round));
    open_file(path, O_CREAT | O_WRONLY);
    const FileDescriptor file = open_file(path, O_RDONLY);
    ASSERT_EQ(::fsync(file.get()), 0);  // another thread takes over the waiting, one that has had no request yet
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const pid_t serving = daemon_->serving_pid();
    ASSERT_GT(serving, 0);
    ::kill(serving, SIGKILL);
    EXPECT_EQ(::setxattr(path.c_str(), "user.v", more_than_a_page.data(), more_than_a_page.size(), 0), 0)
        << std::strerror(errno);
  }
}

TEST_F(Supervised, AListingGoesOnWhereItWas) {
  constexpr int kFiles = 2000;
  for (int i = 0; i < kFiles; ++i) open_file(run_folder() / std::to_string(i), O_CREAT | O_WRONLY);
  DIR* const stream = ::opendir(run_folder().c_str());
  ASSERT_NE(stream, nullptr);
  std::multiset<std::string> seen;
  int count = 0;
  while (const dirent* entry = ::readdir(stream)) {
    seen.insert(entry->d_name);
    if (++count % 500 == 0) kill_serving();
  }
  ::closedir(stream);
  EXPECT_EQ(seen.size(), kFiles + 2U);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
}

TEST_F(Supervised, TheStorageOfAFileIsGivenBackAtItsLastClose) {
  FileDescriptor unlinked = open_file(project() / "u", O_CREAT | O_RDWR);
  ASSERT_EQ(::unlink((project() / "u").c_str()), 0);
  kill_serving();
  ctl({"empty", "--yes"});
  kill_serving();
  EXPECT_EQ(::write(unlinked.get(), "kept", 4), 4);
  unlinked.reset();
  EXPECT_TRUE(wait_until([&] {
    return run({"find", daemon_->store() / "blobs", "-type", "f", "-name", "0*", "-size", "+0"}).out.empty();
  }));
}

TEST_F(Supervised, AChangeOnTheSocketIsSeenThoughItsDaemonIsKilledRightAfter) {
  for (int round = 0; round < 20; ++round) {
    open_file(project() / "f", O_CREAT | O_WRONLY);
    // As soon as the answer is there, or before.
    std::thread killer([&] { kill_serving(); });
    static_cast<void>(daemon_->ctl({"trash", "--yes", (project() / "f").string()}));
    killer.join();
    const bool in_project = std::filesystem::exists(project() / "f");
    const bool in_trash = std::filesystem::exists(trash() / "f");
    EXPECT_NE(in_project, in_trash) << "in round " << round;
    if (in_trash) ctl({"empty", "--yes"});
  }
}

TEST_F(Supervised, ANewVersionTakesOverWithoutUnmounting) {
  const FileDescriptor file = open_file(project() / "f", O_CREAT | O_RDWR);
  ASSERT_EQ(::write(file.get(), "a", 1), 1);
  const pid_t before = daemon_->serving_pid();
  struct stat mounted {};
  ASSERT_EQ(::stat(mount().c_str(), &mounted), 0);
  ::kill(daemon_->pid(), SIGUSR1);
  ASSERT_TRUE(wait_until([&] { return daemon_->serving_pid() > 0 && daemon_->serving_pid() != before; }));
  EXPECT_EQ(::write(file.get(), "b", 1), 1);
  struct stat now {};
  ASSERT_EQ(::stat(mount().c_str(), &now), 0);
  EXPECT_EQ(now.st_dev, mounted.st_dev);
  EXPECT_TRUE(wait_until([&] { return daemon_->log().find("goes on where") != std::string::npos; }));
  EXPECT_THAT(daemon_->log(), HasSubstr("left the mounts to the next"));
  ctl({"ping"});
}

TEST_F(Supervised, GoesOnThoughItsDaemonIsToldToLeave) {
  const FileDescriptor file = open_file(project() / "f", O_CREAT | O_RDWR);
  const pid_t before = daemon_->serving_pid();
  ::kill(before, SIGUSR1);
  ASSERT_TRUE(wait_until([&] { return daemon_->serving_pid() > 0 && daemon_->serving_pid() != before; }));
  EXPECT_EQ(::write(file.get(), "b", 1), 1);
}

TEST_F(Supervised, IsStoppedProperlyWhileItsDaemonStartsAgain) {
  for (int round = 0; round < 12; ++round) {
    const auto logged = daemon_->log().size();
    ::kill(daemon_->serving_pid(), SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 3));
    EXPECT_EQ(daemon_->stop(), 0) << "in round " << round << ": " << daemon_->log();
    EXPECT_THAT(daemon_->log().substr(logged), HasSubstr("stopped")) << "in round " << round;
    EXPECT_FALSE(is_mount_point(mount()));
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
  }
}

TEST_F(Supervised, IsStoppedProperlyThoughItsDaemonIsKilledWhileItStops) {
  for (int round = 0; round < 12; ++round) {
    const auto logged = daemon_->log().size();
    const pid_t serving = daemon_->serving_pid();
    ::kill(daemon_->pid(), SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 2));
    ::kill(serving, SIGKILL);
    EXPECT_EQ(daemon_->wait(), 0) << "in round " << round << ": " << daemon_->log();
    EXPECT_THAT(daemon_->log().substr(logged), HasSubstr("stopped")) << "in round " << round;
    EXPECT_FALSE(is_mount_point(mount()));
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
  }
}

TEST_F(Supervised, OneThatDiesAgainAndAgainIsGivenUpAndNothingHangs) {
  const auto is_given_up = [&] { return daemon_->log().find("again and again") != std::string::npos; };
  for (pid_t last = 0; daemon_->running() && !is_given_up();) {
    const pid_t serving = daemon_->serving_pid();
    if (serving <= 0 || serving == last) continue;
    ::kill(serving, SIGKILL);
    last = serving;
  }
  EXPECT_EQ(daemon_->wait(), 1);
  EXPECT_THAT(daemon_->log(), HasSubstr("again and again"));
  EXPECT_FALSE(is_mount_point(mount()));
  EXPECT_FALSE(std::filesystem::exists(daemon_->socket()));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_TRUE(std::filesystem::is_directory(project()));
}

TEST_F(Supervised, WithoutItsSupervisorTheDaemonUnmountsAndStops) {
  const pid_t serving = daemon_->serving_pid();
  ::kill(daemon_->pid(), SIGKILL);
  EXPECT_TRUE(wait_until([&] { return ::kill(serving, 0) != 0 && !is_mount_point(mount()); }));
  daemon_->wait();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

// Every call of every program succeeds and gives the one right answer while the daemon is killed all the time.
template <typename Kill>
void storm(const Storm::Places& places, const Kill& kill) {
  const TemporaryDirectory directory;
  Watcher watcher(places.socket, directory.path() / "watched");
  Storm storm(places);
  std::mt19937 random(std::random_device{}());
  // A short storm is denser.
  const auto [soonest, latest] = storm_time() < std::chrono::minutes(1) ? std::pair(20U, 320U) : std::pair(300U, 3000U);
  const auto end = std::chrono::steady_clock::now() + storm_time();
  int kills = 0;
  while (std::chrono::steady_clock::now() < end && !storm.failed()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(soonest + random() % (latest - soonest)));
    kill();
    ++kills;
  }
  EXPECT_EQ(storm.finish(), "");
  EXPECT_GT(storm.rounds(), 0U);
  EXPECT_EQ(watcher.finish(), "");
  ::testing::Test::RecordProperty("kills", kills);
}

TEST_F(Supervised, ProgramsNoticeNothingOfAStorm) {
  storm({project(), trash(), daemon_->socket()}, [&] {
    if (const pid_t serving = daemon_->serving_pid(); serving > 0) ::kill(serving, SIGKILL);
  });
  EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
  EXPECT_EQ(broken_invariants(daemon_->store()), "");
  ASSERT_TRUE(daemon_->start());
}

TEST_F(Supervised, EveryWatcherHearsOfEveryEventOnce) {
  std::deque<Watcher> watchers;
  for (const char* name : {"watch-1", "watch-2", "watch-3"})
    watchers.emplace_back(daemon_->socket(), directory_.path() / name);
  std::mt19937 random(std::random_device{}());
  const auto end = std::chrono::steady_clock::now() + storm_time();
  std::jthread killer([&](const std::stop_token& over) {
    for (int kills = 0; !over.stop_requested(); ++kills) {
      // A pause now and then, because so many deaths in a row of what has hardly begun to serve are taken for a fault.
      const auto pause = kills % 10 == 9 ? 2000 : 30 + random() % 270;
      std::this_thread::sleep_for(std::chrono::milliseconds(pause));
      if (const pid_t serving = daemon_->serving_pid(); serving > 0) ::kill(serving, SIGKILL);
    }
  });
  for (int round = 0; std::chrono::steady_clock::now() < end; ++round) {
    const auto tree = project() / ("d" + std::to_string(round));
    std::filesystem::create_directories(tree / "in");
    for (const char* name : {"a", "b", "in/c"}) open_file(tree / name, O_CREAT | O_WRONLY);
    EXPECT_EQ(::unlink((tree / "a").c_str()), 0) << std::strerror(errno);
    EXPECT_EQ(::rename((trash() / "a").c_str(), (tree / "a").c_str()), 0) << std::strerror(errno);
    const CommandResult removed = run({"rm", "-r", tree});
    EXPECT_EQ(removed.exit_code, 0) << removed.describe();
    if (round % 4 == 0) ctl({"empty", "--yes"});
  }
  killer.request_stop();
  killer.join();
  ASSERT_TRUE(wait_until([&] { return daemon_->ctl({"ping"}).exit_code == 0; })) << daemon_->log();

  for (Watcher& watcher : watchers) EXPECT_EQ(watcher.finish(), "");
}

class SupervisedByFile : public Supervised {
 protected:
  DaemonOptions options() const override {
    return {.configuration = "[log]\nlevel = \"info\"\n", .arguments = {"--supervise"}};
  }
};

TEST_F(SupervisedByFile, NoErrorInTheConfigurationTakesMountsAway) {
  const FileDescriptor file = open_file(project() / "f", O_CREAT | O_RDWR);
  const auto path = directory_.path() / "reprieve.toml";
  std::stringstream good;
  good << std::ifstream(path).rdbuf();
  std::ofstream(path, std::ios::app) << "\n[nonsense]\n";
  const pid_t before = daemon_->serving_pid();
  ::kill(daemon_->pid(), SIGUSR1);
  ASSERT_TRUE(wait_until([&] { return daemon_->log().find("no other daemon") != std::string::npos; }))
      << daemon_->log();
  EXPECT_EQ(daemon_->serving_pid(), before);
  ::kill(before, SIGKILL);
  ASSERT_TRUE(wait_until([&] { return daemon_->log().find("ended with status 2") != std::string::npos; }));
  EXPECT_TRUE(is_mount_point(mount()));
  std::ofstream(path) << good.str();
  ASSERT_TRUE(wait_until([&] { return daemon_->ctl({"ping"}, {.directory = "/"}).exit_code == 0; })) << daemon_->log();
  EXPECT_EQ(::write(file.get(), "b", 1), 1);
}

class SupervisedSpliced : public Supervised {
 protected:
  DaemonOptions options() const override {
    return {.configuration = "[fuse]\npassthrough = \"off\"\n", .arguments = {"--supervise"}};
  }
};

TEST_F(SupervisedSpliced, ProgramsNoticeNothingOfAStorm) {
  storm({project(), trash(), daemon_->socket()}, [&] {
    if (const pid_t serving = daemon_->serving_pid(); serving > 0) ::kill(serving, SIGKILL);
  });
  EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
  EXPECT_EQ(broken_invariants(daemon_->store()), "");
  ASSERT_TRUE(daemon_->start());
}

// The service manager's side of the same.
TEST(DescriptorStore, ProgramsNoticeNothingOfAStorm) {
  if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
  const TemporaryDirectory directory;
  const auto mount = directory.path() / "mnt";
  std::filesystem::create_directory(mount);
  DescriptorHolder holder({REPRIEVED_PATH, "--store", directory.path() / "store", "--mount", "lab=" + mount.string(),
                           "--socket", directory.path() / "control.sock"},
                          directory.path() / "daemon.log");
  ASSERT_TRUE(holder.start());
  EXPECT_EQ(holder.held(), (std::set<std::string>{"reprieve-control", "reprieve-device-1", "reprieve-record-1"}));
  std::filesystem::create_directory(mount / "projects/P");
  storm({mount / "projects/P", mount / ".trash", directory.path() / "control.sock"}, [&] {
    holder.kill();
    ASSERT_TRUE(holder.start());
  });
  EXPECT_EQ(holder.stop(), 0);
  EXPECT_EQ(holder.held(), std::set<std::string>{});
  EXPECT_FALSE(is_mount_point(mount));
  EXPECT_EQ(broken_invariants(directory.path() / "store"), "");
}

}  // namespace
}  // namespace reprieve::test
