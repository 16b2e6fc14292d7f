// SPDX-License-Identifier: Apache-2.0
// What undo takes back: every kind of session. Leaving and hiding are in sharing_test.
#include <gmock/gmock.h>

#include "tests/unit/two_accounts.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class UndoTest : public TwoAccounts {
 protected:
  UndoTest() {
    volume_.mkdir("projects/Q");
    volume_.mkdir("projects/Q/d");
    volume_.mkdir("projects/Q/d/sub");
    volume_.write("projects/Q/d/sub/f", "f");
    volume_.write("projects/Q/d/g", "g");
    volume_.mkdir("runs/R");
    volume_.write("runs/R/data", "data");
  }
  // By a process of its own, so that it is not itself what is taken back.
  UndoReport undo() {
    tick();
    UndoReport report = must(core().undo().last(lab(), process(++undoing_)));
    for (const BatchOutcome& result : report.results) EXPECT_EQ(result.state, BatchState::done) << result.reason;
    return report;
  }
  std::vector<std::string> events(EventKind kind) {
    std::vector<std::string> lines;
    for (const HistoryEvent& event : must(core().history().list(lab(), {.kind = kind, .since = {}})))
      lines.push_back(event.path + ": " + event.detail);
    return lines;
  }
  int undoing_ = 50;
};

TEST_F(UndoTest, APartGoesBackIntoTheTreeInTheTrash) {
  const TreeState before = volume_.tree("projects/Q/d");
  volume_.trash("projects/Q/d");
  must(volume_.rename(".trash/d/sub", "projects/Q/kept", RenameMode::replace, 2));
  EXPECT_THAT(events(EventKind::restore_part), ElementsAre("projects/Q/kept: .trash/d/sub"));
  EXPECT_EQ(volume_.item("d").figures->files, 1U);
  const UndoReport report = undo();
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].effect, EventKind::trash);
  EXPECT_EQ(report.results[0].path, "d");
  EXPECT_FALSE(volume_.exists("projects/Q/kept"));
  ASSERT_THAT(volume_.items(), ::testing::SizeIs(1));
  EXPECT_EQ(volume_.item("d").figures->files, 2U);
  undo();
  EXPECT_EQ(volume_.tree("projects/Q/d"), before);
}

TEST_F(UndoTest, APartWhoseItemIsGoneBecomesAnItem) {
  volume_.trash("projects/Q/d");
  must(volume_.rename(".trash/d/sub", "projects/Q/kept", RenameMode::replace, 2));
  volume_.purge("d");
  undo();
  EXPECT_FALSE(volume_.exists("projects/Q/kept"));
  EXPECT_EQ(volume_.read(".trash/kept/f"), "f");
}

TEST_F(UndoTest, WhatIsNoLongerThereHoldsUpNothing) {
  volume_.trash("runs/R");
  volume_.trash("projects/Q/d");
  must(volume_.rename(".trash/d", "projects/Q/d", RenameMode::replace, 2));
  volume_.trash("projects/Q/d");
  volume_.purge("d");
  tick();
  const UndoReport gone = must(core().undo().last(lab(), process(++undoing_)));
  ASSERT_EQ(gone.results.size(), 1U);
  EXPECT_EQ(gone.results[0].state, BatchState::skipped);
  EXPECT_EQ(gone.results[0].reason, "what was restored is no longer there");
  undo();
  EXPECT_TRUE(volume_.exists("runs/R"));
}

TEST_F(UndoTest, APartThatBecameAnotherKindBecomesAnItem) {
  volume_.trash("projects/Q/d");
  must(volume_.rename(".trash/d/sub", "runs/S", RenameMode::replace, 2));
  undo();
  EXPECT_EQ(volume_.item("S").kind, ItemKind::run);
  EXPECT_FALSE(volume_.exists(".trash/d/sub"));
}

TEST_F(UndoTest, FilesGoAloneAgain) {
  tick();
  const TrashHow files_only{.mode = TrashMode::files_only};
  ASSERT_EQ(core().trash().trash_paths(lab(), {"runs/R"}, process(2), files_only).at(0).state, BatchState::done);
  EXPECT_EQ(volume_.restore("R", {}, 3).state, BatchState::done);
  EXPECT_THAT(events(EventKind::restore_files), ElementsAre("runs/R: runs/R"));
  undo();
  EXPECT_TRUE(volume_.exists("runs/R"));
  EXPECT_FALSE(volume_.exists("runs/R/data"));
  EXPECT_EQ(volume_.item("R").mode, TrashMode::files_only);
  // The deletion that was taken back is over; what undo did itself is not taken back, so this is the next.
  undo();
  EXPECT_EQ(volume_.read("runs/R/data"), "data");
}

TEST_F(UndoTest, WhatAnUndoHasRestoredWasNotUndone) {
  volume_.trash("projects/Q/d", 2);
  undo();
  const auto told = must(core().history().list(lab(), {.kind = EventKind::restore, .since = {}}));
  ASSERT_THAT(told, ::testing::SizeIs(1));
  EXPECT_FALSE(told[0].undone);
  // Nor is it taken back.
  tick();
  EXPECT_EQ(refusal(core().undo().last(lab(), process(60))), Errc::not_found);
  // One that was taken back is told so.
  volume_.trash("projects/Q/d", 2);
  volume_.restore("d", {}, 3);
  undo();
  std::vector<bool> undone;
  for (const auto& event : must(core().history().list(lab(), {.kind = EventKind::restore, .since = {}})))
    undone.push_back(event.undone);
  EXPECT_THAT(undone, ElementsAre(false, true));
}

TEST_F(UndoTest, WhatRunsIsTakenBackByForceAlone) {
  volume_.trash("runs/R", 2);
  EXPECT_EQ(volume_.restore("R", {}, 3).state, BatchState::done);
  must(core().items().set_status(lab(), "runs/R", ItemStatus::running, process(1)));
  tick();
  EXPECT_EQ(must(core().undo().last(lab(), process(60))).results.at(0).code, "running");
  EXPECT_TRUE(volume_.exists("runs/R"));
  EXPECT_EQ(must(core().undo().last(lab(), process(61), Guard::force)).results.at(0).state, BatchState::done);
  EXPECT_FALSE(volume_.exists("runs/R"));
}

TEST_F(UndoTest, AReplacedFileComesBackAndWhatReplacedItIsInTheTrash) {
  volume_.write("projects/Q/new", "new");
  must(volume_.rename("projects/Q/new", "projects/Q/d/g", RenameMode::replace, 2));
  EXPECT_EQ(volume_.read("projects/Q/d/g"), "new");
  undo();
  EXPECT_EQ(volume_.read("projects/Q/d/g"), "g");
  EXPECT_EQ(volume_.read(".trash/g~2"), "new");
}

TEST_F(UndoTest, ARestoreThatReplacedTakesBothBack) {
  volume_.trash("projects/Q/d/g", 2);
  volume_.write("projects/Q/d/g", "other");
  EXPECT_EQ(volume_.restore("g", {.on_collision = OnCollision::replace}, 3).state, BatchState::done);
  EXPECT_EQ(volume_.read("projects/Q/d/g"), "g");
  undo();
  EXPECT_EQ(volume_.read("projects/Q/d/g"), "other");
}

TEST_F(UndoTest, AGroupComesBack) {
  volume_.mkdir("projects/Q/samples/S");
  must(core().items().associate(lab(), "projects/Q/samples/S", {"runs/R"}, process(1)));
  tick();
  core().trash().trash_paths(lab(), {"runs/R"}, process(2), {.mode = TrashMode::with_associated});
  EXPECT_FALSE(volume_.exists("projects/Q/samples/S"));
  EXPECT_EQ(undo().results.size(), 2U);
  EXPECT_EQ(volume_.read("runs/R/data"), "data");
  EXPECT_TRUE(volume_.exists("projects/Q/samples/S"));
}

TEST_F(UndoTest, AnEditorTakesBackWhatItReplaced) {
  volume_.write("projects/P/f", "old");
  bob_writes("projects/P/new", "new");
  must(bob_renames("projects/P/new", "projects/P/f"));
  ASSERT_EQ(volume_.read("projects/P/f"), "new");
  const UndoReport report = bob_undoes();
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].state, BatchState::done) << report.results[0].reason;
  EXPECT_EQ(report.results[0].effect, EventKind::restore);
  EXPECT_EQ(volume_.read("projects/P/f"), "old");
  EXPECT_THAT(volume_.items(), IsEmpty());
  EXPECT_EQ(must(core().trash().list(bob_, {})).total, 1U);
  EXPECT_EQ(volume_.attributes("projects/P/f").uid, 1000U);
}

TEST_F(UndoTest, WhoIsNoEditorAnyMoreTakesNothingBack) {
  volume_.write("projects/P/f", "old");
  bob_writes("projects/P/new", "new");
  must(bob_renames("projects/P/new", "projects/P/f"));
  share(Role::viewer);
  EXPECT_EQ(bob_undoes().results.at(0).code, "viewer_only");
  must(core().sharing().unshare(lab(), "projects/P", "bob", process(1)));
  EXPECT_EQ(bob_undoes().results.at(0).code, "not_found");
  EXPECT_EQ(volume_.read("projects/P/f"), "new");
}

TEST_F(UndoTest, ChangesOfItemsAreInTheHistory) {
  volume_.mkdir("projects/Q/samples/S");
  must(core().items().associate(lab(), "projects/Q/samples/S", {"runs/R"}, process(1)));
  must(core().items().dissociate(lab(), "projects/Q/samples/S", {"runs/R"}, process(1)));
  must(core().items().set_status(lab(), "runs/R", ItemStatus::complete, process(1)));
  volume_.set_xattr("runs/R", "user.reprieve.status", "failed");
  volume_.set_xattr("projects/Q/samples/S", "user.reprieve.derived_from", "runs/R");
  must(core().items().add_to(lab(), "projects/P", "projects/Q/samples/S", process(1)));
  EXPECT_THAT(events(EventKind::associate),
              ElementsAre("projects/Q/samples/S: with runs/R", "projects/Q/samples/S: with runs/R alone"));
  EXPECT_THAT(events(EventKind::dissociate), ElementsAre("projects/Q/samples/S: from runs/R"));
  EXPECT_THAT(events(EventKind::add_to), ElementsAre("projects/Q/samples/S: to projects/P"));
  EXPECT_THAT(events(EventKind::status), ElementsAre("runs/R: complete", "runs/R: failed"));
}

}  // namespace
}  // namespace reprieve::test
