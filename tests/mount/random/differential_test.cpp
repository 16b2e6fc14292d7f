// SPDX-License-Identifier: Apache-2.0
// Long random sequences of calls, from one and from several threads, on the mount and on a native directory: the same
// answers to each call, and the same trees at the end.
//
// REPRIEVE_RANDOM_SEED repeats a run, REPRIEVE_RANDOM_OPERATIONS says how many calls it has.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <sstream>
#include <thread>

#include "tests/mount/random/random_calls.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

constexpr std::uint64_t kOperations = 25'000;
constexpr std::size_t kShown = 30;

// Times differ, and how soon blocks are allocated.
TreeSnapshot timeless(const std::filesystem::path& top) {
  TreeSnapshot tree = snapshot(top);
  for (auto& [path, node] : tree) {
    node.modified_seconds = node.modified_nanoseconds = 0;
    node.sparse = false;
  }
  return tree;
}

class Differential : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    daemon_ = std::make_unique<DaemonProcess>(
        directory_.path(),
        DaemonOptions{.configuration = "[fuse]\npassthrough = \"" + GetParam() + "\"\n", .allow_other = true});
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
    native_ = directory_.path() / "native";
    mounted_ = daemon_->mount() / "projects/P/a/b";
    for (const auto& top : {native_, mounted_}) {
      std::filesystem::create_directories(top);
      RandomCalls::prepare(top);
    }
    std::cout << "REPRIEVE_RANDOM_SEED=" << seed_ << "\n";
  }

  // Half the calls each way; stops at the first answer that differs.
  void run(const std::string& prefix, std::uint64_t calls, std::string& difference) const {
    RandomCalls native(native_, prefix, seed_);
    RandomCalls mounted(mounted_, prefix, seed_);
    std::deque<std::string> last;
    for (std::uint64_t i = 0; i < calls; ++i) {
      const std::string expected = native.next();
      const std::string actual = mounted.next();
      if (expected != actual) {
        std::ostringstream text;
        for (const std::string& line : last) text << "  " << line << "\n";
        text << "call " << i << "\n  native: " << expected << "\n  mount:  " << actual << "\n";
        difference = text.str();
        return;
      }
      last.push_back(actual);
      if (last.size() > kShown) last.pop_front();
    }
  }

  const std::uint64_t seed_ = random_seed();
  const std::uint64_t operations_ = from_environment("REPRIEVE_RANDOM_OPERATIONS", kOperations);
  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::filesystem::path native_;
  std::filesystem::path mounted_;
};

TEST_P(Differential, OneThread) {
  std::string difference;
  run("x", operations_, difference);
  EXPECT_EQ(difference, "");
  EXPECT_EQ(differences(timeless(native_), timeless(mounted_)), "");
}

TEST_P(Differential, SeveralThreads) {
  constexpr std::size_t kThreads = 4;
  std::array<std::string, kThreads> found;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back(
          [&, i] { run(std::string(1, static_cast<char>('p' + i)), operations_ / kThreads, found[i]); });
    }
  }
  for (const std::string& difference : found) EXPECT_EQ(difference, "");
  EXPECT_EQ(differences(timeless(native_), timeless(mounted_)), "");
}

INSTANTIATE_TEST_SUITE_P(Random, Differential, ::testing::Values("auto", "off"),
                         [](const auto& mode) { return mode.param == "off" ? "Splice" : "Passthrough"; });

}  // namespace
}  // namespace reprieve::test
