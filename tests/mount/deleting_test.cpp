// SPDX-License-Identifier: Apache-2.0
// What rm, rmdir, mv into .trash/, reprievectl trash and a rename over a file leave behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Deleting : public MountTest {};

TEST_F(Deleting, RmOfAFileMakesOneItem) {
  write_file(project() / "reads.txt", "ACGT");
  succeed({"rm", project() / "reads.txt"});
  EXPECT_FALSE(std::filesystem::exists(project() / "reads.txt"));
  EXPECT_THAT(trash_names(), ElementsAre("reads.txt"));
  EXPECT_EQ(read_file(trash() / "reads.txt"), "ACGT");
}

TEST_F(Deleting, AnItemTellsWhatItIs) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/a", "12345");
  write_file(project() / "d/b", "123");
  succeed({"rm", "-r", project() / "d"});
  const ListedItem d = item("d");
  EXPECT_GT(d.id, 0);
  EXPECT_EQ(d.kind, "folder");
  EXPECT_EQ(d.origin, "projects/P/d");
  EXPECT_EQ(d.account, "lab");
  EXPECT_EQ(d.deleted_by_uid, 0);
  EXPECT_EQ(d.files, 2);
  EXPECT_EQ(d.folders, 1);
  EXPECT_EQ(d.bytes, 8);
  EXPECT_EQ(d.exclusive_bytes, 8);
  EXPECT_THAT(d.deleted_at, ::testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}.*Z"));
  EXPECT_FALSE(d.session.empty());
}

TEST_F(Deleting, RmOfATreeMakesOneItemWithTheExactTree) {
  make_rich_tree(project() / "tree");
  const TreeSnapshot before = snapshot(project() / "tree");
  succeed({"rm", "-r", project() / "tree"});
  EXPECT_THAT(trash_names(), ElementsAre("tree"));
  EXPECT_EQ(differences(before, snapshot(trash() / "tree")), "");
  succeed({"mv", trash() / "tree", project() / "tree"});
  EXPECT_EQ(differences(before, snapshot(project() / "tree")), "");
  EXPECT_THAT(trash_names(), IsEmpty());
}

// To the kernel a rename replaces what has the name already. It would find nothing any more in a directory that is
// still there, as long as somebody has something of it open.
TEST_F(Deleting, ADirectoryInTheTrashIsNotReplacedByItsNamesake) {
  for (const char* name : {"A", "B"}) {
    std::filesystem::create_directories(project() / name / "D");
    write_file(project() / name / "D" / name, name);
  }
  const FileDescriptor open(::open((project() / "A/D/A").c_str(), O_RDONLY | O_CLOEXEC));
  succeed({"mv", project() / "A/D", trash()});
  succeed({"mv", project() / "B/D", trash()});
  EXPECT_EQ(read_file(trash() / "D/A"), "A");
  EXPECT_EQ(read_file(trash() / "D~2/B"), "B");
  EXPECT_EQ(names_in(trash() / "D"), std::vector<std::string>{"A"});
  succeed({"mv", trash() / "D", project() / "back"});
  EXPECT_EQ(read_file(project() / "back/A"), "A");
  write_file(project() / "back/new", "new");
  EXPECT_EQ(read_file(project() / "back/new"), "new");
}

TEST_F(Deleting, ARunIsNotReplacedByItsFiles) {
  const auto run = mount() / "runs/R";
  std::filesystem::create_directory(run);
  write_file(run / "f", "f");
  const FileDescriptor open(::open(run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ctl({"trash", "--mode", "files-only", "runs/R"});
  succeed({"mv", "-T", trash() / "R", run});
  EXPECT_EQ(read_file(run / "f"), "f");
  write_file(run / "g", "g");
  EXPECT_EQ(names_in(run), (std::vector<std::string>{"f", "g"}));
}

TEST_F(Deleting, TheTreeComesBackWholeFromTheSocketToo) {
  make_rich_tree(project() / "tree");
  const TreeSnapshot before = snapshot(project() / "tree");
  succeed({"rm", "-rf", project() / "tree"});
  ctl({"restore", id_of("tree")});
  EXPECT_EQ(differences(before, snapshot(project() / "tree")), "");
}

TEST_F(Deleting, FilesThatAreOpenElsewhereFoldLikeTheOthers) {
  make_rich_tree(project() / "tree");
  const FileDescriptor read(::open((project() / "tree/plain").c_str(), O_RDONLY | O_CLOEXEC));
  const FileDescriptor written(::open((project() / "tree/sub/deeper/big").c_str(), O_WRONLY | O_CLOEXEC));
  const FileDescriptor folder(::open((project() / "tree/sub").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const TreeSnapshot before = snapshot(project() / "tree");
  succeed({"rm", "-r", project() / "tree"});
  EXPECT_THAT(trash_names(), ElementsAre("tree"));
  succeed({"mv", trash() / "tree", project() / "tree"});
  EXPECT_EQ(differences(before, snapshot(project() / "tree")), "");
  char byte = 0;
  EXPECT_EQ(::pread(read.get(), &byte, 1, 0), 1);
}

TEST_F(Deleting, AHardLinkOutsideTheTreeStaysAndCountsAgainAfterwards) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/inside", "shared");
  std::filesystem::create_hard_link(project() / "d/inside", project() / "outside");
  succeed({"rm", "-r", project() / "d"});
  EXPECT_EQ(read_file(project() / "outside"), "shared");
  EXPECT_EQ(item("d").exclusive_bytes, 0);
  succeed({"mv", trash() / "d", project() / "d"});
  EXPECT_EQ(std::filesystem::hard_link_count(project() / "outside"), 2U);
  write_file(project() / "outside", "changed");
  EXPECT_EQ(read_file(project() / "d/inside"), "changed");
}

TEST_F(Deleting, RmdirMakesAnItem) {
  std::filesystem::create_directory(project() / "empty");
  succeed({"rmdir", project() / "empty"});
  EXPECT_THAT(trash_names(), ElementsAre("empty"));
  EXPECT_EQ(item("empty").kind, "folder");
}

TEST_F(Deleting, MvIntoTheTrashMakesAnItem) {
  make_rich_tree(project() / "samples/S1");
  const TreeSnapshot before = snapshot(project());
  succeed({"mv", project(), trash()});
  EXPECT_THAT(trash_names(), ElementsAre("P"));
  EXPECT_EQ(item("P").kind, "project");
  EXPECT_EQ(item("P").origin, "projects/P");
  succeed({"mv", trash() / "P", mount() / "projects"});
  EXPECT_EQ(differences(before, snapshot(project())), "");
}

TEST_F(Deleting, MvIntoTheTrashUnderAnotherName) {
  write_file(project() / "a", "a");
  ASSERT_EQ(::rename((project() / "a").c_str(), (trash() / "b").c_str()), 0);
  ASSERT_EQ(trash_names().size(), 1U);
  EXPECT_EQ(item(trash_names().front()).origin, "projects/P/a");
  EXPECT_EQ(read_file(trash() / trash_names().front()), "a");
}

TEST_F(Deleting, MvOntoAnItemInTheTrashReplacesNothing) {
  write_file(project() / "a", "first");
  succeed({"rm", project() / "a"});
  write_file(project() / "a", "second");
  succeed({"mv", project() / "a", trash() / "a"});
  EXPECT_EQ(items().size(), 2U);
  EXPECT_EQ(read_file(trash() / "a"), "first");
  EXPECT_EQ(read_file(trash() / "a~2"), "second");
}

TEST_F(Deleting, TheCommandAndItsAliases) {
  for (const char* name : {"a", "b", "c"}) write_file(project() / name, name);
  const CommandResult first = ctl({"trash", "--yes", "projects/P/a"});
  EXPECT_THAT(first.out, ::testing::HasSubstr("projects/P/a"));
  ctl({"rm", "--yes", "projects/P/b"});
  ctl({"move-to-trash", "--yes", "projects/P/c"});
  EXPECT_THAT(trash_names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(names_in(project()), ElementsAre("analyses", "samples"));
}

TEST_F(Deleting, TheCommandGoesOnPastWhatItCannotTrash) {
  write_file(project() / "a", "a");
  const CommandResult result = ctl({"trash", "--yes", "projects/P/no", "projects/P/a"}, 4);
  EXPECT_THAT(result.out + result.err, ::testing::HasSubstr("projects/P/no"));
  EXPECT_THAT(trash_names(), ElementsAre("a"));
  ctl({"trash", "--yes", "projects/P/no"}, 1);
  ctl({"trash", "--yes", "projects"}, 1);
}

TEST_F(Deleting, ARenameKeepsTheReplacedFile) {
  write_file(project() / "new", "new");
  write_file(project() / "old", "old");
  succeed({"mv", project() / "new", project() / "old"});
  EXPECT_EQ(read_file(project() / "old"), "new");
  EXPECT_THAT(trash_names(), ElementsAre("old"));
  EXPECT_EQ(read_file(trash() / "old"), "old");
  EXPECT_EQ(item("old").origin, "projects/P/old");
}

TEST_F(Deleting, WhatIsWrittenUntilTheLastCloseIsKept) {
  const FileDescriptor file(::open((project() / "log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ASSERT_EQ(::write(file.get(), "before ", 7), 7);
  succeed({"rm", project() / "log"});
  ASSERT_EQ(::write(file.get(), "after", 5), 5);
  EXPECT_EQ(::fchmod(file.get(), 0600), 0);
  EXPECT_EQ(read_file(trash() / "log"), "before after");
  succeed({"mv", trash() / "log", project() / "log"});
  ASSERT_EQ(::write(file.get(), "!", 1), 1);
  EXPECT_EQ(read_file(project() / "log"), "before after!");
}

TEST_F(Deleting, NamesDeletedTwiceKeepTheNewestInTheFold) {
  std::filesystem::create_directory(project() / "d");
  for (const char* content : {"one", "two", "three"}) {
    write_file(project() / "d/tmp", content);
    ASSERT_EQ(::unlink((project() / "d/tmp").c_str()), 0);
  }
  ASSERT_EQ(::rmdir((project() / "d").c_str()), 0);
  EXPECT_EQ(read_file(trash() / "d/tmp"), "three");
  std::vector<std::string> others;
  for (const ListedItem& other : items()) {
    if (other.kind == "file") others.push_back(read_file(trash() / other.name));
  }
  EXPECT_THAT(others, ::testing::UnorderedElementsAre("one", "two"));
}

TEST_F(Deleting, WhatAnotherSessionTrashedStaysAnItemOfItsOwn) {
  std::filesystem::create_directories(project() / "d/e");
  write_file(project() / "d/mine", "mine");
  write_file(project() / "d/e/theirs", "theirs");
  succeed({"rm", project() / "d/e/theirs"});
  succeed({"rm", "-r", project() / "d"});
  EXPECT_THAT(trash_names(), ElementsAre("d", "theirs"));
  EXPECT_THAT(names_in(trash() / "d/e"), IsEmpty());
  EXPECT_NE(item("d").session, item("theirs").session);
  ctl({"purge", "--yes", id_of("d")});
  EXPECT_EQ(read_file(trash() / "theirs"), "theirs");
  succeed({"mv", trash() / "theirs", project() / "theirs"});
  EXPECT_EQ(read_file(project() / "theirs"), "theirs");
}

TEST_F(Deleting, WhatWasTrashedBeforeADirectoryIsMovedStaysAnItem) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/a", "a");
  write_file(project() / "d/b", "b");
  succeed({"rm", project() / "d/a"});
  succeed({"mv", project() / "d", trash()});
  EXPECT_THAT(trash_names(), ElementsAre("a", "d"));
  EXPECT_THAT(names_in(trash() / "d"), ElementsAre("b"));
}

TEST_F(Deleting, TwoProcessesDeletingOneTreeLoseNothing) {
  for (int i = 0; i < 200; ++i) {
    std::filesystem::create_directories(project() / "d" / std::to_string(i % 10));
    write_file(project() / "d" / std::to_string(i % 10) / std::to_string(i), std::to_string(i));
  }
  ChildProcess one({"rm", "-rf", project() / "d"});
  ChildProcess two({"rm", "-rf", project() / "d"});
  one.finish();
  two.finish();
  EXPECT_FALSE(std::filesystem::exists(project() / "d"));
  std::int64_t files = 0;
  for (const ListedItem& each : items()) files += each.files;
  EXPECT_EQ(files, 200);
}

TEST_F(Deleting, ItemsOfOneNameAreNumberedAndKeepTheirNames) {
  for (const char* content : {"1", "2", "3"}) {
    write_file(project() / "x", content);
    succeed({"rm", project() / "x"});
  }
  EXPECT_THAT(trash_names(), ElementsAre("x", "x~2", "x~3"));
  ctl({"purge", "--yes", id_of("x~2")});
  EXPECT_THAT(trash_names(), ElementsAre("x", "x~3"));
  EXPECT_EQ(read_file(trash() / "x~3"), "3");
  write_file(project() / "x", "4");
  succeed({"rm", project() / "x"});
  EXPECT_EQ(read_file(trash() / "x"), "1");
  EXPECT_EQ(read_file(trash() / "x~3"), "3");
  EXPECT_EQ(trash_names().size(), 3U);
}

TEST_F(Deleting, LongNamesAreCutBeforeTheirNumber) {
  const std::string name(255, 'n');
  for (const char* content : {"1", "2"}) {
    write_file(project() / name, content);
    succeed({"rm", project() / name});
  }
  EXPECT_EQ(read_file(trash() / name), "1");
  EXPECT_EQ(read_file(trash() / (std::string(253, 'n') + "~2")), "2");
}

TEST_F(Deleting, ExcludedNamesAreDestroyed) {
  write_file(project() / ".fuse_hidden0001", "x");
  write_file(project() / ".nfs0001", "x");
  write_file(project() / "kept", "x");
  succeed({"rm", project() / ".fuse_hidden0001", project() / ".nfs0001", project() / "kept"});
  EXPECT_THAT(trash_names(), ElementsAre("kept"));
}

TEST_F(Deleting, AProjectWithItsFoldersIsOneItem) {
  make_rich_tree(project() / "samples/S1");
  make_rich_tree(project() / "analyses/A1");
  const TreeSnapshot before = snapshot(project());
  succeed({"rm", "-r", project()});
  EXPECT_THAT(trash_names(), ElementsAre("P"));
  const ListedItem p = item("P");
  EXPECT_EQ(p.kind, "project");
  ctl({"restore", std::to_string(p.id)});
  EXPECT_EQ(differences(before, snapshot(project())), "");
}

class DeletingAsConfigured : public MountTest {
 protected:
  DaemonOptions options() const override {
    return {.configuration = "[trash]\nkeep_replaced = false\nexclude = [\"*.tmp\"]\nrm = \"purge\"\n"};
  }
};

TEST_F(DeletingAsConfigured, AReplacedFileIsDestroyed) {
  write_file(project() / "new", "new");
  write_file(project() / "old", "old");
  succeed({"mv", project() / "new", project() / "old"});
  EXPECT_EQ(read_file(project() / "old"), "new");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(DeletingAsConfigured, ExcludesAreTheConfiguredOnes) {
  std::filesystem::create_directory(project() / "d");
  write_file(project() / "d/a.tmp", "x");
  write_file(project() / "d/.nfs1", "x");
  succeed({"rm", "-r", project() / "d"});
  EXPECT_THAT(trash_names(), ElementsAre("d"));
  EXPECT_THAT(names_in(trash() / "d"), ElementsAre(".nfs1"));
}

TEST_F(DeletingAsConfigured, RmInTheTrashPurges) {
  write_file(project() / "a", "a");
  std::filesystem::create_directory(project() / "empty");
  succeed({"rm", project() / "a"});
  succeed({"rmdir", project() / "empty"});
  succeed({"rm", trash() / "a"});
  EXPECT_THAT(trash_names(), ElementsAre("empty"));
  succeed({"rmdir", trash() / "empty"});
  EXPECT_THAT(trash_names(), IsEmpty());
}

}  // namespace
}  // namespace reprieve::test
