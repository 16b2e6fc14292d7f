// SPDX-License-Identifier: Apache-2.0
#include "fs/slow_lane.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace reprieve::fs::test {
namespace {

TEST(SlowLane, CarriesOutWhatIsPostedAtTheSameTime) {
  constexpr int kThreads = 3;
  SlowLane lane(kThreads);
  // Each piece waits for all others: one thread alone would never get there.
  std::latch together(kThreads);
  std::atomic<int> done{0};
  for (int i = 0; i < kThreads; ++i) {
    lane.post([&] {
      together.arrive_and_wait();
      ++done;
    });
  }
  lane.stop();
  EXPECT_EQ(done, kThreads);
}

TEST(SlowLane, StopWaitsForWhatWasPosted) {
  SlowLane lane(1);
  std::atomic<int> done{0};
  for (int i = 0; i < 50; ++i) {
    lane.post([&done] {
      std::this_thread::yield();
      ++done;
    });
  }
  lane.stop();
  EXPECT_EQ(done, 50);
}

TEST(SlowLane, IsCarriedOutByTheCallerOnceStopped) {
  SlowLane lane(1);
  lane.stop();
  std::thread::id by;
  lane.post([&by] { by = std::this_thread::get_id(); });
  EXPECT_EQ(by, std::this_thread::get_id());
}

}  // namespace
}  // namespace reprieve::fs::test
