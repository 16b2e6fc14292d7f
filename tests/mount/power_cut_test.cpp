// SPDX-License-Identifier: Apache-2.0
// The power fails under programs that sync what they do: the store lies on a disk whose file system is shut down
// without its journal, and the daemon is killed. What was promised is there when the disk has been mounted again.
#include <atomic>
#include <random>
#include <thread>

#include "tests/mount/mount_test.h"
#include "tests/mount/small_disk.h"
#include "tests/mount/synced_files.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

class PowerCutOfADisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
    if (const std::string why = disk_.make(); !why.empty()) GTEST_SKIP() << why;
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
    fs::create_directory(project());
  }

  void TearDown() override {
    if (daemon_.running()) {
      EXPECT_EQ(daemon_.stop(), 0) << daemon_.log();
    }
  }

  [[nodiscard]] fs::path project() const { return daemon_.mount() / "projects/P"; }

  // `join` ends those who work in the mount, once their calls fail. An fsync(2) that is under way when a file system is
  // shut down may succeed and keep nothing: the journal that it waits for is thrown away, and waiting for a transaction
  // that is not there any more is no error (jbd2_complete_transaction, fs/jbd2/journal.c).
  template <typename Join>
  void cut_power(const Join& join) {
    power_fails_ = true;
    EXPECT_EQ(disk_.cut_power(), 0);
    daemon_.kill();
    join();
    ASSERT_EQ(disk_.start_again(), "");
    power_fails_ = false;
    ASSERT_TRUE(daemon_.start()) << daemon_.log();
  }

  // Of what nobody has synced the name can be lost and the bytes not: those are kept, and told of.
  void expect_sound() {
    const CommandResult checked = daemon_.ctl({"check", "--json"});
    EXPECT_EQ(count(checked.out, R"("rule":)"), count(checked.out, R"("rule":"blob-inode")")) << checked.describe();
    const CommandResult repaired = daemon_.ctl({"check", "--repair"});
    EXPECT_EQ(repaired.exit_code, 0) << repaired.describe();
  }

  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  std::atomic<bool> power_fails_ = false;
  TemporaryDirectory directory_;
  SmallDisk disk_{directory_.path()};
  DaemonProcess daemon_{directory_.path(), {.disk_fails = true}};
};

TEST_F(PowerCutOfADisk, KeepsWhatWasSynced) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<SyncedFiles> programs;
  for (const std::string name : {"a", "b", "c"}) {
    programs.emplace_back(project(), daemon_.mount() / ".trash", name, power_fails_);
  }
  constexpr int kRounds = 8;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::thread> threads;
    for (SyncedFiles& program : programs) {
      threads.emplace_back([&program, seed_of_it = static_cast<unsigned>(random())] {
        std::mt19937 own(seed_of_it);
        while (program.work(own)) {
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 800));
    cut_power([&threads] {
      for (std::thread& thread : threads) thread.join();
    });
    if (HasFatalFailure()) return;
    for (SyncedFiles& program : programs) EXPECT_EQ(program.check(), "") << "round " << round;
    expect_sound();
  }
  for (const SyncedFiles& program : programs) EXPECT_GT(program.promises(), 20U);
}

// Without this the other test would show nothing.
TEST_F(PowerCutOfADisk, TakesWhatWasNotSynced) {
  constexpr int kNames = 200;
  for (int i = 0; i < kNames; ++i) write_file(project() / std::to_string(i), "x");
  cut_power([] {});
  int kept = 0;
  for (int i = 0; i < kNames; ++i) {
    const fs::path path = project() / std::to_string(i);
    kept += fs::exists(path) && read_file(path) == "x" ? 1 : 0;
  }
  EXPECT_LT(kept, kNames);
  expect_sound();
}

}  // namespace
}  // namespace reprieve::test
