// SPDX-License-Identifier: Apache-2.0
// What an editor of a shared item may do to what is the owner's, and what it may keep.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/unit/sharing_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EditorsTest : public SharingTest {};

// The collaborator could delete, or take away, what is in a directory that it made.
TEST_F(EditorsTest, WhatIsTheOwnersStaysOutOfTheDirectoriesOfAnEditor) {
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

TEST_F(EditorsTest, WhatIsTheOwnersStaysInItsItem) {
  share(Role::editor);
  volume_.mkdir("projects/Q");
  volume_.write("projects/Q/x", "x");
  share(Role::editor, "projects/Q");
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/Q/x", RenameMode::exchange)), Errc::not_yours);
  EXPECT_EQ(refusal(bob_links("projects/P/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(volume_.read("projects/Q/x"), "x");
}

TEST_F(EditorsTest, WhatHasANameElsewhereDoesNotChangeHands) {
  share(Role::editor);
  bob_makes("projects/own");
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  must(bob_links("projects/P/D/x", "projects/P/y"));
  EXPECT_EQ(refusal(bob_renames("projects/P/y", "projects/own/y")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D", "projects/own/D")), Errc::not_yours);
  // What an owner puts into a collaborator's directory goes with it, into the trash of who keeps a name of it.
  volume_.link("projects/P/f", "projects/P/D/f");
  must(bob_unlinks("projects/P/D/f"));
  must(bob_unlinks("projects/P/D/x"));
  must(bob_rmdirs("projects/P/D"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  ASSERT_EQ(volume_.items().size(), 1U);
  EXPECT_EQ(volume_.restore("D").state, BatchState::done);
  EXPECT_THAT(bobs_list("projects/P/D"), ElementsAre("x", "f"));
  EXPECT_EQ(volume_.read("projects/P/D/f"), "f");
  EXPECT_EQ(volume_.attributes("projects/P/D/x").uid, 1000U);
}

TEST_F(EditorsTest, WhatAnEditorHandlesIsNotSetId) {
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
  bob_makes("projects/own/t/d");
  const Timestamp changed = bobs_view("projects/own/t/d").changed;
  volume_.clock().advance(std::chrono::seconds(1));
  must(bob_renames("projects/own/t", "projects/P/t"));
  EXPECT_GT(volume_.attributes("projects/P/t/d").changed, changed);
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

TEST_F(EditorsTest, ARestoreReplacesNothingOfTheOwners) {
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

TEST_F(EditorsTest, NothingIsHiddenFromItsOwner) {
  share(Role::editor);
  bob_makes("projects/B");
  must(core().sharing().share(bob_, "projects/B", volume_.account().name, Role::editor, bobs(1)));
  must(bob_unlinks("projects/P/f"));
  must(volume_.rename("projects/P/f", "projects/B/f"));
  EXPECT_TRUE(bob_sees("projects/B/f"));
  must(bob_renames("projects/B/f", "projects/P/g"));
  EXPECT_TRUE(bob_sees("projects/P/g"));
}

TEST_F(EditorsTest, ADescriptorIsNoRightToAName) {
  share(Role::editor);
  volume_.mkdir("projects/Q");
  const InodeId file = volume_.at("projects/P/f");
  const OpenFile open = must(core().content().open(bob_, file, O_RDONLY));
  must(volume_.rename("projects/P/f", "projects/Q/f"));
  const auto linked =
      core().names().link(bob_, file, target("projects/P").inode, EntryName::literal("stolen"), bobs(5));
  EXPECT_EQ(refusal(linked), Errc::stale);
}

TEST_F(EditorsTest, WhatKeepsANameIsInTheOwnersTrash) {
  share(Role::editor);
  must(bob_creates("projects/P/x"));
  must(bob_links("projects/P/x", "projects/P/y"));
  const InodeId file = target("projects/P/y").inode;
  const OpenFile open = must(core().content().open(bob_, file, O_RDWR));
  must(bob_unlinks("projects/P/y"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  const TrashItem item = volume_.item("y");
  EXPECT_EQ(item.deleted_by, "bob");
  EXPECT_EQ(item.origin, "projects/P/y");
  unshare();
  EXPECT_EQ(refusal(core().attributes().set(bob_, file, {.size = 9}, bobs(5))), Errc::stale);
  EXPECT_EQ(refusal(core().content().open(bob_, file, O_RDWR)), Errc::stale);
}

TEST_F(EditorsTest, WhatAnotherMadeInAnEditorsDirectoryIsTheOwners) {
  share(Role::editor);
  bob_makes("projects/mine");
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  volume_.write("projects/P/D/data", "the owner's");
  EXPECT_EQ(refusal(bob_renames("projects/P/D", "projects/mine/D")), Errc::not_yours);
  must(bob_unlinks("projects/P/D/x", 6));
  must(bob_unlinks("projects/P/D/data", 6));
  EXPECT_EQ(volume_.items().size(), 1U);
  must(bob_rmdirs("projects/P/D", 6));
  EXPECT_THAT(bobs_items(), IsEmpty());
  ASSERT_EQ(volume_.items().size(), 1U);
  EXPECT_EQ(volume_.read(".trash/D/data"), "the owner's");
  const auto undone = must(core().undo().last(bob_, bobs(7)));
  EXPECT_EQ(undone.results.at(0).state, BatchState::done) << undone.results.at(0).reason;
  EXPECT_THAT(bobs_list("projects/P/D"), ElementsAre("x", "data"));
}

TEST_F(EditorsTest, NothingOfTheOwnersGoesIntoADirectoryOfAnotherEditors) {
  share(Role::editor);
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  const Account cara = must(core().accounts().add("cara", 3000, 3000, process(1)));
  must(core().sharing().share(volume_.account(), "projects/P", "cara", Role::editor, process(1)));
  const auto at = [&](const char* path) { return must(core().names().resolve(cara, path)).inode; };
  const Caller caras{.uid = 3000, .gid = 3000, .thread = 90};
  const auto moved = [&](const char* name, RenameMode mode) {
    return refusal(core().names().rename(cara, at("projects/P"), EntryName::literal("f"), at("projects/P/D"),
                                         must(EntryName::parse(name)), mode, caras));
  };
  EXPECT_EQ(moved("f", RenameMode::replace), Errc::not_yours);
  EXPECT_EQ(moved("x", RenameMode::exchange), Errc::not_yours);
}

TEST_F(EditorsTest, NamesThatAreDestroyedAreForOnesOwn) {
  share(Role::editor);
  must(bob_creates("projects/P/x"));
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/.nfs01")), Errc::not_yours);
  must(bob_renames("projects/P/x", "projects/P/.nfs01"));
  EXPECT_EQ(refusal(bob_renames("projects/P/f", "projects/P/.nfs01", RenameMode::exchange)), Errc::not_yours);
  bob_makes("projects/P/D");
  volume_.write("projects/P/D/.nfs02", "the owner's");
  must(bob_unlinks("projects/P/D/.nfs02"));
  EXPECT_EQ(volume_.read(".trash/.nfs02"), "the owner's");
}

TEST_F(EditorsTest, SamplesAreNotThoseOfWhoMadeTheirFolder) {
  must(volume_.rmdir("projects/P/samples"));
  share(Role::editor);
  bob_makes("projects/P/samples");
  volume_.mkdir("projects/P/samples/S");
  must(bob_rmdirs("projects/P/samples/S"));
  EXPECT_TRUE(volume_.exists("projects/P/samples/S"));
  EXPECT_THAT(volume_.items(), ::testing::SizeIs(1));
}

TEST_F(EditorsTest, OfSeveralPlacesTheBestCounts) {
  volume_.mkdir("projects/A");
  volume_.mkdir("projects/B");
  volume_.mkdir("projects/B/samples/S");
  must(core().items().add_to(volume_.account(), "projects/A", "projects/B/samples/S", process(1)));
  share(Role::viewer, "projects/A");
  share(Role::editor, "projects/B");
  must(bob_creates("projects/B/samples/S/x"));
  must(bob_unlinks("projects/B/samples/S/x"));
  EXPECT_THAT(volume_.items().size() + bobs_items().size(), 1U);
}

TEST_F(EditorsTest, NothingIsRestoredIntoWhatIsHidden) {
  share(Role::editor);
  bob_makes("projects/P/d/mine");
  must(bob_rmdirs("projects/P/d/mine", 5));
  must(bob_unlinks("projects/P/d/g", 6));
  must(bob_rmdirs("projects/P/d", 6));
  ASSERT_EQ(bobs_items().size(), 1U);
  const auto restored = core().trash().restore(bob_, {bobs_items()[0].id}, {}, bobs(7)).at(0);
  EXPECT_EQ(restored.code, code_name(Errc::not_found)) << restored.path;
  EXPECT_EQ(bobs_items().size(), 1U);
}

TEST_F(EditorsTest, WhatIsInTheOwnersTrashTheEditorTakesBack) {
  share(Role::editor);
  must(bob_creates("projects/P/x"));
  must(bob_links("projects/P/x", "projects/P/y"));
  must(bob_unlinks("projects/P/y", 6));
  auto told = history(EventKind::trash_at_owner);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].path, "projects/P/y");
  EXPECT_EQ(told[0].process, 6);
  EXPECT_EQ(told[0].item, volume_.item("y").id);
  const auto undone = must(core().undo().last(bob_, bobs(7)));
  ASSERT_EQ(undone.results.size(), 1U);
  EXPECT_EQ(undone.results[0].state, BatchState::done) << undone.results[0].reason;
  EXPECT_EQ(undone.results[0].path, "projects/P/y");
  EXPECT_THAT(volume_.items(), IsEmpty());
  EXPECT_EQ(volume_.attributes("projects/P/y").links, 2U);
  EXPECT_TRUE(history(EventKind::trash_at_owner).at(0).undone);
  // What its owner has destroyed does not come back, and neither does anything to who is no editor any more.
  must(bob_unlinks("projects/P/y", 8));
  volume_.empty();
  EXPECT_EQ(must(core().undo().last(bob_, bobs(9))).results.at(0).state, BatchState::skipped);
  EXPECT_EQ(refusal(core().undo().last(bob_, bobs(9))), Errc::not_found);
  must(bob_links("projects/P/x", "projects/P/z"));
  must(bob_unlinks("projects/P/z", 10));
  share(Role::viewer);
  EXPECT_EQ(must(core().undo().last(bob_, bobs(11))).results.at(0).code, code_name(Errc::viewer_only));
}

TEST_F(EditorsTest, OfATreeInTheOwnersTrashItIsToldOnce) {
  share(Role::editor);
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  must(bob_links("projects/P/D/x", "projects/P/y"));
  must(bob_unlinks("projects/P/D/x", 6));
  must(bob_rmdirs("projects/P/D", 6));
  const auto told = history(EventKind::trash_at_owner);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].path, "projects/P/D");
  const auto undone = must(core().undo().last(bob_, bobs(7)));
  ASSERT_EQ(undone.results.size(), 1U);
  EXPECT_EQ(undone.results[0].state, BatchState::done) << undone.results[0].reason;
  EXPECT_THAT(bobs_list("projects/P/D"), ElementsAre("x"));
}

TEST_F(EditorsTest, AGroupIsOneInEachTrashThatItGoesTo) {
  share(Role::editor);
  volume_.mkdir("projects/Q");
  for (const char* made : {"samples/S", "analyses/A", "analyses/B"}) bob_makes(std::string("projects/P/") + made);
  must(core().items().add_to(volume_.account(), "projects/Q", "projects/P/samples/S", process(1)));
  for (const char* derived : {"A", "B"}) {
    must(core().items().associate(volume_.account(), std::string("projects/P/analyses/") + derived,
                                  {"projects/P/samples/S"}, process(1)));
  }
  const auto trashed =
      core().trash().trash_paths(bob_, {"projects/P/samples/S"}, bobs(6), {.mode = TrashMode::with_associated});
  ASSERT_EQ(trashed.size(), 3U) << trashed.at(0).reason;
  const TrashItem sample = volume_.item("S");
  EXPECT_EQ(sample.together, sample.id);
  const auto items = bobs_items();
  ASSERT_EQ(items.size(), 2U);
  for (const TrashItem& item : items) EXPECT_EQ(item.together, items.back().id);
  const auto undone = must(core().undo().last(bob_, bobs(7)));
  for (const BatchOutcome& result : undone.results) EXPECT_EQ(result.state, BatchState::done) << result.reason;
  EXPECT_TRUE(bob_sees("projects/P/samples/S"));
  EXPECT_TRUE(bob_sees("projects/P/analyses/B"));
}

TEST_F(EditorsTest, FilesInTheOwnersTrashGoBackIntoTheirAnalysis) {
  share(Role::editor);
  bob_makes("projects/P/analyses/A");
  must(bob_creates("projects/P/analyses/A/a"));
  must(bob_links("projects/P/analyses/A/a", "projects/P/name"));
  const auto trashed =
      core().trash().trash_paths(bob_, {"projects/P/analyses/A"}, bobs(6), {.mode = TrashMode::files_only}).at(0);
  ASSERT_EQ(trashed.state, BatchState::done) << trashed.reason;
  EXPECT_EQ(volume_.item("A").origin, "projects/P/analyses/A");
  EXPECT_EQ(history(EventKind::trash_at_owner).at(0).path, "projects/P/analyses/A");
  volume_.write("projects/P/analyses/A/a", "the owner's");
  EXPECT_EQ(must(core().undo().last(bob_, bobs(7))).results.at(0).code, code_name(Errc::exists));
  EXPECT_EQ(volume_.read("projects/P/analyses/A/a"), "the owner's");
  volume_.trash("projects/P/analyses/A/a");
  must(bob_unlinks("projects/P/name", 6));
  const auto undone = must(core().undo().last(bob_, bobs(8)));
  for (const BatchOutcome& result : undone.results) EXPECT_EQ(result.state, BatchState::done) << result.reason;
  EXPECT_TRUE(bob_sees("projects/P/name"));
}

TEST_F(EditorsTest, HardLinksInADirectoryComeBackTogether) {
  share(Role::editor);
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/x"));
  must(bob_links("projects/P/D/x", "projects/P/D/y"));
  must(bob_unlinks("projects/P/D/x"));
  must(bob_unlinks("projects/P/D/y"));
  must(bob_rmdirs("projects/P/D"));
  ASSERT_EQ(bobs_items().size(), 1U);
  EXPECT_THAT(volume_.items(), IsEmpty());
  must(core().names().rename(bob_, bob_.trash, EntryName::literal("D"), parent_of("projects/P/D"),
                             EntryName::literal("D"), RenameMode::replace, bobs(6)));
  EXPECT_THAT(bobs_list("projects/P/D"), ElementsAre("x", "y"));
  EXPECT_EQ(volume_.attributes("projects/P/D/x").links, 2U);
}

// As git does with every object: a link to the name that it is to have, and an unlink of the one that it had.
TEST_F(EditorsTest, DeletedNamesGoAlongWithWhatMoves) {
  share(Role::editor);
  bob_makes("projects/own");
  bob_makes("projects/own/repo");
  must(bob_creates("projects/own/repo/tmp"));
  must(bob_links("projects/own/repo/tmp", "projects/own/repo/object"));
  must(bob_unlinks("projects/own/repo/tmp"));
  ASSERT_EQ(bobs_items().size(), 1U);
  must(bob_renames("projects/own/repo", "projects/P/repo"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_EQ(volume_.items().size(), 1U);
  EXPECT_EQ(history(EventKind::trash_at_owner).at(0).path, "projects/own/repo/tmp");
  must(bob_renames("projects/P/repo", "projects/own/repo"));
  EXPECT_EQ(bobs_items().size(), 1U);
  EXPECT_THAT(volume_.items(), IsEmpty());
  // What somebody else has deleted is that one's.
  must(bob_renames("projects/own/repo", "projects/P/repo"));
  volume_.link("projects/P/repo/object", "projects/P/name");
  volume_.trash("projects/P/name");
  EXPECT_EQ(refusal(bob_renames("projects/P/repo", "projects/own/repo")), Errc::not_yours);
}

TEST_F(EditorsTest, WhatWasReplacedDoesNotGoAlong) {
  share(Role::editor);
  bob_makes("projects/own");
  bob_makes("projects/P/D");
  volume_.link("projects/P/f", "projects/P/D/f");
  must(bob_creates("projects/P/x"));
  must(bob_renames("projects/P/x", "projects/P/f"));
  EXPECT_EQ(refusal(bob_renames("projects/P/D", "projects/own/D")), Errc::not_yours);
  must(bob_unlinks("projects/P/D/f"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_EQ(volume_.items().size(), 2U);
}

TEST_F(EditorsTest, WhatIsReplacedWithADirectoryIsTheOwnersAsAWhole) {
  share(Role::editor);
  must(bob_creates("projects/P/e/one"));
  must(bob_links("projects/P/e/one", "projects/P/two"));
  must(bob_unlinks("projects/P/e/one"));
  must(bob_unlinks("projects/P/two"));
  bob_makes("projects/P/new");
  must(bob_renames("projects/P/new", "projects/P/e"));
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_EQ(volume_.items().size(), 2U);
  EXPECT_EQ(volume_.attributes(".trash/e/one").uid, 1000U);
}

TEST_F(EditorsTest, WhatComesBackToTheOwnerBringsItsDeletedNames) {
  share(Role::editor);
  bob_makes("projects/P/D");
  must(bob_creates("projects/P/D/one"));
  must(bob_links("projects/P/D/one", "projects/P/D/two"));
  must(bob_creates("projects/P/D/x"));
  must(bob_links("projects/P/D/x", "projects/P/y"));
  must(bob_unlinks("projects/P/D/one", 5));
  must(bob_unlinks("projects/P/D/two", 6));
  must(bob_unlinks("projects/P/D/x", 6));
  must(bob_rmdirs("projects/P/D", 6));
  EXPECT_THAT(bobs_items(), IsEmpty());
  EXPECT_EQ(volume_.items().size(), 2U);
}

TEST_F(EditorsTest, AnUndoGivesNobodyWhatIsAnothers) {
  share(Role::editor);
  bob_makes("projects/own");
  bob_makes("projects/own/D");
  must(bob_creates("projects/own/D/x"));
  const auto trashed = core().trash().trash_paths(bob_, {"projects/own/D"}, bobs(6)).at(0);
  ASSERT_EQ(trashed.state, BatchState::done);
  const InodeId folder = must(core().names().lookup(bob_, bob_.trash, EntryName::literal("D"))).inode;
  must(core().names().rename(bob_, folder, EntryName::literal("x"), target("projects/P").inode, EntryName::literal("x"),
                             RenameMode::replace, bobs(7)));
  volume_.link("projects/P/x", "projects/P/y");
  must(core().undo().last(bob_, bobs(8)));
  EXPECT_EQ(volume_.attributes("projects/P/y").uid, 1000U);
}

TEST_F(EditorsTest, AViewerRestoresNothingIntoWhatIsTheOwners) {
  bob_makes("projects/P");
  must(bob_creates("projects/P/x"));
  must(bob_unlinks("projects/P/x"));
  must(bob_rmdirs("projects/P/samples"));
  must(bob_rmdirs("projects/P/analyses"));
  must(bob_rmdirs("projects/P", 6));
  share(Role::viewer);
  const auto items = bobs_items();
  const auto item = std::ranges::find(items, "x", &TrashItem::name);
  ASSERT_NE(item, items.end());
  const auto restored = core().trash().restore(bob_, {item->id}, {.recreate_parents = true}, bobs(8)).at(0);
  EXPECT_EQ(restored.code, code_name(Errc::viewer_only));
  EXPECT_FALSE(volume_.exists("projects/P/x"));
}

TEST_F(EditorsTest, FilesOfARunGoBackWholeOrNotAtAll) {
  share(Role::editor);
  bob_makes("projects/P/analyses/A");
  must(bob_creates("projects/P/analyses/A/a"));
  must(bob_links("projects/P/analyses/A/a", "projects/P/analyses/A/b"));
  const auto trashed =
      core().trash().trash_paths(bob_, {"projects/P/analyses/A"}, bobs(6), {.mode = TrashMode::files_only}).at(0);
  ASSERT_EQ(trashed.state, BatchState::done) << trashed.reason;
  volume_.write("projects/P/analyses/A/b", "other");
  const auto restore = [&](OnCollision on_collision) {
    return core().trash().restore(bob_, {trashed.id}, {.on_collision = on_collision}, bobs(8)).at(0).code;
  };
  EXPECT_EQ(restore(OnCollision::skip), code_name(Errc::exists));
  share(Role::viewer);
  EXPECT_EQ(restore(OnCollision::rename), code_name(Errc::viewer_only));
  share(Role::editor);
  EXPECT_EQ(restore(OnCollision::rename), "");
  EXPECT_EQ(volume_.attributes("projects/P/analyses/A/a").links, 2U);
}

}  // namespace
}  // namespace reprieve::test
