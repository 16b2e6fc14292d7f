// SPDX-License-Identifier: Apache-2.0
// What lies in a directory is its owner's, whatever an editor deletes, moves and takes back; else the editor would get
// hold of what its owner puts there later. The fixture holds the store against the rules at the end of each case.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "tests/unit/sharing_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ChangingHandsTest : public SharingTest {
 protected:
  ChangingHandsTest() {
    share(Role::editor);
    bob_makes("projects/own");
  }
  // A file of bob's with names in both directories, of which the first one is deleted.
  void bob_leaves_one_of_two_names(const std::string& first, const std::string& second) {
    must(bob_creates(first));
    must(bob_links(first, second));
    must(bob_unlinks(first));
  }
  void bob_trashes(const std::string& path) {
    must(core().names().rename(bob_, parent_of(path), name_of(path), bob_.trash, name_of(path), RenameMode::replace,
                               bobs(5)));
  }
  // The owner writes there, and all of bob's ways to destroy it are tried.
  void expect_safe(const std::string& directory) {
    volume_.write(directory + "/data", "the only copy");
    if (bob_sees(directory)) static_cast<void>(bob_renames(directory, "projects/own/taken"));
    static_cast<void>(core().trash().trash_paths(bob_, {directory}, bobs(6)));
    for (const TrashItem& item : bobs_items()) must(core().empty_plans().purge(bob_, {item.id}, bobs(6)));
    volume_.reopen();
    const TreeState all = volume_.tree("");
    const bool is_there =
        std::ranges::any_of(all, [](const auto& node) { return node.second.content == "the only copy"; });
    bool is_in_trash = false;
    for (const TrashItem& item : volume_.items()) is_in_trash |= item.figures && item.figures->files > 0;
    EXPECT_TRUE(is_there || is_in_trash);
  }
};

TEST_F(ChangingHandsTest, WhatTakesThePlaceBringsItsOtherNameAlong) {
  bob_leaves_one_of_two_names("projects/P/d/x", "projects/P/e/x");
  must(bob_renames("projects/P/e/x", "projects/P/d/x"));
  const auto undone = must(core().undo().last(bob_, bobs(6)));
  EXPECT_EQ(undone.results.at(0).code, code_name(Errc::exists)) << undone.results.at(0).reason;
  EXPECT_EQ(volume_.attributes("projects/P/d/x").uid, 1000U);
}

TEST_F(ChangingHandsTest, ASampleThatTakesItsOwnPlace) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  bob_makes("projects/P/samples/S");
  must(core().items().add_to(volume_.account(), "projects/Q", "projects/P/samples/S", process(1)));
  must(bob_rmdirs("projects/P/samples/S"));
  must(bob_renames("projects/Q/samples/S", "projects/P/samples/S"));
  must(core().undo().last(bob_, bobs(6)));
  expect_safe("projects/P/samples/S");
}

TEST_F(ChangingHandsTest, WhatIsFoldedBackIntoADirectoryThatIsHidden) {
  bob_makes("projects/P/e/made");
  bob_leaves_one_of_two_names("projects/P/d/x", "projects/P/e/made/x");
  bob_trashes("projects/P/e/made");
  must(bob_unlinks("projects/P/d/g"));
  must(bob_rmdirs("projects/P/d"));
  EXPECT_THAT(volume_.children("projects/P/d"), UnorderedElementsAre("g"));
  // It is bob's, and in its trash.
  EXPECT_EQ(bobs_items().size(), 2U);
}

TEST_F(ChangingHandsTest, ADirectoryThatIsFoldedBackIntoOneThatIsHidden) {
  bob_makes("projects/P/e/s");
  bob_makes("projects/P/made");
  bob_leaves_one_of_two_names("projects/P/e/s/x", "projects/P/made/x");
  bob_trashes("projects/P/made");
  must(bob_rmdirs("projects/P/e/s"));
  must(bob_rmdirs("projects/P/e"));
  must(core().undo().last(bob_, bobs(6)));
  if (volume_.exists("projects/P/e/s")) expect_safe("projects/P/e/s");
}

TEST_F(ChangingHandsTest, WhatIsFoldedIntoADirectoryThatGoesToTheOwner) {
  bob_makes("projects/P/D");
  bob_makes("projects/P/D/s");
  bob_makes("projects/P/made");
  volume_.write("projects/P/D/x", "the owner's");
  bob_leaves_one_of_two_names("projects/P/D/s/f", "projects/P/made/f");
  bob_trashes("projects/P/made");
  must(bob_rmdirs("projects/P/D/s"));
  must(bob_unlinks("projects/P/D/x"));
  must(bob_rmdirs("projects/P/D"));
  EXPECT_EQ(volume_.restore("D").state, BatchState::done);
  EXPECT_EQ(volume_.read("projects/P/D/x"), "the owner's");
  if (volume_.exists("projects/P/D/s")) expect_safe("projects/P/D/s");
}

TEST_F(ChangingHandsTest, WhatMakesWayForATreeAndHasNamesOfWhatIsInIt) {
  bob_makes("projects/P/T");
  bob_makes("projects/P/m");
  bob_leaves_one_of_two_names("projects/P/T/x", "projects/P/m/x");
  must(bob_renames("projects/P/m", "projects/own/m"));
  if (bob_renames("projects/own/m", "projects/P/T")) {
    expect_safe("projects/P/T");
  } else {
    EXPECT_TRUE(bob_sees("projects/own/m/x"));
    EXPECT_TRUE(volume_.exists("projects/P/T"));
  }
}

TEST_F(ChangingHandsTest, WhatAnotherMadeInAnEditorsDirectoryStaysInItsItem) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  bob_makes("projects/P/D");
  bob_makes("projects/P/D/t");
  volume_.write("projects/P/D/f", "the owner's");
  volume_.write("projects/P/D/t/g", "the owner's");
  EXPECT_EQ(refusal(bob_links("projects/P/D/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D/t", "projects/Q/t")), Errc::not_yours);
  must(bob_renames("projects/P/D/f", "projects/P/e/f"));
  bob_makes("projects/P/own");
  must(bob_creates("projects/P/own/x"));
  must(bob_renames("projects/P/own", "projects/Q/own"));
}

TEST_F(ChangingHandsTest, FoldersOfSamplesAreNoEditorsOwn) {
  must(volume_.rmdir("projects/P/samples"));
  bob_makes("projects/P/made");
  must(bob_renames("projects/P/made", "projects/P/samples"));
  volume_.mkdir("projects/P/samples/S");
  must(bob_rmdirs("projects/P/samples/S"));
  EXPECT_TRUE(volume_.exists("projects/P/samples/S"));
  EXPECT_THAT(volume_.items(), ::testing::SizeIs(1));  // samples/ itself
}

TEST_F(ChangingHandsTest, AnEditorsReplacingDestroysOnlyItsOwn) {
  volume_.close();
  volume_.settings().trash.keep_replaced = false;
  volume_.open();
  bob_makes("projects/P/D");
  volume_.write("projects/P/D/f", "the owner's");
  must(bob_creates("projects/P/new"));
  must(bob_renames("projects/P/new", "projects/P/D/f"));
  EXPECT_EQ(volume_.items().size(), 1U);
}

TEST_F(ChangingHandsTest, ADirectoryThatStaysDoesNotGoBackInTime) {
  must(bob_creates("projects/P/d/x"));
  must(bob_unlinks("projects/P/d/x"));
  must(bob_unlinks("projects/P/d/g"));
  volume_.set_xattr("projects/P/d", "user.key", "value");
  const Timestamp changed = volume_.attributes("projects/P/d").changed;
  must(bob_rmdirs("projects/P/d"));
  EXPECT_GE(volume_.attributes("projects/P/d").changed, changed);
}

TEST_F(ChangingHandsTest, AGroupOfAnEditorsStaysTogetherInEachTrash) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  must(core().names().create(bob_, target("runs").inode, EntryName::literal("R"), {.mode = S_IFDIR | 0755}, bobs(5)));
  bob_makes("projects/P/samples/S");
  must(core().items().add_to(volume_.account(), "projects/Q", "projects/P/samples/S", process(1)));
  must(core().items().associate(bob_, "projects/P/samples/S", {"runs/R"}, bobs(5)));
  const auto outcomes = core().trash().trash_paths(bob_, {"runs/R"}, bobs(6), {.mode = TrashMode::with_associated});
  EXPECT_EQ(outcomes.size(), 3U);
  EXPECT_THAT(volume_.items(), IsEmpty());
  std::set<TrashItemId> leaders;
  for (const TrashItem& item : bobs_items()) leaders.insert(item.together);
  EXPECT_EQ(leaders.size(), 1U);
}

}  // namespace
}  // namespace reprieve::test
