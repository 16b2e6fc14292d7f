// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EmptyTest : public ::testing::Test {
 protected:
  void trash_file(const std::string& name, std::string_view bytes = "12345") {
    volume_.write("projects/p/" + name, bytes);
    volume_.trash("projects/p/" + name);
  }
  EmptyPlan plan(const TrashFilter& filter = {}) {
    return must(volume_.core().empty_plans().plan(account(), filter, process(1)));
  }
  Result<PurgeOutcome> execute(const std::string& token) {
    return volume_.core().empty_plans().execute(account(), token, process(1));
  }
  const Account& account() { return volume_.account(); }

  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(EmptyTest, ShowsWhatWouldGo) {
  trash_file("a");
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/b", "123");
  volume_.trash("projects/p/d");
  const EmptyPlan shown = plan();
  ASSERT_EQ(shown.items.size(), 2U);
  EXPECT_EQ(shown.items[0].name, "a");
  EXPECT_EQ(shown.items[1].name, "d");
  EXPECT_EQ(shown.total.files, 2U);
  EXPECT_EQ(shown.total.folders, 1U);
  EXPECT_EQ(shown.total.bytes, 8U);
  EXPECT_EQ(shown.total.exclusive_bytes, 8U);
  EXPECT_THAT(shown.kept, IsEmpty());
  EXPECT_EQ(shown.expires, volume_.clock().now() + EmptyPlans::kLifetime);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("a", "d"));
}

TEST_F(EmptyTest, BytesThatSeveralItemsShareCountOnceAndAreFreed) {
  volume_.write("projects/p/a", "12345");
  volume_.link("projects/p/a", "projects/p/b");
  volume_.trash("projects/p/a");
  EXPECT_EQ(plan().total.exclusive_bytes, 0U);  // the other name keeps them
  volume_.trash("projects/p/b");
  const EmptyPlan both = plan();
  EXPECT_EQ(both.total.files, 2U);
  EXPECT_EQ(both.total.bytes, 5U);
  EXPECT_EQ(both.total.exclusive_bytes, 5U);
  // One of the two items alone frees nothing.
  EXPECT_EQ(plan({.name = "a"}).total.exclusive_bytes, 0U);
}

TEST_F(EmptyTest, FiguresFollowAFileThatHasALiveNameToo) {
  volume_.write("projects/p/a", "12345");
  volume_.link("projects/p/a", "projects/p/b");
  volume_.trash("projects/p/a");
  EXPECT_EQ(volume_.item("a").figures->bytes, 5U);
  must(volume_.core().attributes().set(account(), volume_.at("projects/p/b"), {.size = 7}, process(1)));
  EXPECT_EQ(volume_.item("a").figures->bytes, 7U);
  EXPECT_EQ(volume_.item("a").figures->exclusive_bytes, 0U);
  volume_.trash("projects/p/b");
  volume_.purge("b");
  EXPECT_EQ(volume_.item("a").figures->exclusive_bytes, 7U);
}

TEST_F(EmptyTest, DestroysExactlyThePlan) {
  trash_file("planned");
  trash_file("restored");
  const EmptyPlan shown = plan();
  trash_file("later");
  must(volume_.rename(".trash/restored", "projects/p/restored"));
  const PurgeOutcome outcome = must(execute(shown.token));
  volume_.wait_for(outcome.operation);
  ASSERT_EQ(outcome.items.size(), 2U);
  EXPECT_EQ(outcome.items[0].state, BatchState::done);
  EXPECT_EQ(outcome.items[0].subject, "planned");
  EXPECT_EQ(outcome.items[1].state, BatchState::skipped);
  EXPECT_EQ(outcome.items[1].subject, "restored");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("later"));
  EXPECT_EQ(volume_.read("projects/p/restored"), "12345");
}

TEST_F(EmptyTest, WhatWasRestoredAndTrashedAgainIsAnotherItem) {
  trash_file("f");
  const EmptyPlan shown = plan();
  volume_.restore("f");
  volume_.trash("projects/p/f");
  EXPECT_EQ(must(execute(shown.token)).items.at(0).state, BatchState::skipped);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f"));
}

TEST_F(EmptyTest, APieceThatFoldedSinceIsNotDestroyed) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "kept");
  must(volume_.unlink("projects/p/d/f"));
  const EmptyPlan shown = plan();
  must(volume_.rmdir("projects/p/d"));
  EXPECT_EQ(must(execute(shown.token)).items.at(0).state, BatchState::skipped);
  EXPECT_EQ(volume_.read(".trash/d/f"), "kept");
}

TEST_F(EmptyTest, ATokenWorksOnce) {
  trash_file("f");
  const EmptyPlan shown = plan();
  must(execute(shown.token));
  trash_file("f");
  EXPECT_EQ(refusal(execute(shown.token)), Errc::plan_expired);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f"));
}

TEST_F(EmptyTest, ATokenIsGoodForItsAccountOnly) {
  trash_file("f");
  const EmptyPlan shown = plan();
  const Account other = must(volume_.core().accounts().ensure("other", 1001, 1001));
  EXPECT_EQ(refusal(volume_.core().empty_plans().execute(other, shown.token, process(2))), Errc::plan_expired);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f"));
  // Somebody else's try does not use it up.
  EXPECT_TRUE(execute(shown.token));
}

TEST_F(EmptyTest, ATokenExpires) {
  trash_file("f");
  const EmptyPlan shown = plan();
  volume_.clock().advance(EmptyPlans::kLifetime + 1ns);
  EXPECT_EQ(refusal(execute(shown.token)), Errc::plan_expired);
  const EmptyPlan fresh = plan();
  volume_.clock().advance(EmptyPlans::kLifetime);
  EXPECT_TRUE(execute(fresh.token));
}

TEST_F(EmptyTest, TokensCannotBeGuessed) {
  const std::string token = plan().token;
  EXPECT_EQ(token.size(), 32U);
  EXPECT_EQ(token.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(plan().token, token);
  for (const char* guess : {"", "0", "00000000000000000000000000000000"})
    EXPECT_EQ(refusal(execute(guess)), Errc::plan_expired);
}

TEST_F(EmptyTest, FiltersNarrowThePlan) {
  trash_file("reads.bam", "123456789");
  volume_.mkdir("runs/r");
  const Timestamp before = volume_.clock().now() + 1s;
  volume_.trash("runs/r");
  const auto names = [this](const TrashFilter& filter) {
    std::vector<std::string> found;
    for (const TrashItem& item : plan(filter).items) found.push_back(item.name);
    return found;
  };
  EXPECT_THAT(names({.kind = ItemKind::run}), ElementsAre("r"));
  EXPECT_THAT(names({.name = "*.bam"}), ElementsAre("reads.bam"));
  EXPECT_THAT(names({.origin = "*/reads.*"}), ElementsAre("reads.bam"));
  EXPECT_THAT(names({.origin = "runs/*"}), ElementsAre("r"));
  EXPECT_THAT(names({.origin = "r"}), IsEmpty());
  EXPECT_THAT(names({.since = before}), ElementsAre("r"));
  EXPECT_THAT(names({.until = before}), ElementsAre("reads.bam"));
  EXPECT_THAT(names({.min_bytes = 9}), ElementsAre("reads.bam"));
  EXPECT_THAT(names({.min_bytes = 10}), IsEmpty());
  EXPECT_THAT(names({.deleted_by = "lab"}), ElementsAre("reads.bam", "r"));
  const auto unknown = volume_.core().empty_plans().plan(volume_.account(), {.deleted_by = "nobody"}, process(1));
  EXPECT_EQ(refusal(unknown), Errc::not_found);
}

TEST_F(EmptyTest, AnEmptyTrashIsEmptied) {
  const PurgeOutcome outcome = volume_.empty();
  EXPECT_THAT(outcome.items, IsEmpty());
}

TEST_F(EmptyTest, ReportsProgress) {
  trash_file("f", "12345");
  const PurgeOutcome outcome = volume_.empty();
  const OperationProgress progress = must(volume_.core().operation(outcome.operation));
  EXPECT_EQ(progress.state, OperationState::done);
  EXPECT_EQ(progress.inodes_total, 1U);
  EXPECT_EQ(progress.inodes_done, 1U);
  EXPECT_EQ(progress.bytes_total, 5U);
  EXPECT_EQ(progress.bytes_done, 5U);
  EXPECT_EQ(refusal(volume_.core().operation(OperationId(999))), Errc::not_found);
}

TEST_F(EmptyTest, PurgeOfSingleItemsReportsWhatIsNotThere) {
  trash_file("f");
  trash_file("g");
  const TrashItemId id = volume_.item("f").id;
  const auto outcome = must(volume_.core().empty_plans().purge(account(), {id, TrashItemId(999), id}, process(1)));
  ASSERT_EQ(outcome.items.size(), 3U);
  EXPECT_EQ(outcome.items[0].state, BatchState::done);
  EXPECT_EQ(outcome.items[1].state, BatchState::failed);
  EXPECT_EQ(outcome.items[1].code, "not_found");
  EXPECT_EQ(outcome.items[2].state, BatchState::failed);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("g"));
}

}  // namespace
}  // namespace reprieve::test
