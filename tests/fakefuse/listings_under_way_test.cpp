// SPDX-License-Identifier: Apache-2.0
#include "fs/listings_under_way.h"

#include <gtest/gtest.h>

#include <future>

namespace reprieve::fs::test {
namespace {

using std::chrono::milliseconds;

constexpr InodeId kHere{1000};
constexpr InodeId kThere{1001};
constexpr off_t kEnd = 17;

class Listings : public ::testing::Test {
 protected:
  // One that is answered, with names to be remembered.
  void give(InodeId directory, off_t offset = 0, off_t end = kEnd) {
    listings_.asked(directory, offset).remembered_until(end);
  }
  void expect_certain(InodeId directory) {
    EXPECT_TRUE(listings_.is_certain(directory));
    EXPECT_TRUE(listings_.wait_until_certain(directory, milliseconds(0)));
  }
  void expect_doubtful(InodeId directory) { EXPECT_FALSE(listings_.is_certain(directory)); }

  int doubts_ = 0;
  ListingsUnderWay listings_{[this] { ++doubts_; }};
};

TEST_F(Listings, AreCertainUntilSomethingIsShared) {
  give(kHere);
  expect_certain(kHere);
  EXPECT_TRUE(listings_.directories().empty());
  listings_.doubt();
  expect_doubtful(kHere);
  expect_certain(kThere);
  EXPECT_EQ(listings_.directories(), std::vector{kHere});
  EXPECT_EQ(doubts_, 0);
}

TEST_F(Listings, WithoutNamesToRememberAreNeverDoubtful) {
  { const auto answer = listings_.asked(kHere, 0); }
  listings_.doubt();
  expect_certain(kHere);
}

TEST_F(Listings, ThatAreBeingPreparedAreDoubtfulToo) {
  {
    auto answer = listings_.asked(kHere, 0);
    listings_.doubt();
    expect_doubtful(kHere);
    answer.remembered_until(kEnd);
  }
  expect_doubtful(kHere);
  const auto next = listings_.asked(kHere, kEnd);
  EXPECT_EQ(doubts_, 1);
}

TEST_F(Listings, ThatTurnOutToHaveNoSuchNamesAreNotDoubtfulAnyMore) {
  {
    const auto answer = listings_.asked(kHere, 0);
    listings_.doubt();
  }
  expect_certain(kHere);
  EXPECT_EQ(doubts_, 0);
}

TEST_F(Listings, AreDealtWithWhenTheReaderGoesOn) {
  give(kHere);
  listings_.doubt();
  { const auto elsewhere = listings_.asked(kHere, kEnd + 1); }
  { const auto another = listings_.asked(kThere, kEnd); }
  expect_doubtful(kHere);
  { const auto next = listings_.asked(kHere, kEnd); }
  expect_certain(kHere);
  EXPECT_EQ(doubts_, 1);
}

// Which of the two it is that goes on cannot be told.
TEST_F(Listings, OfTwoReadersAtTheSamePlaceBothHaveToGoOn) {
  give(kHere);
  listings_.doubt();
  give(kHere);
  { const auto next = listings_.asked(kHere, kEnd); }
  expect_doubtful(kHere);
  { const auto next = listings_.asked(kHere, kEnd); }
  expect_certain(kHere);
  EXPECT_EQ(doubts_, 1);
}

TEST_F(Listings, AreDealtWithWhenSomebodyHadTheDirectoryAlone) {
  give(kHere);
  give(kHere, kEnd, 2 * kEnd);
  const auto before = listings_.now();
  give(kHere, 2 * kEnd, 3 * kEnd);
  listings_.doubt();
  listings_.locked_alone(kThere, listings_.now());
  listings_.locked_alone(kHere, before);
  expect_doubtful(kHere);  // the last was asked for later
  listings_.locked_alone(kHere, listings_.now());
  expect_certain(kHere);
}

TEST_F(Listings, WakeWhoWaitsForThem) {
  give(kHere);
  listings_.doubt();
  auto certain =
      std::async(std::launch::async, [&] { return listings_.wait_until_certain(kHere, milliseconds(20000)); });
  EXPECT_EQ(certain.wait_for(milliseconds(20)), std::future_status::timeout);
  listings_.locked_alone(kHere, listings_.now());
  EXPECT_TRUE(certain.get());
}

TEST_F(Listings, AreWaitedForOnce) {
  give(kHere);
  listings_.doubt();
  EXPECT_FALSE(listings_.is_certain(kHere));
  EXPECT_FALSE(listings_.wait_until_certain(kHere, milliseconds(1)));
  expect_certain(kHere);
  // Nevertheless.
  { const auto next = listings_.asked(kHere, kEnd); }
  EXPECT_EQ(doubts_, 1);
}

TEST_F(Listings, ThatNobodyGoesOnBehindAreSeenToOnceTheyAreMany) {
  std::int64_t number = 0;
  while (!listings_.has_become_crowded()) {
    give(InodeId(++number));
    ASSERT_LT(number, 100000);
  }
  EXPECT_FALSE(listings_.has_become_crowded());  // it was said
  EXPECT_EQ(listings_.directories().size(), static_cast<std::size_t>(number));
  EXPECT_TRUE(listings_.has_become_crowded());
  for (const InodeId directory : listings_.directories()) listings_.locked_alone(directory, listings_.now());
  EXPECT_FALSE(listings_.has_become_crowded());
  EXPECT_EQ(doubts_, 0);
}

}  // namespace
}  // namespace reprieve::fs::test
