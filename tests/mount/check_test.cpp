// SPDX-License-Identifier: Apache-2.0
// A check beside work that goes on, and of a store that somebody holds.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

class CheckOnAMount : public MountTest {
 protected:
  [[nodiscard]] std::vector<std::filesystem::path> blobs() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(daemon_->store() / "blobs")) {
      const std::string name = entry.path().filename();
      if (name.size() == 16 && name.find_first_not_of("0123456789abcdef") == std::string::npos)
        files.push_back(entry.path());
    }
    return files;
  }
  CommandResult check_closed(std::vector<std::string> options = {}) const {
    std::vector<std::string> command{REPRIEVED_PATH, "--check", "--store", daemon_->store()};
    command.insert(command.end(), options.begin(), options.end());
    return run(command);
  }
};

// What changes under way is not taken for damage: files and trees are made, moved, deleted, restored and destroyed as
// fast as they can be, in many transactions each.
TEST_F(CheckOnAMount, BesideWorkFindsNothing) {
  make_rich_tree(directory_.path() / "tree");
  std::atomic<bool> stopping{false};
  std::atomic<unsigned> rounds{0};
  const auto repeat = [&](const char* script) {
    return std::thread([this, &stopping, &rounds, script] {
      while (!stopping) {
        const auto done = run({"sh", "-c", script, "sh", project(), mount(), directory_.path() / "tree"});
        rounds += done.exit_code == 0 ? 1 : 0;
      }
    });
  };
  std::vector<std::thread> workers;
  workers.push_back(repeat("rm -rf $1/a $1/b; cp -a $3 $1/a && mv $1/a $1/b && rm -r $1/b"));
  workers.push_back(
      repeat("rm -rf $1/c $1/d; mkdir $1/c && cd $1/c && for i in 1 2 3 4 5 6 7 8 9; do echo $i > $i; ln $i l$i; done;"
             " mv $1/c $2/.trash/ && mv $2/.trash/c $1/d && mv $1/d $2/.trash/"));
  workers.push_back(std::thread([&] {
    while (!stopping) {
      daemon_->ctl({"restore", "--all", "--on-collision", "rename"});
      daemon_->ctl({"empty", "--yes"});
    }
  }));
  std::vector<CommandResult> results;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  while (std::chrono::steady_clock::now() < end || results.size() < 3) results.push_back(daemon_->ctl({"check"}));
  stopping = true;
  for (std::thread& worker : workers) worker.join();
  EXPECT_GT(rounds, 0U);
  for (const CommandResult& result : results) EXPECT_EQ(result.exit_code, 0) << result.describe();
}

TEST_F(CheckOnAMount, OfAStoreThatIsHeldIsRefused) {
  const CommandResult refused = check_closed();
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_THAT(refused.err, HasSubstr("in use by another process"));
  write_file(project() / "still", "served");
  EXPECT_EQ(read_file(project() / "still"), "served");
}

TEST_F(CheckOnAMount, OfAClosedStoreTellsTheSame) {
  write_file(project() / "a", "bytes");
  ASSERT_EQ(daemon_->stop(), 0);
  const CommandResult sound = check_closed();
  EXPECT_EQ(sound.exit_code, 0) << sound.describe();
  EXPECT_THAT(sound.out, HasSubstr("nothing is wrong"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(daemon_->store() / "blobs")) {
    if (entry.is_regular_file()) std::filesystem::remove(entry.path());
  }
  const CommandResult found = check_closed({"--json"});
  EXPECT_EQ(found.exit_code, 1) << found.describe();
  ASSERT_TRUE(daemon_->start());
  EXPECT_EQ(errno_of(::open((project() / "a").c_str(), O_RDONLY | O_CLOEXEC)), EIO);
  const CommandResult online = daemon_->ctl({"check", "--json"});
  EXPECT_EQ(online.exit_code, 1) << online.describe();
  const auto findings = [](const CommandResult& result) {
    return result.out.substr(0, result.out.find(R"("checked")"));
  };
  EXPECT_THAT(online.out, HasSubstr(R"("path":"projects/P/a")"));
  EXPECT_EQ(findings(found), findings(online));
  ASSERT_EQ(daemon_->stop(), 0);
  const CommandResult repaired = check_closed({"--repair"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.describe();
  EXPECT_EQ(check_closed().exit_code, 0);
  ASSERT_TRUE(daemon_->start());
  EXPECT_EQ(names_in(project()), (std::vector<std::string>{"a", "analyses", "samples"}));
  ctl({"trash", "--yes", project() / "a"});
}

// A file whose bytes are gone is not taken for an empty one, and everything but reading goes on with it.
TEST_F(CheckOnAMount, WhatIsLostCanBeSeenAndReplaced) {
  write_file(project() / "a", "bytes");
  ASSERT_EQ(daemon_->stop(), 0);
  for (const auto& blob : blobs()) std::filesystem::remove(blob);
  EXPECT_EQ(check_closed({"--repair"}).exit_code, 0);
  ASSERT_TRUE(daemon_->start());
  const auto lost = project() / "a";
  EXPECT_THAT(run({"ls", "-l", project()}).out, HasSubstr("-rw"));
  EXPECT_EQ(run({"getfattr", "-n", "trusted.reprieve.lost", lost}).exit_code, 0);
  EXPECT_EQ(errno_of(::open(lost.c_str(), O_RDONLY | O_CLOEXEC)), EIO);
  EXPECT_EQ(errno_of(::open(lost.c_str(), O_RDWR | O_APPEND | O_CLOEXEC)), EIO);
  EXPECT_NE(run({"tar", "-cf", directory_.path() / "a.tar", "-C", project(), "a"}).exit_code, 0);
  EXPECT_EQ(daemon_->ctl({"check"}).exit_code, 0);
  succeed({"mv", lost, project() / "b"});
  write_file(directory_.path() / "copy", "bytes");
  succeed({"mv", directory_.path() / "copy", project() / "b"});
  EXPECT_EQ(read_file(project() / "b"), "bytes");
  succeed({"rm", "-r", project()});
  ctl({"empty", "--yes"});
}

// As a copy made by hand leaves it, or a repair of the file system below.
TEST_F(CheckOnAMount, ABlobInAFolderThatIsNotItsOwnIsToldAndMovedHome) {
  write_file(project() / "a", "bytes");
  ASSERT_EQ(daemon_->stop(), 0);
  ASSERT_EQ(blobs().size(), 1U);
  const auto home = blobs().front();
  const auto folder = home.parent_path();
  std::filesystem::create_directory(folder.parent_path() / "3ff");
  std::filesystem::rename(home, folder.parent_path() / "3ff" / home.filename());
  for (const char* junk : {"00000000ffffffff", "ffffffffffffffff", "junk", "3"})
    std::ofstream(folder / junk) << "of somebody else";
  const CommandResult found = check_closed();
  EXPECT_EQ(found.exit_code, 1) << found.describe();
  EXPECT_THAT(found.out, HasSubstr("blobs/0/3ff, where nothing looks for it"));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  write_file(project() / "b", "more");
  ASSERT_EQ(daemon_->stop(), 0);

  const CommandResult repaired = check_closed({"--repair"});
  EXPECT_EQ(repaired.exit_code, 0) << repaired.describe();
  EXPECT_EQ(check_closed().exit_code, 0);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(read_file(project() / "a"), "bytes");
  EXPECT_EQ(read_file(project() / "b"), "more");
}

TEST_F(CheckOnAMount, MakesNoStore) {
  const auto elsewhere = directory_.path() / "elsewhere";
  const CommandResult none = run({REPRIEVED_PATH, "--check", "--store", elsewhere});
  EXPECT_EQ(none.exit_code, 1) << none.describe();
  EXPECT_THAT(none.err, HasSubstr("holds no store"));
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
  std::filesystem::create_directory(elsewhere);
  EXPECT_EQ(run({REPRIEVED_PATH, "--check", "--store", elsewhere}).exit_code, 1);
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
  EXPECT_EQ(run({REPRIEVED_PATH, "--repair", "--store", elsewhere}).exit_code, 2);
}

}  // namespace
}  // namespace reprieve::test
