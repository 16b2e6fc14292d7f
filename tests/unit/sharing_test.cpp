// SPDX-License-Identifier: Apache-2.0
// Several accounts through core: who sees what, what deletion means, and what is taken back.
#include "core/accounts/sharing.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/support/store_invariants.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uid_t kBob = 2000;

// "lab" owns projects/P with files f, d/g and e/; "bob" is a collaborator or not.
class SharingTest : public ::testing::Test {
 protected:
  SharingTest() {
    bob_ = must(core().accounts().add("bob", kBob, kBob, process(1)));
    volume_.mkdir("projects/P");
    volume_.write("projects/P/f", "f");
    volume_.mkdir("projects/P/d");
    volume_.write("projects/P/d/g", "g");
    volume_.mkdir("projects/P/e");
  }
  void TearDown() override {
    volume_.close();
    EXPECT_EQ(broken_invariants(volume_.store()), "");
  }

  FileSystem& core() { return volume_.core(); }
  Share share(Role role, const std::string& path = "projects/P") {
    return must(core().sharing().share(volume_.account(), path, "bob", role, process(1)));
  }
  void unshare() { must(core().sharing().unshare(volume_.account(), "projects/P", "bob", process(1))); }

  static Caller bobs(int number) { return {.uid = kBob, .gid = kBob, .thread = number * 10}; }
  PathTarget target(const std::string& path) { return must(core().names().resolve(bob_, path)); }
  InodeId parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return target(path.substr(0, slash)).inode;
  }
  static EntryName name_of(const std::string& path) { return must(EntryName::parse(path.substr(path.rfind('/') + 1))); }
  bool bob_sees(const std::string& path) { return core().names().resolve(bob_, path).has_value(); }
  Attributes bobs_view(const std::string& path) {
    return must(core().names().lookup(bob_, parent_of(path), name_of(path)));
  }
  std::vector<std::string> bobs_list(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : must(core().names().list(bob_, target(path).inode, {}, 100, Detail::attributes)))
      names.push_back(entry.name.bytes());
    return names;
  }
  Result<void> bob_unlinks(const std::string& path, int by = 5) {
    return core().names().unlink(bob_, parent_of(path), name_of(path), bobs(by));
  }
  Result<void> bob_rmdirs(const std::string& path, int by = 5) {
    return core().names().rmdir(bob_, parent_of(path), name_of(path), bobs(by));
  }
  Result<void> bob_renames(const std::string& from, const std::string& to, RenameMode mode = RenameMode::replace) {
    return core().names().rename(bob_, parent_of(from), name_of(from), parent_of(to), name_of(to), mode, bobs(5));
  }
  Result<Attributes> bob_links(const std::string& from, const std::string& to) {
    return core().names().link(bob_, target(from).inode, parent_of(to), name_of(to), bobs(5));
  }
  void bob_makes(const std::string& directory) {
    must(core().names().create(bob_, parent_of(directory), name_of(directory), {.mode = S_IFDIR | 0755}, bobs(5)));
  }
  Result<CreatedFile> bob_creates(const std::string& path) {
    volume_.clock().advance(std::chrono::seconds(1));
    return core().content().create(bob_, parent_of(path), name_of(path), 0644, O_RDWR, bobs(5));
  }
  std::vector<TrashItem> bobs_items() { return must(core().trash().list(bob_, {})).items; }
  std::vector<HistoryEvent> history(EventKind kind) {
    return must(core().history().list(bob_, {.kind = kind, .since = {}}));
  }
  // As rm -r does; the process goes on.
  void bob_removes_the_tree(int by) {
    must(bob_unlinks("projects/P/f", by));
    must(bob_unlinks("projects/P/d/g", by));
    for (const char* folder : {"d", "e", "samples", "analyses"})
      must(bob_rmdirs(std::string("projects/P/") + folder, by));
  }

  Volume volume_;
  Account bob_;
};

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

// The collaborator could delete, or take away, what is in a directory that it made.
TEST_F(SharingTest, WhatIsTheOwnersStaysOutOfTheDirectoriesOfAnEditor) {
  share(Role::editor);
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  must(bob_creates("projects/P/own"));
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/D/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/d", "projects/P/D/d")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/D/x")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/D/x", RenameMode::exchange)), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D/x", "projects/P/f", RenameMode::exchange)), Errc::not_yours);
  EXPECT_EQ(refusal(bob_links("projects/P/f", "projects/P/D/f")), Errc::not_yours);
  // Elsewhere it may put it, and its own things everywhere.
  must(bob_renames("projects/P/f", "projects/P/d/f"));
  must(bob_links("projects/P/d/f", "projects/P/f"));
  must(bob_renames("projects/P/own", "projects/P/D/own"));
  must(bob_links("projects/P/D/own", "projects/P/d/own"));
}

TEST_F(SharingTest, WhatIsTheOwnersStaysInItsItem) {
  share(Role::editor);
  volume_.mkdir("projects/Q");
  volume_.write("projects/Q/x", "x");
  share(Role::editor, "projects/Q");
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/Q/x", RenameMode::exchange)), Errc::not_yours);
  EXPECT_EQ(refusal(bob_links("projects/P/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(volume_.read("projects/Q/x"), "x");
}

TEST_F(SharingTest, WhatHasANameElsewhereDoesNotChangeHands) {
  share(Role::editor);
  bob_makes("projects/own");
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  must(bob_links("projects/P/D/x", "projects/P/y"));
  EXPECT_EQ(refusal(bob_renames("projects/P/y", "projects/own/y")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D", "projects/own/D")), Errc::not_yours);
  // What an owner puts into a collaborator's directory goes with it, and what it keeps a name of stays its own.
  volume_.link("projects/P/f", "projects/P/D/f");
  must(bob_unlinks("projects/P/D/f"));
  must(bob_unlinks("projects/P/D/x"));
  must(bob_rmdirs("projects/P/D"));
  ASSERT_EQ(bobs_items().size(), 1U);
  const auto move_back = [&](const std::string& to) {
    return core().names().rename(bob_, bob_.trash, EntryName::literal("D"), parent_of(to), name_of(to),
                                 RenameMode::replace, bobs(6));
  };
  EXPECT_EQ(refusal(move_back("projects/own/D")), Errc::not_yours);
  must(move_back("projects/P/D"));
  EXPECT_EQ(volume_.read("projects/P/D/f"), "f");
}

TEST_F(SharingTest, WhatAnEditorHandlesIsNotSetId) {
  share(Role::editor);
  const auto mode_of = [&](const char* path) { return volume_.attributes(path).mode & 07777; };
  must(core().content().create(bob_, target("projects/P").inode, EntryName::literal("made"), 06755, O_RDWR, bobs(5)));
  EXPECT_EQ(mode_of("projects/P/made"), 0755U);
  must(core().attributes().set(bob_, target("projects/P/made").inode, {.mode = 06711}, bobs(5)));
  EXPECT_EQ(mode_of("projects/P/made"), 0711U);
  bob_makes("projects/own");
  bob_makes("projects/own/t");
  must(core().content().create(bob_, target("projects/own/t").inode, EntryName::literal("x"), 06755, O_RDWR, bobs(5)));
  EXPECT_EQ(bobs_view("projects/own/t/x").mode & 07777, 06755U);
  must(bob_renames("projects/own/t", "projects/P/t"));
  EXPECT_EQ(mode_of("projects/P/t/x"), 0755U);
  // A mapping would leave what a write takes away.
  const InodeId file = volume_.at("projects/P/f");
  must(core().attributes().set(volume_.account(), file, {.mode = 04755}, process(1)));
  volume_.set_xattr("projects/P/f", "security.capability", "any");
  must(core().content().open(bob_, file, O_RDONLY));
  EXPECT_EQ(mode_of("projects/P/f"), 04755U);
  must(core().content().open(bob_, file, O_RDWR));
  EXPECT_EQ(mode_of("projects/P/f"), 0755U);
  EXPECT_FALSE(core().attributes().get_xattr(volume_.account(), file, "security.capability"));
}

TEST_F(SharingTest, AFileWithNamesInTwoTrashesIsInBoth) {
  share(Role::editor);
  must(bob_creates("projects/P/x"));
  must(bob_links("projects/P/x", "projects/P/y"));
  must(bob_unlinks("projects/P/y"));
  volume_.trash("projects/P/x");
  const auto listed = core().names().list(bob_, bob_.trash, {}, 10, Detail::attributes);
  ASSERT_TRUE(listed) << listed.error().reason;
  EXPECT_EQ(listed->size(), 1U);
  EXPECT_TRUE(core().names().lookup(bob_, bob_.trash, EntryName::literal("y")));
}

TEST_F(SharingTest, ARestoreReplacesNothingOfTheOwners) {
  share(Role::editor);
  must(bob_creates("projects/P/x"));
  must(bob_unlinks("projects/P/x"));
  volume_.write("projects/P/x", "the owner's");
  const auto undone = must(core().undo().last(bob_, bobs(6)));
  ASSERT_EQ(undone.results.size(), 1U);
  EXPECT_EQ(undone.results[0].state, BatchState::failed);
  EXPECT_EQ(undone.results[0].code, code_name(Errc::exists));
  must(bob_unlinks("projects/P/x", 7));
  const TrashItemId item = bobs_items().at(0).id;
  const auto restored = core().trash().restore(bob_, {item}, {.on_collision = OnCollision::replace}, bobs(8)).at(0);
  EXPECT_EQ(restored.state, BatchState::failed);
  EXPECT_EQ(restored.code, code_name(Errc::exists));
  EXPECT_EQ(volume_.read("projects/P/x"), "the owner's");
}

TEST_F(SharingTest, NothingIsHiddenFromItsOwner) {
  share(Role::editor);
  bob_makes("projects/B");
  must(core().sharing().share(bob_, "projects/B", volume_.account().name, Role::editor, bobs(1)));
  must(bob_unlinks("projects/P/f"));
  must(volume_.rename("projects/P/f", "projects/B/f"));
  EXPECT_TRUE(bob_sees("projects/B/f"));
  must(bob_renames("projects/B/f", "projects/P/g"));
  EXPECT_TRUE(bob_sees("projects/P/g"));
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
