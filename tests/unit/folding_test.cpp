// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class FoldingTest : public ::testing::Test {
 protected:
  std::vector<std::string> item_names() { return volume_.children(".trash"); }
  // A tree with everything that a fold has to keep.
  void make_rich_tree(const std::string& top) {
    volume_.mkdir(top, 0750);
    volume_.mkdir(top + "/sub");
    volume_.mkdir(top + "/sub/deep", 0700);
    volume_.mkdir(top + "/empty");
    volume_.write(top + "/file", "bytes");
    volume_.link(top + "/file", top + "/sub/hard");
    volume_.write(top + "/sub/deep/\xff\n odd", "");
    volume_.symlink(top + "/sub/soft", "../file");
    volume_.set_xattr(top + "/sub", "user.note", std::string("\0binary", 7));
    volume_.set_xattr(top + "/file", "user.empty", "");
    volume_.set_modified(top + "/file", Timestamp(-1'234'567'891ns));
    volume_.set_modified(top + "/sub/deep", Timestamp(987'654'321ns));
    volume_.set_modified(top + "/sub", Timestamp(123'456'789'012'345'678ns));
    volume_.set_modified(top, Timestamp(1'600'000'000'000'000'001ns));
  }

  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(FoldingTest, RemovedTreeIsOneItemWithTheExactTree) {
  make_rich_tree("projects/p/top");
  const TreeState before = volume_.tree("projects/p/top");
  volume_.remove_tree("projects/p/top");
  EXPECT_THAT(item_names(), ElementsAre("top"));
  EXPECT_EQ(volume_.tree(".trash/top"), before);
  const TrashItem item = volume_.item("top");
  EXPECT_EQ(item.origin, "projects/p/top");
  EXPECT_EQ(item.kind, ItemKind::folder);
  EXPECT_EQ(item.figures->files, 4U);
  EXPECT_EQ(item.figures->folders, 4U);
  constexpr std::uint64_t kBytes = 12;  // of the file, counted once, and of the symbolic link
  EXPECT_EQ(item.figures->bytes, kBytes);
  EXPECT_EQ(item.figures->exclusive_bytes, kBytes);
}

TEST_F(FoldingTest, MovingItBackGivesTheSameTree) {
  make_rich_tree("projects/p/top");
  const TreeState before = volume_.tree("projects/p");
  volume_.remove_tree("projects/p/top");
  must(volume_.rename(".trash/top", "projects/p/top"));
  EXPECT_EQ(volume_.tree("projects/p"), before);
  EXPECT_THAT(item_names(), IsEmpty());
}

TEST_F(FoldingTest, AWholeProjectFoldsWithItsKinds) {
  volume_.mkdir("projects/p/samples/s");
  volume_.write("projects/p/samples/s/reads.bam", "reads");
  volume_.mkdir("projects/p/analyses/a");
  volume_.mkdir("projects/p/analyses/a/logs");
  const TreeState before = volume_.tree("projects/p");
  volume_.remove_tree("projects/p");
  EXPECT_THAT(item_names(), ElementsAre("p"));
  EXPECT_EQ(volume_.tree(".trash/p"), before);
  const auto counts = must(volume_.core().trash().show(volume_.account(), volume_.item("p").id)).counts;
  EXPECT_EQ(counts, (std::map<ItemKind, std::uint64_t>{{ItemKind::project, 1},
                                                       {ItemKind::sample, 1},
                                                       {ItemKind::analysis, 1},
                                                       {ItemKind::folder, 3},
                                                       {ItemKind::file, 1}}));
}

TEST_F(FoldingTest, ItemsOfAnotherSessionStayAndSurviveThePurge) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/theirs", "kept");
  volume_.write("projects/p/d/mine", "gone");
  must(volume_.unlink("projects/p/d/theirs", 1));
  volume_.remove_tree("projects/p/d", 2);
  EXPECT_THAT(item_names(), ElementsAre("theirs", "d"));
  EXPECT_THAT(volume_.children(".trash/d"), ElementsAre("mine"));
  volume_.purge("d");
  EXPECT_THAT(item_names(), ElementsAre("theirs"));
  EXPECT_EQ(volume_.read(".trash/theirs"), "kept");
  must(volume_.rename(".trash/theirs", "projects/p/theirs"));
  EXPECT_EQ(volume_.read("projects/p/theirs"), "kept");
  EXPECT_EQ(volume_.attributes("projects/p/theirs").links, 1U);
}

TEST_F(FoldingTest, OfANameRemovedTwiceTheNewestGoesIn) {
  volume_.mkdir("projects/p/d");
  for (const char* bytes : {"first", "second", "third"}) {
    volume_.write("projects/p/d/tmp", bytes);
    must(volume_.unlink("projects/p/d/tmp"));
  }
  EXPECT_THAT(item_names(), ElementsAre("tmp", "tmp~2", "tmp~3"));
  must(volume_.rmdir("projects/p/d"));
  EXPECT_THAT(item_names(), ElementsAre("tmp", "tmp~2", "d"));
  EXPECT_EQ(volume_.read(".trash/d/tmp"), "third");
  EXPECT_EQ(volume_.read(".trash/tmp"), "first");
  EXPECT_EQ(volume_.read(".trash/tmp~2"), "second");
}

TEST_F(FoldingTest, EveryDirectoryHasItsMtimeBack) {
  volume_.mkdir("projects/p/a");
  volume_.mkdir("projects/p/a/b");
  volume_.mkdir("projects/p/a/b/c");
  volume_.write("projects/p/a/b/c/f", "");
  volume_.write("projects/p/a/b/g", "");
  std::map<std::string, Timestamp> times;
  std::int64_t nanoseconds = -500;
  for (const char* path : {"projects/p/a/b/c", "projects/p/a/b", "projects/p/a"}) {
    times[path] = Timestamp(std::chrono::nanoseconds(nanoseconds += 333'333'333));
    volume_.set_modified(path, times[path]);
  }
  volume_.remove_tree("projects/p/a");
  EXPECT_EQ(volume_.attributes(".trash/a").modified, times["projects/p/a"]);
  EXPECT_EQ(volume_.attributes(".trash/a/b").modified, times["projects/p/a/b"]);
  EXPECT_EQ(volume_.attributes(".trash/a/b/c").modified, times["projects/p/a/b/c"]);
}

TEST_F(FoldingTest, AChangeByOthersInBetweenKeepsItsMtime) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  volume_.write("projects/p/d/g", "");
  must(volume_.unlink("projects/p/d/f", 1));
  must(volume_.unlink("projects/p/d/g", 2));
  const Timestamp theirs = volume_.attributes("projects/p/d").modified;
  must(volume_.rmdir("projects/p/d", 1));
  EXPECT_EQ(volume_.attributes(".trash/d").modified, theirs);
}

TEST_F(FoldingTest, LinkCountsGoBackWithTheNames) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/outside", "x");
  volume_.link("projects/p/outside", "projects/p/d/one");
  volume_.link("projects/p/outside", "projects/p/d/two");
  volume_.mkdir("projects/p/d/sub");
  EXPECT_EQ(volume_.attributes("projects/p/outside").links, 3U);
  must(volume_.unlink("projects/p/d/one"));
  EXPECT_EQ(volume_.attributes("projects/p/outside").links, 2U);
  volume_.remove_tree("projects/p/d");
  EXPECT_EQ(volume_.attributes("projects/p/outside").links, 3U);
  EXPECT_EQ(volume_.attributes(".trash/d").links, 3U);
  EXPECT_EQ(volume_.attributes("projects/p").links, 4U);
  EXPECT_EQ(volume_.item("d").figures->exclusive_bytes, 0U);
  volume_.purge("d");
  EXPECT_EQ(volume_.attributes("projects/p/outside").links, 1U);
  EXPECT_EQ(volume_.read("projects/p/outside"), "x");
}

TEST_F(FoldingTest, HiddenProcessesFoldWithinTheWindow) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  const Caller hidden{.uid = 1000};
  must(volume_.names().unlink(volume_.account(), volume_.at("projects/p/d"), EntryName::literal("f"), hidden));
  must(volume_.names().rmdir(volume_.account(), project_, EntryName::literal("d"), hidden));
  EXPECT_THAT(item_names(), ElementsAre("d"));
}

TEST_F(FoldingTest, ThreadsOfOneProcessFoldTogether) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  const InodeId directory = volume_.at("projects/p/d");
  must(volume_.names().unlink(volume_.account(), directory, EntryName::literal("f"), {.uid = 1000, .thread = 11}));
  must(volume_.names().rmdir(volume_.account(), project_, EntryName::literal("d"), {.uid = 1000, .thread = 12}));
  EXPECT_THAT(item_names(), ElementsAre("d"));
}

TEST_F(FoldingTest, InterruptedRemovalIsRestoredByItsSession) {
  make_rich_tree("projects/p/top");
  const TreeState before = volume_.tree("projects/p");
  must(volume_.unlink("projects/p/top/sub/hard", 3));
  must(volume_.unlink("projects/p/top/sub/deep/\xff\n odd", 3));
  must(volume_.rmdir("projects/p/top/sub/deep", 3));
  must(volume_.unlink("projects/p/top/sub/soft", 3));
  EXPECT_THAT(item_names(), UnorderedElementsAre("hard", "deep", "soft"));
  const SessionId session = volume_.item("deep").session;
  const auto ids = must(volume_.core().trash().select(volume_.account(), {.session = session}, process(1)));
  EXPECT_EQ(ids.size(), 3U);
  for (const BatchOutcome& outcome : volume_.core().trash().restore(volume_.account(), ids, {}, process(9)))
    EXPECT_EQ(outcome.state, BatchState::done) << outcome.reason;
  EXPECT_EQ(volume_.tree("projects/p"), before);
  EXPECT_THAT(item_names(), IsEmpty());
}

TEST_F(FoldingTest, InterruptedBeforeTheLastStepsIsRestoredByItsSession) {
  make_rich_tree("projects/p/top");
  const TreeState before = volume_.tree("projects/p");
  volume_.remove_tree("projects/p/top/sub", 3);
  must(volume_.rmdir("projects/p/top/empty", 3));
  EXPECT_THAT(item_names(), ElementsAre("sub", "empty"));
  const auto ids =
      must(volume_.core().trash().select(volume_.account(), {.session = volume_.item("sub").session}, process(1)));
  for (const BatchOutcome& outcome : volume_.core().trash().restore(volume_.account(), ids, {}, process(9)))
    EXPECT_EQ(outcome.state, BatchState::done) << outcome.reason;
  EXPECT_EQ(volume_.tree("projects/p"), before);
}

TEST_F(FoldingTest, FilesOnlyAreItemsOfTheirOwn) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/a", "1");
  volume_.write("projects/p/d/b", "2");
  must(volume_.unlink("projects/p/d/a"));
  must(volume_.unlink("projects/p/d/b"));
  EXPECT_THAT(item_names(), ElementsAre("a", "b"));
  EXPECT_EQ(volume_.item("a").session, volume_.item("b").session);
  EXPECT_EQ(volume_.item("a").origin, "projects/p/d/a");
  EXPECT_EQ(volume_.item("a").kind, ItemKind::file);
  EXPECT_THAT(volume_.children("projects/p/d"), IsEmpty());
}

TEST_F(FoldingTest, MovingATreeToTheTrashFoldsNothing) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/earlier", "");
  volume_.write("projects/p/d/later", "");
  must(volume_.unlink("projects/p/d/earlier"));
  must(volume_.rename("projects/p/d", ".trash/d"));
  EXPECT_THAT(item_names(), ElementsAre("earlier", "d"));
  EXPECT_THAT(volume_.children(".trash/d"), ElementsAre("later"));
}

TEST_F(FoldingTest, AnEmptyDirectoryThatARenameReplacesFoldsToo) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/new");
  volume_.write("projects/p/d/f", "");
  must(volume_.unlink("projects/p/d/f"));
  must(volume_.rename("projects/p/new", "projects/p/d"));
  EXPECT_THAT(item_names(), ElementsAre("d"));
  EXPECT_THAT(volume_.children(".trash/d"), ElementsAre("f"));
}

TEST_F(FoldingTest, WhatIsRestoredOverItsOwnFolderComesOutOfIt) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/d/sub");
  volume_.write("projects/p/d/f", "");
  must(volume_.unlink("projects/p/d/f"));
  must(volume_.rmdir("projects/p/d/sub"));
  // The folder makes way and takes up what this session removed from it, the restored item among it.
  must(volume_.rename(".trash/sub", "projects/p/d"));
  EXPECT_THAT(item_names(), ElementsAre("d"));
  EXPECT_THAT(volume_.children(".trash/d"), ElementsAre("f"));
  EXPECT_EQ(volume_.attributes(".trash/d").links, 2U);
  EXPECT_EQ(volume_.attributes("projects/p").links, 5U);
}

TEST_F(FoldingTest, ADirectoryThatFoldsComesBackUnderANewGeneration) {
  volume_.mkdir("projects/p/d");
  const std::uint64_t generation = volume_.attributes("projects/p/d").generation;
  must(volume_.rmdir("projects/p/d"));
  EXPECT_GT(volume_.attributes(".trash/d").generation, generation);
}

}  // namespace
}  // namespace reprieve::test
