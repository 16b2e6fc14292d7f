// SPDX-License-Identifier: Apache-2.0
// Where things go when they come back: by mv, by reprievectl restore, in part, onto taken names, without a parent.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>

#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Restoring : public MountTest {
 protected:
  void trash_file(const std::string& path, const std::string& content) const {
    write_file(mount() / path, content);
    succeed({"rm", mount() / path});
  }
};

TEST_F(Restoring, MvToAnotherPlaceAndName) {
  trash_file("projects/P/a", "a");
  std::filesystem::create_directory(run_folder() / "d");
  succeed({"mv", trash() / "a", run_folder() / "d/b"});
  EXPECT_EQ(read_file(run_folder() / "d/b"), "a");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Restoring, MvOfANumberedItemTakesTheNameThatMvGave) {
  trash_file("projects/P/x", "1");
  trash_file("projects/P/x", "2");
  succeed({"mv", trash() / "x~2", project() / "x"});
  EXPECT_EQ(read_file(project() / "x"), "2");
  EXPECT_THAT(trash_names(), ElementsAre("x"));
}

TEST_F(Restoring, MvOntoAFileKeepsTheReplacedOne) {
  trash_file("projects/P/x", "old");
  write_file(project() / "x", "new");
  succeed({"mv", "-f", trash() / "x", project() / "x"});
  EXPECT_EQ(read_file(project() / "x"), "old");
  ASSERT_EQ(trash_names().size(), 1U);
  EXPECT_EQ(read_file(trash() / trash_names().front()), "new");
}

TEST_F(Restoring, MvOfAPartLeavesTheRest) {
  make_rich_tree(project() / "tree");
  const TreeSnapshot before = snapshot(project() / "tree");
  succeed({"rm", "-r", project() / "tree"});
  const ListedItem whole = item("tree");
  const TreeSnapshot part = snapshot(trash() / "tree/sub/deeper");
  succeed({"mv", trash() / "tree/sub/deeper", project() / "part"});
  TreeSnapshot restored = snapshot(project() / "part");
  // One of three links came back; which count that makes is the business of the other two.
  restored["/hard"].links = part.at("/hard").links;
  EXPECT_EQ(differences(part, restored), "");
  EXPECT_FALSE(std::filesystem::exists(trash() / "tree/sub/deeper"));
  EXPECT_TRUE(std::filesystem::exists(trash() / "tree/sub/read-only"));
  const ListedItem rest = item("tree");
  EXPECT_EQ(rest.id, whole.id);
  EXPECT_EQ(rest.bytes, whole.bytes - 700'000);
  EXPECT_EQ(rest.folders, whole.folders - 2);
  EXPECT_EQ(rest.files, whole.files - 2);
}

TEST_F(Restoring, ThePartsTogetherMakeTheTree) {
  std::filesystem::create_directories(project() / "d/e");
  write_file(project() / "d/a", "a");
  write_file(project() / "d/e/b", "b");
  succeed({"rm", "-r", project() / "d"});
  succeed({"mv", trash() / "d/e/b", project() / "b"});
  succeed({"mv", trash() / "d/e", project() / "e"});
  succeed({"mv", trash() / "d", project() / "d"});
  EXPECT_EQ(read_file(project() / "b"), "b");
  EXPECT_THAT(names_in(project() / "e"), IsEmpty());
  EXPECT_THAT(names_in(project() / "d"), ElementsAre("a"));
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Restoring, TheWrongPlaceForTheKindIsRefused) {
  std::filesystem::create_directory(project() / "samples/S");
  succeed({"rm", "-r", project() / "samples/S"});
  succeed({"rm", "-r", run_folder()});
  EXPECT_EQ(errno_of(::rename((trash() / "S").c_str(), (mount() / "runs/S").c_str())), EPERM);
  EXPECT_EQ(errno_of(::rename((trash() / "S").c_str(), (project() / "S").c_str())), EPERM);
  EXPECT_EQ(errno_of(::rename((trash() / "R").c_str(), (mount() / "projects/R").c_str())), EPERM);
  EXPECT_EQ(errno_of(::rename((trash() / "R").c_str(), (project() / "R").c_str())), EPERM);
  EXPECT_NE(ctl({"restore", id_of("R"), "--to", "projects"}, 1).err, "");
  EXPECT_THAT(trash_names(), ElementsAre("R", "S"));
  succeed({"mv", trash() / "S", project() / "samples/T"});
  succeed({"mv", trash() / "R", mount() / "runs/R2"});
}

TEST_F(Restoring, ByIdToTheOriginalPlace) {
  std::filesystem::create_directory(project() / "d");
  trash_file("projects/P/d/a", "a");
  trash_file("projects/P/d/b", "b");
  EXPECT_THAT(ctl({"restore", id_of("a"), id_of("b")}).out, HasSubstr("projects/P/d/a"));
  EXPECT_EQ(read_file(project() / "d/a"), "a");
  EXPECT_EQ(read_file(project() / "d/b"), "b");
}

TEST_F(Restoring, ARenamedOrMovedParentIsStillTheParent) {
  std::filesystem::create_directories(project() / "d/e");
  trash_file("projects/P/d/e/a", "a");
  succeed({"mv", project() / "d", project() / "renamed"});
  succeed({"mv", project() / "renamed/e", run_folder() / "moved"});
  std::filesystem::create_directories(project() / "d/e");
  ctl({"restore", id_of("a")});
  EXPECT_EQ(read_file(run_folder() / "moved/a"), "a");
}

TEST_F(Restoring, AParentInTheTrash) {
  std::filesystem::create_directory(project() / "d");
  trash_file("projects/P/d/a", "a");
  succeed({"mv", project() / "d", trash()});
  const std::string id = id_of("a");
  const CommandResult refused = ctl({"restore", id}, 1);
  EXPECT_THAT(refused.out + refused.err, HasSubstr("trash"));
  EXPECT_THAT(trash_names(), ElementsAre("a", "d"));
  ctl({"restore", id, "--recreate-parents"});
  EXPECT_EQ(read_file(project() / "d/a"), "a");
  EXPECT_THAT(trash_names(), ElementsAre("d"));
}

TEST_F(Restoring, AParentThatWasPurged) {
  std::filesystem::create_directories(project() / "d/e");
  trash_file("projects/P/d/e/a", "a");
  trash_file("projects/P/d/e/b", "b");
  succeed({"mv", project() / "d", trash()});
  ctl({"purge", "--yes", id_of("d")});
  const std::string a = id_of("a");
  ctl({"restore", a}, 1);
  ctl({"restore", a, "--recreate-parents"});
  EXPECT_EQ(read_file(project() / "d/e/a"), "a");
  ctl({"restore", id_of("b"), "--to", "runs/R"});
  EXPECT_EQ(read_file(run_folder() / "b"), "b");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Restoring, MvNeedsNoParent) {
  std::filesystem::create_directory(project() / "d");
  trash_file("projects/P/d/a", "a");
  succeed({"mv", project() / "d", trash()});
  succeed({"mv", trash() / "a", project() / "a"});
  EXPECT_EQ(read_file(project() / "a"), "a");
}

TEST_F(Restoring, OntoATakenNameFailsUnlessTold) {
  trash_file("projects/P/x", "old");
  write_file(project() / "x", "new");
  const std::string id = id_of("x");
  const CommandResult refused = ctl({"restore", id}, 1);
  EXPECT_THAT(refused.out + refused.err, HasSubstr("taken"));
  ctl({"restore", id, "--on-collision", "fail"}, 1);
  EXPECT_EQ(read_file(project() / "x"), "new");
  EXPECT_EQ(read_file(trash() / "x"), "old");
}

TEST_F(Restoring, OntoATakenNameWithAnotherName) {
  trash_file("projects/P/x", "old");
  write_file(project() / "x", "new");
  ctl({"restore", id_of("x"), "--on-collision", "rename"});
  EXPECT_EQ(read_file(project() / "x"), "new");
  EXPECT_EQ(read_file(project() / "x~2"), "old");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Restoring, OntoATakenNameSkipping) {
  trash_file("projects/P/x", "old");
  write_file(project() / "x", "new");
  ctl({"restore", id_of("x"), "--on-collision", "skip"});
  EXPECT_EQ(read_file(project() / "x"), "new");
  EXPECT_THAT(trash_names(), ElementsAre("x"));
}

TEST_F(Restoring, OntoATakenNameReplacing) {
  make_rich_tree(project() / "x");
  const TreeSnapshot old = snapshot(project() / "x");
  succeed({"rm", "-r", project() / "x"});
  std::filesystem::create_directory(project() / "x");
  write_file(project() / "x/new", "new");
  ctl({"restore", id_of("x"), "--on-collision", "replace"});
  EXPECT_EQ(differences(old, snapshot(project() / "x")), "");
  ASSERT_EQ(trash_names().size(), 1U);
  EXPECT_EQ(read_file(trash() / trash_names().front() / "new"), "new");
}

TEST_F(Restoring, ABatchGoesOnPastFailures) {
  for (const char* name : {"a", "b", "c"}) trash_file(std::string("projects/P/") + name, name);
  write_file(project() / "b", "taken");
  const std::string ids[] = {id_of("a"), id_of("b"), id_of("c")};
  const CommandResult result = ctl({"restore", ids[0], ids[1], ids[2], "999999"}, 4);
  EXPECT_THAT(result.out + result.err, HasSubstr("b"));
  EXPECT_EQ(read_file(project() / "a"), "a");
  EXPECT_EQ(read_file(project() / "c"), "c");
  EXPECT_EQ(read_file(project() / "b"), "taken");
  EXPECT_THAT(trash_names(), ElementsAre("b"));
}

TEST_F(Restoring, AllAndByFilter) {
  trash_file("projects/P/a.txt", "a");
  trash_file("projects/P/b.bam", "b");
  trash_file("runs/R/c.bam", "c");
  ctl({"restore", "--name", "*.bam"});
  EXPECT_EQ(read_file(project() / "b.bam"), "b");
  EXPECT_EQ(read_file(run_folder() / "c.bam"), "c");
  EXPECT_THAT(trash_names(), ElementsAre("a.txt"));
  ctl({"restore", "--all"});
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Restoring, WhatIsNotThereCannotBeRestored) {
  ctl({"restore", "424242"}, 1);
  ctl({"restore", "nonsense"}, 2);
  ctl({"restore"}, 2);
}

TEST_F(Restoring, AnInterruptedRmIsPutBackByItsSession) {
  std::filesystem::create_directory(project() / "tree");
  for (int i = 0; i < 3000; ++i) {
    const auto folder = project() / "tree" / std::to_string(i % 20);
    std::filesystem::create_directories(folder);
    write_file(folder / ("file" + std::to_string(i)), std::to_string(i));
  }
  trash_file("projects/P/other", "other");
  const TreeSnapshot before = snapshot(project() / "tree");
  ChildProcess rm({"rm", "-r", project() / "tree"});
  // Some of the folders are gone, most are not.
  ASSERT_TRUE(wait_until([&] { return names_in(project() / "tree").size() < 18; }));
  rm.signal(SIGINT);
  EXPECT_EQ(rm.finish().exit_code, 128 + SIGINT) << "it was done before it could be interrupted";

  std::set<std::string> sessions;
  const std::string other = item("other").session;
  for (const ListedItem& piece : items()) {
    if (piece.session != other) sessions.insert(piece.session);
  }
  ASSERT_EQ(sessions.size(), 1U);
  ctl({"restore", "--session", *sessions.begin()});
  TreeSnapshot after = snapshot(project() / "tree");
  // Folders that lost and got entries have a new time.
  for (auto& [path, node] : after) {
    if (!S_ISDIR(node.mode)) continue;
    node.modified_seconds = before.at(path).modified_seconds;
    node.modified_nanoseconds = before.at(path).modified_nanoseconds;
  }
  EXPECT_EQ(differences(before, after), "");
  EXPECT_THAT(trash_names(), ElementsAre("other"));
}

TEST_F(Restoring, AReplacedFileComesBackBesideItsSuccessor) {
  write_file(project() / "f", "one");
  write_file(project() / "g", "two");
  succeed({"mv", project() / "g", project() / "f"});
  ctl({"restore", id_of("f"), "--on-collision", "rename"});
  EXPECT_EQ(read_file(project() / "f"), "two");
  EXPECT_EQ(read_file(project() / "f~2"), "one");
}

TEST_F(Restoring, ItemsSurviveARestartOfTheDaemon) {
  make_rich_tree(project() / "tree");
  const TreeSnapshot before = snapshot(project() / "tree");
  succeed({"rm", "-r", project() / "tree"});
  const std::string id = id_of("tree");
  ASSERT_EQ(daemon_->stop(), 0);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_THAT(trash_names(), ElementsAre("tree"));
  EXPECT_EQ(id_of("tree"), id);
  ctl({"restore", id});
  EXPECT_EQ(differences(before, snapshot(project() / "tree")), "");
}

}  // namespace
}  // namespace reprieve::test
