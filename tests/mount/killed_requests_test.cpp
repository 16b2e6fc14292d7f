// SPDX-License-Identifier: Apache-2.0
// reprievectl at work while the serving process is killed all the time: every command succeeds, and at the end the
// account is exactly as it would be if nobody had been killed; nothing was done twice, and nothing is missing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/mount/mount_test.h"
#include "tests/support/store_invariants.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

std::chrono::seconds kill_time() {
  const char* const seconds = std::getenv("REPRIEVE_STORM_SECONDS");
  return std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 10);
}

class KilledRequests : public MountTest {
 protected:
  DaemonOptions options() const override { return {.arguments = {"--supervise"}}; }

  // Notes the first thing that is not as it has to be; everybody stops then.
  void complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) complaint_ = what;
  }
  void expect(bool holds, const std::string& what) {
    if (!holds) complain(what);
  }
  // A command that has to succeed, outside of the mount, and what it adds to the history.
  std::string command(std::vector<std::string> arguments, const std::map<std::string, int>& events) {
    const CommandResult result = daemon_->ctl(std::move(arguments), {.directory = "/"});
    if (result.exit_code != 0) complain(result.describe());
    const std::lock_guard lock(mutex_);
    for (const auto& [event, count] : events) expected_[event] += count;
    ++commands_;
    return result.out;
  }
  [[nodiscard]] std::size_t in_trash(const std::string& glob) {
    return boost::json::parse(command({"list", "--json", "--name", glob}, {})).as_array().size();
  }
  static std::vector<fs::path> make_files(const fs::path& folder, const std::string& prefix, int count) {
    fs::create_directories(folder);
    std::vector<fs::path> files;
    for (int i = 0; i < count; ++i) {
      files.push_back(folder / (prefix + std::to_string(i)));
      std::ofstream(files.back()) << prefix;
    }
    return files;
  }
  static std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<fs::path>& files) {
    for (const fs::path& file : files) arguments.push_back(file);
    return arguments;
  }

 public:
  void trash_restore_and_purge(std::size_t round);
  void trash_several_and_restore_all(std::size_t round);
  void trash_several_and_empty(std::size_t round);
  void share_and_unshare(std::size_t round);
  void leave_and_undo(std::size_t round);
  void set_status(std::size_t round);

 protected:
  // How often each of the expected events has happened.
  std::map<std::string, int> happened() {
    std::map<std::string, int> counts;
    for (const auto& [event, count] : expected_) {
      const auto page = http("GET", "/v1/history?limit=" + std::to_string(kMostEvents) + "&event=" + event);
      counts[event] = static_cast<int>(page.body.at("items").as_array().size());
    }
    return counts;
  }
  // Until the time is over.
  using Round = void (KilledRequests::*)(std::size_t);
  void work(Round round) {
    for (std::size_t i = 0; !stopping_ && !failed_ && commands_ < kMostEvents / 5; ++i) (this->*round)(i);
  }
  // An answer of history has no more.
  static constexpr int kMostEvents = 10'000;
  static constexpr int kFewestCommands = 50;

  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::string complaint_;
  std::map<std::string, int> expected_;
  std::atomic<int> commands_{0};
  std::atomic<bool> stopping_{false};
};

// Each works on names of its own, and selects by them.
void KilledRequests::trash_restore_and_purge(std::size_t /*round*/) {
  const fs::path file = make_files(project() / "a", "one", 1).front();
  const auto trash = [&] {
    command({"trash", "--yes", file}, {{"trash", 1}});
    const auto items = boost::json::parse(command({"list", "--json", "--name", "one*"}, {})).as_array();
    expect(!fs::exists(file) && items.size() == 1, "trash: the file is there, or is not in the trash once");
    return items.empty() ? std::string("0") : std::to_string(items.front().at("id").to_number<std::int64_t>());
  };
  command({"restore", trash()}, {{"restore", 1}});
  expect(fs::exists(file), "restore: the file is not there");
  command({"purge", "--yes", trash()}, {{"purge", 1}});
  expect(in_trash("one*") == 0, "purge: it is in the trash");
}

void KilledRequests::trash_several_and_restore_all(std::size_t /*round*/) {
  const auto files = make_files(project() / "b", "several", 5);
  command(with({"trash", "--yes"}, files), {{"trash", 5}});
  expect(in_trash("several*") == 5, "trash several: not five of them");
  command({"restore", "--name", "several*"}, {{"restore", 5}});
  for (const fs::path& file : files) expect(fs::exists(file), file.string() + " was not restored");
  expect(in_trash("several*") == 0, "restore several: some are left");
}

void KilledRequests::trash_several_and_empty(std::size_t /*round*/) {
  const auto files = make_files(project() / "c", "doomed", 4);
  command(with({"trash", "--yes"}, files), {{"trash", 4}});
  const std::string told = command({"empty", "--yes", "--name", "doomed*"}, {{"purge", 4}});
  expect(told.find("gone for ever: 4 items") != std::string::npos, "empty: " + told);
  expect(in_trash("doomed*") == 0, "empty: some are left");
}

void KilledRequests::share_and_unshare(std::size_t /*round*/) {
  command({"share", mount() / "projects/Shared", "bob"}, {{"share", 1}});
  command({"unshare", mount() / "projects/Shared", "bob"}, {{"unshare", 1}});
}

void KilledRequests::leave_and_undo(std::size_t /*round*/) {
  command({"trash", "--yes", "--account", "bob", "projects/Left"}, {{"leave", 1}});
  command({"undo", "--account", "bob"}, {{"rejoin", 1}});
}

void KilledRequests::set_status(std::size_t round) {
  command({"status", run_folder(), round % 2 == 0 ? "complete" : "failed"}, {{"status", 1}});
}

TEST_F(KilledRequests, AreCarriedOutOnce) {
  for (const char* name : {"Shared", "Left"}) fs::create_directory(mount() / "projects" / name);
  command({"account", "add", "bob", "--uid", "1001", "--gid", "1001"}, {{"account_add", 1}});
  command({"share", mount() / "projects/Left", "bob"}, {{"share", 1}});
  std::vector<std::thread> threads;
  for (const Round round : {&KilledRequests::trash_restore_and_purge, &KilledRequests::trash_several_and_restore_all,
                            &KilledRequests::trash_several_and_empty, &KilledRequests::share_and_unshare,
                            &KilledRequests::leave_and_undo, &KilledRequests::set_status})
    threads.emplace_back([this, round] { work(round); });

  std::mt19937 random(std::random_device{}());
  int kills = 0;
  const auto end = std::chrono::steady_clock::now() + kill_time();
  // A busy machine gets longer for it.
  const auto latest = end + std::chrono::seconds(60);
  const auto goes_on = [&] {
    const auto now = std::chrono::steady_clock::now();
    return now < end || (commands_ < kFewestCommands && now < latest);
  };
  for (; goes_on() && !failed_; ++kills) {
    // One in ten lives: a daemon that dies twenty times in a row without having served is given up (RestartPolicy).
    const auto pause = kills % 10 == 9 ? 2000 : 30 + random() % 270;
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    if (const pid_t serving = daemon_->serving_pid(); serving > 0) ::kill(serving, SIGKILL);
  }
  stopping_ = true;
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(complaint_, "") << daemon_->log();
  EXPECT_EQ(happened(), expected_);
  EXPECT_TRUE(items().empty() || failed_);
  EXPECT_GT(kills, 5);
  EXPECT_GE(commands_, kFewestCommands);
  RecordProperty("kills", kills);
  RecordProperty("commands", commands_);
  EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
  EXPECT_EQ(broken_invariants(daemon_->store()), "");
  ASSERT_TRUE(daemon_->start());
}

}  // namespace
}  // namespace reprieve::test
