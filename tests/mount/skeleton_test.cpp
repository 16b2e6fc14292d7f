// SPDX-License-Identifier: Apache-2.0
// The fixed folders, the kinds of items and where each may live, and how little can be done inside .trash/.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Skeleton : public MountTest {
 protected:
  [[nodiscard]] int rename_errno(const std::string& from, const std::string& to, unsigned flags = 0) const {
    return errno_of(::renameat2(AT_FDCWD, (mount() / from).c_str(), AT_FDCWD, (mount() / to).c_str(), flags));
  }
  [[nodiscard]] int mkdir_errno(const std::string& path) const {
    return errno_of(::mkdir((mount() / path).c_str(), 0755));
  }
  [[nodiscard]] int create_errno(const std::string& path) const {
    const FileDescriptor file(::open((mount() / path).c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    return file ? 0 : errno;
  }
  // What the socket calls it once it is in the trash; it is put back.
  [[nodiscard]] std::string kind(const std::string& path) const {
    const std::string name = std::filesystem::path(path).filename();
    if (rename_errno(path, ".trash/" + name) != 0) return "(cannot be trashed)";
    std::string found = item(name).kind;
    EXPECT_EQ(rename_errno(".trash/" + name, path), 0) << path;
    return found;
  }
};

TEST_F(Skeleton, HoldsTheThreeFolders) {
  EXPECT_THAT(names_in(mount()), ElementsAre(".trash", "projects", "runs"));
  EXPECT_THAT(names_in(project()), ElementsAre("analyses", "samples"));
}

TEST_F(Skeleton, CannotBeRemovedRenamedOrReplaced) {
  for (const std::string folder : {"projects", "runs", ".trash"}) {
    EXPECT_EQ(errno_of(::rmdir((mount() / folder).c_str())), EPERM) << folder;
    EXPECT_EQ(rename_errno(folder, "other"), EPERM) << folder;
    EXPECT_EQ(rename_errno(folder, folder == "runs" ? "projects/P/other" : "runs/R/other"), EPERM) << folder;
    EXPECT_NE(rename_errno("runs/R", folder, RENAME_EXCHANGE), 0) << folder;
  }
  EXPECT_EQ(rename_errno("runs", ".trash/runs"), EPERM);
  EXPECT_EQ(rename_errno("projects/P", "runs"), EPERM);
  EXPECT_THAT(names_in(mount()), ElementsAre(".trash", "projects", "runs"));
}

TEST_F(Skeleton, NothingElseIsMadeInTheRoot) {
  write_file(project() / "f", "f");
  EXPECT_EQ(mkdir_errno("other"), EPERM);
  EXPECT_EQ(create_errno("other"), EPERM);
  EXPECT_EQ(errno_of(::symlink("x", (mount() / "other").c_str())), EPERM);
  EXPECT_EQ(errno_of(::mknod((mount() / "other").c_str(), S_IFIFO | 0644, 0)), EPERM);
  EXPECT_EQ(errno_of(::link((project() / "f").c_str(), (mount() / "other").c_str())), EPERM);
  EXPECT_EQ(rename_errno("projects/P/f", "other"), EPERM);
  EXPECT_EQ(rename_errno("projects/P", "other"), EPERM);
}

TEST_F(Skeleton, DesktopsStartNoSecondTrash) {
  for (const char* name : {".Trash", ".Trash-1000", ".Trashes"}) {
    EXPECT_EQ(mkdir_errno(name), EPERM) << name;
    EXPECT_EQ(create_errno(name), EPERM) << name;
  }
  EXPECT_EQ(mkdir_errno("projects/P/.Trash-1000"), 0);
}

TEST_F(Skeleton, OnlyDirectoriesLiveInProjectsAndRuns) {
  write_file(project() / "f", "f");
  for (const std::string folder : {"projects/", "runs/"}) {
    const std::string path = mount() / (folder + "x");
    EXPECT_EQ(create_errno(folder + "x"), EPERM);
    EXPECT_EQ(errno_of(::symlink("x", path.c_str())), EPERM);
    EXPECT_EQ(errno_of(::mknod(path.c_str(), S_IFIFO | 0644, 0)), EPERM);
    EXPECT_EQ(errno_of(::link((project() / "f").c_str(), path.c_str())), EPERM);
    EXPECT_EQ(rename_errno("projects/P/f", folder + "x"), EPERM);
  }
}

TEST_F(Skeleton, KindsComeFromThePlace) {
  for (const char* path : {"projects/P/samples/S", "projects/P/analyses/A", "projects/P/F", "projects/P/samples/S/sub"})
    ASSERT_EQ(mkdir_errno(path), 0) << path;
  write_file(project() / "f", "f");
  EXPECT_EQ(kind("projects/P"), "project");
  EXPECT_EQ(kind("runs/R"), "run");
  EXPECT_EQ(kind("projects/P/samples/S"), "sample");
  EXPECT_EQ(kind("projects/P/analyses/A"), "analysis");
  EXPECT_EQ(kind("projects/P/F"), "folder");
  EXPECT_EQ(kind("projects/P/samples/S/sub"), "folder");
  EXPECT_EQ(kind("projects/P/f"), "file");
}

TEST_F(Skeleton, MovesKeepKindsHonest) {
  for (const char* path : {"projects/Q", "projects/P/samples/S", "projects/P/analyses/A", "projects/P/F"})
    ASSERT_EQ(mkdir_errno(path), 0);
  const std::vector<std::pair<std::string, std::string>> refused{{"projects/P", "runs/P"},
                                                                 {"projects/P", "projects/Q/P"},
                                                                 {"projects/P", "projects/Q/samples/P"},
                                                                 {"projects/P", "runs/R/P"},
                                                                 {"runs/R", "projects/R"},
                                                                 {"runs/R", "projects/P/R"},
                                                                 {"projects/P/samples/S", "runs/S"},
                                                                 {"projects/P/samples/S", "projects/S"},
                                                                 {"projects/P/samples/S", "projects/P/S"},
                                                                 {"projects/P/samples/S", "projects/P/analyses/S"},
                                                                 {"projects/P/analyses/A", "projects/P/samples/A"},
                                                                 {"projects/P/analyses/A", "projects/P/F/A"},
                                                                 {"projects/P/samples/S", "runs/R/S"}};
  for (const auto& [from, to] : refused) {
    EXPECT_EQ(rename_errno(from, to), EPERM) << from << " to " << to;
    EXPECT_TRUE(std::filesystem::exists(mount() / from));
  }
  EXPECT_EQ(rename_errno("projects/P/samples/S", "projects/P/F", RENAME_EXCHANGE), EPERM);
}

TEST_F(Skeleton, MovesThatKindsAllow) {
  for (const char* path : {"projects/Q", "projects/P/samples/S", "projects/P/F", "projects/P/G"})
    ASSERT_EQ(mkdir_errno(path), 0);
  EXPECT_EQ(rename_errno("projects/P/samples/S", "projects/Q/samples/S"), 0);
  EXPECT_EQ(kind("projects/Q/samples/S"), "sample");
  EXPECT_EQ(rename_errno("projects/P/F", "projects/P/samples/F"), 0);
  EXPECT_EQ(kind("projects/P/samples/F"), "sample");
  EXPECT_EQ(rename_errno("projects/P/G", "runs/R/G"), 0);
  EXPECT_EQ(kind("runs/R/G"), "folder");
  EXPECT_EQ(rename_errno("projects/Q", "projects/Renamed"), 0);
  EXPECT_EQ(kind("projects/Renamed"), "project");
}

TEST_F(Skeleton, MvIsNeverToldToCopy) {
  // A refused move must not be EXDEV, which mv answers with copy and delete.
  const CommandResult moved = run({"mv", project(), mount() / "runs"});
  EXPECT_EQ(moved.exit_code, 1);
  EXPECT_THAT(moved.err, ::testing::HasSubstr("Operation not permitted"));
  EXPECT_TRUE(std::filesystem::exists(project() / "samples"));
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Skeleton, ItsAttributeNamesAreReserved) {
  write_file(project() / "f", "f");
  for (const char* name : {"user.reprieve.kind", "user.reprieve.id", "user.reprieve.anything"}) {
    EXPECT_EQ(errno_of(::setxattr((project() / "f").c_str(), name, "x", 1, 0)), EPERM) << name;
    EXPECT_NE(errno_of(::removexattr((project() / "f").c_str(), name)), 0) << name;
  }
  EXPECT_EQ(errno_of(::setxattr((project() / "f").c_str(), "user.reprieved", "x", 1, 0)), 0);
}

class InsideTheTrash : public Skeleton {
 protected:
  void SetUp() override {
    Skeleton::SetUp();
    if (IsSkipped()) return;
    std::filesystem::create_directories(project() / "d/e");
    write_file(project() / "d/f", "content");
    write_file(project() / "live", "live");
    succeed({"rm", "-r", project() / "d"});
  }
};

TEST_F(InsideTheTrash, NothingIsMade) {
  for (const std::string place : {".trash/", ".trash/d/", ".trash/d/e/"}) {
    EXPECT_EQ(mkdir_errno(place + "x"), EPERM) << place;
    EXPECT_EQ(create_errno(place + "x"), EPERM) << place;
    EXPECT_EQ(errno_of(::symlink("x", (mount() / (place + "x")).c_str())), EPERM) << place;
    EXPECT_EQ(errno_of(::link((project() / "live").c_str(), (mount() / (place + "x")).c_str())), EPERM) << place;
  }
  EXPECT_EQ(rename_errno("projects/P/live", ".trash/d/x"), EPERM);
}

TEST_F(InsideTheTrash, NothingIsChanged) {
  const std::string file = trash() / "d/f";
  const std::string folder = trash() / "d";
  EXPECT_EQ(errno_of(::open(file.c_str(), O_WRONLY | O_CLOEXEC)), EPERM);
  EXPECT_EQ(errno_of(::open(file.c_str(), O_RDWR | O_CLOEXEC)), EPERM);
  EXPECT_EQ(errno_of(::open(file.c_str(), O_RDONLY | O_TRUNC | O_CLOEXEC)), EPERM);
  EXPECT_EQ(errno_of(::truncate(file.c_str(), 0)), EPERM);
  for (const std::string& path : {file, folder}) {
    EXPECT_EQ(errno_of(::chmod(path.c_str(), 0777)), EPERM);
    EXPECT_EQ(errno_of(::chown(path.c_str(), 1, 1)), EPERM);
    EXPECT_EQ(errno_of(::utimensat(AT_FDCWD, path.c_str(), nullptr, 0)), EPERM);
    EXPECT_EQ(errno_of(::setxattr(path.c_str(), "user.a", "1", 1, 0)), EPERM);
  }
  EXPECT_EQ(errno_of(::link(file.c_str(), (project() / "linked").c_str())), EPERM);
  EXPECT_EQ(read_file(file), "content");
}

TEST_F(InsideTheTrash, NothingIsRemovedOrRenamed) {
  EXPECT_EQ(errno_of(::unlink((trash() / "d/f").c_str())), EPERM);
  EXPECT_EQ(errno_of(::rmdir((trash() / "d/e").c_str())), EPERM);
  EXPECT_NE(errno_of(::rmdir((trash() / "d").c_str())), 0);
  EXPECT_EQ(rename_errno(".trash/d", ".trash/x"), EPERM);
  EXPECT_EQ(rename_errno(".trash/d/f", ".trash/d/x"), EPERM);
  EXPECT_EQ(rename_errno(".trash/d/f", ".trash/f"), EPERM);
  EXPECT_EQ(rename_errno(".trash/d", "projects/P/live", RENAME_EXCHANGE), EINVAL);
  EXPECT_EQ(rename_errno("projects/P/live", ".trash/d", RENAME_EXCHANGE), EINVAL);
  succeed({"rm", project() / "live"});
  EXPECT_EQ(errno_of(::unlink((trash() / "live").c_str())), EPERM);
}

TEST_F(InsideTheTrash, EverythingCanBeRead) {
  const std::filesystem::path copy = directory_.path() / "copy";
  succeed({"cp", "-a", trash() / "d", copy});
  succeed({"diff", "-r", trash() / "d", copy});
  succeed({"tar", "-cf", directory_.path() / "d.tar", "-C", trash(), "d"});
  EXPECT_EQ(run({"find", trash(), "-name", "f"}).out, (trash() / "d/f").string() + "\n");
}

TEST_F(InsideTheTrash, RmOfTheTrashDestroysNothing) {
  EXPECT_NE(run({"rm", "-rf", trash()}).exit_code, 0);
  EXPECT_NE(run({"rm", "-rf", trash() / "d"}).exit_code, 0);
  EXPECT_EQ(read_file(trash() / "d/f"), "content");
  EXPECT_THAT(trash_names(), ElementsAre("d"));
}

TEST_F(InsideTheTrash, RmOfTheWholeMountLosesNothing) {
  make_rich_tree(run_folder() / "tree");
  const TreeSnapshot before_run = snapshot(run_folder() / "tree");
  shell("rm -rf ./* ./.trash", {.directory = mount()});
  EXPECT_THAT(names_in(mount()), ElementsAre(".trash", "projects", "runs"));
  EXPECT_THAT(names_in(mount() / "runs"), IsEmpty());
  EXPECT_THAT(trash_names(), ElementsAre("P", "R", "d"));
  EXPECT_EQ(differences(before_run, snapshot(trash() / "R/tree")), "");
  EXPECT_EQ(read_file(trash() / "P/live"), "live");
  ctl({"restore", "--all"});
  EXPECT_EQ(read_file(project() / "d/f"), "content");
  EXPECT_EQ(read_file(project() / "live"), "live");
  EXPECT_THAT(trash_names(), IsEmpty());
}

}  // namespace
}  // namespace reprieve::test
