// SPDX-License-Identifier: Apache-2.0
// Several accounts through core: who sees what, what deletion means, and what is taken back.
#include "core/accounts/sharing.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/wait.h"
#include "tests/unit/sharing_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SharingTest, TheSameItemInBothTreesUnderAFreeName) {
  must(core().names().create(bob_, bob_.projects, EntryName::literal("P"), {.mode = S_IFDIR | 0755}, bobs(1)));
  EXPECT_EQ(share(Role::viewer).name, "P~2");
  EXPECT_EQ(target("projects/P~2").inode, volume_.at("projects/P"));
  EXPECT_EQ(target("projects/P~2/d/g").inode, volume_.at("projects/P/d/g"));
}

TEST_F(SharingTest, OnlyWholeItemsByTheirOwnerWithOthers) {
  const auto refused = [&](const Account& account, const char* path, const char* with) {
    return refusal(core().sharing().share(account, path, with, Role::viewer, process(1)));
  };
  EXPECT_EQ(refused(volume_.account(), "projects/P/d", "bob"), Errc::wrong_place);
  EXPECT_EQ(refused(volume_.account(), "projects", "bob"), Errc::wrong_place);
  EXPECT_EQ(refused(volume_.account(), "projects/none", "bob"), Errc::not_found);
  EXPECT_EQ(refused(volume_.account(), "projects/P", "nobody"), Errc::not_found);
  EXPECT_EQ(refused(volume_.account(), "projects/P", "lab"), Errc::invalid_argument);
  EXPECT_EQ(refused(bob_, "projects/P", "lab"), Errc::not_found);
  share(Role::editor);
  EXPECT_EQ(refused(bob_, "projects/P", "lab"), Errc::not_yours);
  EXPECT_EQ(refusal(core().sharing().unshare(bob_, "projects/P", "lab", bobs(1))), Errc::not_yours);
}

TEST_F(SharingTest, ShownWithTheOwnIdsAndTheModesOfTheRole) {
  share(Role::viewer);
  const Attributes file = bobs_view("projects/P/f");
  EXPECT_EQ(file.uid, kBob);
  EXPECT_EQ(file.mode & 07777U, 0444U);
  EXPECT_EQ(bobs_view("projects/P/d").mode & 07777U, 0755U);
  EXPECT_EQ(file.stability, Stability::view);
  share(Role::editor);
  EXPECT_EQ(bobs_view("projects/P/f").mode & 07777U, 0644U);
  EXPECT_EQ(volume_.attributes("projects/P/f").uid, 1000U);
  EXPECT_EQ(volume_.attributes("projects/P/f").stability, Stability::view);
  unshare();
  EXPECT_EQ(volume_.attributes("projects/P/f").stability, Stability::stable);
}

TEST_F(SharingTest, AViewerChangesNothing) {
  share(Role::viewer);
  const InodeId file = target("projects/P/f").inode;
  EXPECT_EQ(refusal(bob_creates("projects/P/new")), Errc::viewer_only);
  EXPECT_EQ(refusal(core().content().open(bob_, file, O_RDWR)), Errc::viewer_only);
  EXPECT_EQ(refusal(core().attributes().set(bob_, file, {.mode = 0600}, bobs(1))), Errc::viewer_only);
  EXPECT_EQ(refusal(core().attributes().set(bob_, file, {.size = 0}, bobs(1))), Errc::viewer_only);
  EXPECT_EQ(refusal(core().attributes().set_xattr(bob_, file, "user.a", "1", XattrMode::set, bobs(1))),
            Errc::viewer_only);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/n")), Errc::viewer_only);
  EXPECT_TRUE(core().content().open(bob_, file, O_RDONLY));
}

TEST_F(SharingTest, WhatAnEditorMakesIsTheOwners) {
  share(Role::editor);
  must(bob_creates("projects/P/made"));
  EXPECT_EQ(volume_.attributes("projects/P/made").uid, 1000U);
  EXPECT_EQ(bobs_view("projects/P/made").uid, kBob);
  must(bob_unlinks("projects/P/made"));
  EXPECT_THAT(bobs_items(), ::testing::SizeIs(1));
  EXPECT_THAT(volume_.items(), IsEmpty());
  EXPECT_FALSE(volume_.exists("projects/P/made"));
}

// rm -r of what is not its own deletes what it made on the way there, and must come to the same as mv of the whole.
TEST_F(SharingTest, WhatAnEditorMadeStaysInWhatItLeavesOrHides) {
  share(Role::editor);
  must(bob_creates("projects/P/made"));
  must(bob_creates("projects/P/d/made"));
  const Timestamp modified = volume_.attributes("projects/P/d").modified;
  must(bob_unlinks("projects/P/d/made"));
  must(bob_unlinks("projects/P/d/g"));
  EXPECT_THAT(bobs_items(), ::testing::SizeIs(1));
  must(bob_rmdirs("projects/P/d"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_FALSE(bob_sees("projects/P/d"));
  EXPECT_TRUE(volume_.exists("projects/P/d/made"));
  EXPECT_EQ(volume_.attributes("projects/P/d/made").links, 1U);
  EXPECT_EQ(volume_.attributes("projects/P/d").modified, modified);
  for (const char* name : {"made", "f"}) must(bob_unlinks(std::string("projects/P/") + name));
  for (const char* name : {"e", "samples", "analyses", ""}) {
    must(bob_rmdirs(*name != '\0' ? std::string("projects/P/") + name : "projects/P"));
  }
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_EQ(volume_.tree("projects/P").size(), 9U);
  EXPECT_EQ(history(EventKind::leave).size(), 1U);
}

TEST_F(SharingTest, WhatAnEditorMadeGivesWayToWhatIsThere) {
  share(Role::editor);
  must(bob_creates("projects/P/d/made"));
  must(bob_unlinks("projects/P/d/made"));
  volume_.write("projects/P/d/made", "the owner's");
  must(bob_unlinks("projects/P/d/made"));
  must(bob_unlinks("projects/P/d/g"));
  must(bob_rmdirs("projects/P/d"));
  EXPECT_EQ(volume_.read("projects/P/d/made"), "the owner's");
  EXPECT_THAT(bobs_items(), ::testing::SizeIs(1));
}

TEST_F(SharingTest, WhatMovesBetweenAccountsChangesHands) {
  share(Role::editor);
  must(core().names().create(bob_, bob_.projects, EntryName::literal("own"), {.mode = S_IFDIR | 0755}, bobs(1)));
  must(core().names().create(bob_, target("projects/own").inode, EntryName::literal("t"), {.mode = S_IFDIR | 0755},
                             bobs(1)));
  must(bob_creates("projects/own/t/x"));
  must(bob_renames("projects/own/t", "projects/P/t"));
  EXPECT_EQ(volume_.attributes("projects/P/t/x").uid, 1000U);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/own/f")), Errc::not_yours);
  // It made it, so it may take it away again.
  must(bob_renames("projects/P/t", "projects/own/t"));
  EXPECT_EQ(bobs_view("projects/own/t/x").uid, kBob);
  EXPECT_EQ(refusal(core().names().link(bob_, target("projects/own/t/x").inode, target("projects/P").inode,
                                        EntryName::literal("l"), bobs(1))),
            Errc::not_yours);
}

TEST_F(SharingTest, WhatAnEditorReplacesIsInTheOwnersTrash) {
  share(Role::editor);
  must(bob_creates("projects/P/new"));
  must(bob_renames("projects/P/new", "projects/P/f"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  const TrashItem item = volume_.item("f");
  EXPECT_EQ(item.deleted_by, "bob");
  EXPECT_EQ(item.origin, "projects/P/f");
  EXPECT_EQ(volume_.restore("f", {.on_collision = OnCollision::replace}).state, BatchState::done);
  EXPECT_EQ(volume_.read("projects/P/f"), "f");
}

TEST_F(SharingTest, HidingIsOfOneAccount) {
  share(Role::viewer);
  must(bob_unlinks("projects/P/f"));
  EXPECT_FALSE(bob_sees("projects/P/f"));
  EXPECT_THAT(bobs_list("projects/P"), ElementsAre("samples", "analyses", "d", "e"));
  EXPECT_TRUE(volume_.exists("projects/P/f"));
  EXPECT_EQ(refusal(bob_unlinks("projects/P/f")), Errc::not_found);
  share(Role::editor);
  const auto taken = bob_creates("projects/P/f");
  ASSERT_EQ(refusal(taken), Errc::exists);
  EXPECT_THAT(taken.error().reason, HasSubstr("deleted from your view"));
  // It follows the file.
  must(volume_.rename("projects/P/f", "projects/P/d/f"));
  EXPECT_FALSE(bob_sees("projects/P/d/f"));
}

TEST_F(SharingTest, NothingIsHiddenThatIsNotSharedAnyMore) {
  share(Role::viewer);
  volume_.mkdir("projects/Q");
  must(bob_unlinks("projects/P/d/g"));
  must(bob_unlinks("projects/P/f"));
  must(volume_.rename("projects/P/f", "projects/Q/f"));
  volume_.trash("projects/P/d");
  EXPECT_EQ(volume_.restore("d", {.to = "projects/Q"}).state, BatchState::done);
  must(volume_.rename("projects/Q/d", "projects/P/d"));
  EXPECT_TRUE(bob_sees("projects/P/d/g"));
}

TEST_F(SharingTest, TheEndOfTheProcessDecides) {
  share(Role::viewer);
  must(bob_unlinks("projects/P/f", 5));
  must(bob_unlinks("projects/P/d/g", 6));
  must(bob_rmdirs("projects/P/d", 6));
  volume_.processes().end(5, ProcessEnd::interrupted);
  EXPECT_TRUE(wait_until([&] { return bob_sees("projects/P/f"); }));
  volume_.processes().end(6, ProcessEnd::well);
  EXPECT_TRUE(wait_until([&] { return history(EventKind::hide).size() == 1; }));
  EXPECT_EQ(history(EventKind::hide).front().path, "projects/P/d");
  EXPECT_FALSE(bob_sees("projects/P/d"));
}

TEST_F(SharingTest, AnInterruptedTreeIsWhole) {
  share(Role::viewer);
  bob_removes_the_tree(5);
  EXPECT_THAT(bobs_list("projects/P"), IsEmpty());
  volume_.processes().end(5, ProcessEnd::interrupted);
  EXPECT_TRUE(wait_until([&] { return bob_sees("projects/P/f"); }));
  EXPECT_TRUE(bob_sees("projects/P/d/g"));
  EXPECT_THAT(bobs_list("projects/P"), ElementsAre("samples", "analyses", "f", "d", "e"));
  // To the kernel that saw it die, the directory is another one.
  EXPECT_GT(bobs_view("projects/P/d").generation, volume_.attributes("projects/P/d").generation);
}

TEST_F(SharingTest, WhatWasNotSettledShowsAgainAfterARestart) {
  share(Role::viewer);
  must(bob_unlinks("projects/P/f", 5));
  volume_.processes().forget(5);
  volume_.reopen();
  EXPECT_TRUE(wait_until([&] { return bob_sees("projects/P/f"); }));
}

TEST_F(SharingTest, WhoGoesOnIsWaitedForAgainAfterARestart) {
  share(Role::viewer);
  must(bob_unlinks("projects/P/f", 5));
  volume_.reopen();
  EXPECT_FALSE(bob_sees("projects/P/f"));
  volume_.processes().end(5, ProcessEnd::well);
  EXPECT_TRUE(wait_until([&] { return history(EventKind::hide).size() == 1; }));
}

TEST_F(SharingTest, LeavingAndComingBack) {
  share(Role::viewer);
  bob_removes_the_tree(5);
  must(bob_rmdirs("projects/P"));
  EXPECT_FALSE(bob_sees("projects/P"));
  EXPECT_EQ(volume_.tree("projects/P").size(), 7U);
  const UndoReport report = must(core().undo().last(bob_, bobs(9)));
  ASSERT_EQ(report.results.size(), 1U);
  EXPECT_EQ(report.results[0].state, BatchState::done);
  // All of it: what was hidden on the way went with the leave.
  EXPECT_TRUE(bob_sees("projects/P/d/g"));
  EXPECT_EQ(refusal(core().undo().last(bob_, bobs(9))), Errc::not_found);
}

TEST_F(SharingTest, NobodyComesBackToWhatIsNoLongerShared) {
  share(Role::viewer);
  EXPECT_EQ(core().trash().trash_paths(bob_, {"projects/P"}, bobs(5)).at(0).effect, EventKind::leave);
  unshare();
  const UndoReport report = must(core().undo().last(bob_, bobs(9)));
  EXPECT_EQ(report.results.at(0).state, BatchState::failed);
  EXPECT_FALSE(bob_sees("projects/P"));
}

TEST_F(SharingTest, UndoTakesBackRestoresAndDeletions) {
  volume_.trash("projects/P/f", 2);
  EXPECT_EQ(volume_.restore("f", {}, 3).state, BatchState::done);
  must(core().undo().last(volume_.account(), process(4)));
  EXPECT_FALSE(volume_.exists("projects/P/f"));
  must(core().undo().last(volume_.account(), process(6)));
  EXPECT_EQ(volume_.read("projects/P/f"), "f");
}

TEST_F(SharingTest, TheOwnersTrashTakesTheSharesAlongAndBack) {
  share(Role::editor);
  must(bob_renames("projects/P", "projects/mine"));
  volume_.trash("projects/P");
  EXPECT_FALSE(bob_sees("projects/mine"));
  EXPECT_EQ(must(core().sharing().list(volume_.account())).at(0).path, ".trash/P");
  EXPECT_EQ(must(core().sharing().list(bob_)).at(0).path, "mine");
  EXPECT_EQ(volume_.restore("P").state, BatchState::done);
  EXPECT_TRUE(bob_sees("projects/mine/f"));
  volume_.trash("projects/P");
  volume_.purge("P");
  EXPECT_THAT(must(core().sharing().list(bob_)), IsEmpty());
}

TEST_F(SharingTest, NothingOfAnotherAccountCanBeReachedByNumber) {
  const InodeId folder = volume_.at("projects/P/d");
  const InodeId file = volume_.at("projects/P/d/g");
  EXPECT_TRUE(refusal(core().names().lookup(bob_, folder, EntryName::literal("g"))));
  EXPECT_TRUE(refusal(core().names().list(bob_, folder, {}, 10, Detail::types)));
  EXPECT_TRUE(refusal(core().content().open(bob_, file, O_RDONLY)));
  EXPECT_TRUE(refusal(core().names().unlink(bob_, folder, EntryName::literal("g"), bobs(1))));
  EXPECT_TRUE(refusal(core().attributes().set(bob_, file, {.mode = 0}, bobs(1))));
  volume_.trash("projects/P/d");
  EXPECT_TRUE(refusal(core().names().rename(bob_, folder, EntryName::literal("g"), bob_.projects,
                                            EntryName::literal("g"), RenameMode::replace, bobs(1))));
}

TEST_F(SharingTest, AccountsAreRemovedWhenTheyOwnNothing) {
  share(Role::viewer);
  EXPECT_EQ(refusal(core().accounts().remove("lab", process(1))), Errc::not_empty);
  must(core().accounts().remove("bob", process(1)));
  EXPECT_EQ(refusal(core().accounts().find("bob")), Errc::not_found);
  const Account again = must(core().accounts().add("bob", kBob, kBob, process(1)));
  EXPECT_NE(again.id, bob_.id);
}

TEST_F(SharingTest, FilesFollowTheAccountsUser) {
  must(core().accounts().set("lab", {.uid = 1234}, process(1)));
  EXPECT_EQ(volume_.attributes("projects/P/d/g").uid, 1234U);
}

}  // namespace
}  // namespace reprieve::test
