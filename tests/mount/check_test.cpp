// SPDX-License-Identifier: Apache-2.0
// A check beside work that goes on, and of a store that somebody holds.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

class CheckOnAMount : public MountTest {
 protected:
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
