// SPDX-License-Identifier: Apache-2.0
// What the socket changes shows in the mount by the next system call, whatever the kernel had cached.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class Visibility : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    std::filesystem::create_directories(project() / "d/e");
    write_file(project() / "d/f", "f");
    warm();
  }
  // Looks at everything often enough for the kernel to keep it.
  void warm() const {
    for (int i = 0; i < 3; ++i) {
      for (const auto& folder : {project(), project() / "d", trash()}) {
        if (std::filesystem::exists(folder)) static_cast<void>(names_in(folder));
      }
      struct stat status {};
      ::stat((project() / "d/f").c_str(), &status);
      ::stat((project() / "d/no").c_str(), &status);
      ::stat((trash() / "d").c_str(), &status);
    }
  }
  void trash_by_socket(const std::string& path) const {
    const HttpAnswer answer = http("POST", "/v1/trash", R"({"paths":[")" + path + R"("]})");
    EXPECT_LT(answer.status, 300) << answer.text;
  }
  void restore_by_socket(const std::string& name) const {
    const HttpAnswer answer = http("POST", "/v1/trash/" + id_of(name) + "/restore", "{}");
    EXPECT_LT(answer.status, 300) << answer.text;
  }
  static int stat_errno(const std::filesystem::path& path) {
    struct stat status {};
    return errno_of(::lstat(path.c_str(), &status));
  }
};

TEST_F(Visibility, ATrashedNameIsGone) {
  trash_by_socket("projects/P/d");
  EXPECT_EQ(stat_errno(project() / "d"), ENOENT);
  EXPECT_EQ(stat_errno(project() / "d/f"), ENOENT);
  EXPECT_EQ(errno_of(::open((project() / "d/f").c_str(), O_RDONLY | O_CLOEXEC)), ENOENT);
}

TEST_F(Visibility, TheListingIsNew) {
  trash_by_socket("projects/P/d");
  EXPECT_THAT(names_in(project()), Not(Contains("d")));
  warm();
  restore_by_socket("d");
  EXPECT_THAT(names_in(project()), Contains("d"));
}

TEST_F(Visibility, ANegativeAnswerIsForgotten) {
  trash_by_socket("projects/P/d/f");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stat_errno(project() / "d/f"), ENOENT);
  restore_by_socket("f");
  EXPECT_EQ(stat_errno(project() / "d/f"), 0);
  EXPECT_EQ(read_file(project() / "d/f"), "f");
}

TEST_F(Visibility, TheTrashShowsIt) {
  trash_by_socket("projects/P/d");
  EXPECT_EQ(stat_errno(trash() / "d"), 0);
  EXPECT_THAT(trash_names(), ElementsAre("d"));
  EXPECT_EQ(read_file(trash() / "d/f"), "f");
  warm();
  restore_by_socket("d");
  EXPECT_EQ(stat_errno(trash() / "d"), ENOENT);
  EXPECT_EQ(stat_errno(trash() / "d/f"), ENOENT);
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Visibility, TheTrashForgetsWhatWasPurged) {
  trash_by_socket("projects/P/d");
  warm();
  ctl({"empty", "--yes"});
  EXPECT_EQ(stat_errno(trash() / "d"), ENOENT);
  EXPECT_EQ(stat_errno(trash() / "d/f"), ENOENT);
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Visibility, AttributesOfTheParentChange) {
  struct stat before {};
  struct stat after {};
  ::stat(project().c_str(), &before);
  trash_by_socket("projects/P/d");
  ::stat(project().c_str(), &after);
  EXPECT_EQ(after.st_nlink, before.st_nlink - 1);
  restore_by_socket("d");
  ::stat(project().c_str(), &after);
  EXPECT_EQ(after.st_nlink, before.st_nlink);
}

TEST_F(Visibility, LinkCountsChange) {
  std::filesystem::create_hard_link(project() / "d/f", project() / "linked");
  struct stat status {};
  ::stat((project() / "linked").c_str(), &status);
  ASSERT_EQ(status.st_nlink, 2U);
  trash_by_socket("projects/P/d/f");
  ::stat((project() / "linked").c_str(), &status);
  EXPECT_EQ(status.st_nlink, 1U);
  restore_by_socket("f");
  ::stat((project() / "linked").c_str(), &status);
  EXPECT_EQ(status.st_nlink, 2U);
}

TEST_F(Visibility, AHeldDirectoryIsReadOnlyFromThenOn) {
  const FileDescriptor held(::open((project() / "d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  trash_by_socket("projects/P/d");
  EXPECT_EQ(errno_of(::openat(held.get(), "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), EPERM);
  EXPECT_EQ(errno_of(::mkdirat(held.get(), "new", 0755)), EPERM);
  EXPECT_EQ(errno_of(::unlinkat(held.get(), "f", 0)), EPERM);
  const FileDescriptor file(::openat(held.get(), "f", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(file);
  restore_by_socket("d");
  EXPECT_EQ(errno_of(::mkdirat(held.get(), "new", 0755)), 0);
  EXPECT_EQ(stat_errno(project() / "d/new"), 0);
}

TEST_F(Visibility, ACurrentDirectoryLivesOn) {
  const FileDescriptor back(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::chdir((project() / "d").c_str()), 0);
  trash_by_socket("projects/P/d");
  EXPECT_EQ(read_file("f"), "f");
  EXPECT_EQ(errno_of(::mkdir("new", 0755)), EPERM);
  restore_by_socket("d");
  EXPECT_EQ(errno_of(::mkdir("new", 0755)), 0);
  EXPECT_EQ(::fchdir(back.get()), 0);
  EXPECT_EQ(stat_errno(project() / "d/new"), 0);
}

TEST_F(Visibility, TheOpenFileGoesOn) {
  const FileDescriptor file(::open((project() / "d/f").c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
  trash_by_socket("projects/P/d");
  ASSERT_EQ(::write(file.get(), "more", 4), 4);
  struct stat status {};
  ::fstat(file.get(), &status);
  EXPECT_EQ(status.st_size, 5);
  EXPECT_EQ(read_file(trash() / "d/f"), "fmore");
  restore_by_socket("d");
  EXPECT_EQ(read_file(project() / "d/f"), "fmore");
  ::stat((project() / "d/f").c_str(), &status);
  EXPECT_EQ(status.st_size, 5);
}

TEST_F(Visibility, ReplacedByARestore) {
  trash_by_socket("projects/P/d/f");
  write_file(project() / "d/f", "successor");
  warm();
  const std::string id = id_of("f");
  ctl({"restore", id, "--on-collision", "replace"});
  EXPECT_EQ(read_file(project() / "d/f"), "f");
  struct stat status {};
  ::stat((project() / "d/f").c_str(), &status);
  EXPECT_EQ(status.st_size, 1);
  ASSERT_EQ(trash_names().size(), 1U);
  EXPECT_EQ(read_file(trash() / trash_names().front()), "successor");
}

// Names that the mount's own kernel got wrong by a rename into the trash. Before Linux 6.16 it can only be told so
// after the rename was answered.
TEST_F(Visibility, AnItemThatFoldsAwayLeavesTheTrash) {
  // One process, so that what it moved there folds into the directory that it removes.
  ASSERT_EQ(::rmdir((project() / "d/e").c_str()), 0);
  ASSERT_EQ(::rename((project() / "d/f").c_str(), (trash() / "f").c_str()), 0);
  ASSERT_EQ(::rmdir((project() / "d").c_str()), 0);
  for (const char* name : {"e", "f"}) {
    EXPECT_TRUE(wait_until([&] { return stat_errno(trash() / name) == ENOENT; })) << name;
    EXPECT_EQ(stat_errno(trash() / "d" / name), 0) << name;
  }
  EXPECT_THAT(trash_names(), ElementsAre("d"));
}

TEST_F(Visibility, AnItemThatGotAnotherNameThanAskedForHasThatName) {
  write_file(project() / "f", "second");
  ASSERT_EQ(::rename((project() / "d/f").c_str(), (trash() / "x").c_str()), 0);
  ASSERT_EQ(::rename((project() / "f").c_str(), (trash() / "x").c_str()), 0);
  EXPECT_TRUE(wait_until([&] { return read_file(trash() / "x") == "f"; }));
  EXPECT_EQ(read_file(trash() / "x~2"), "second");
}

TEST_F(Visibility, AStreamThatIsBeingReadGoesOn) {
  for (int i = 0; i < 2000; ++i) write_file(project() / "d" / ("n" + std::to_string(i)), "");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir((project() / "d").c_str()), ::closedir);
  int read = 0;
  while (read < 100 && ::readdir(stream.get()) != nullptr) ++read;
  for (int i = 0; i < 5; ++i) trash_by_socket("projects/P/d/n" + std::to_string(i));
  while (::readdir(stream.get()) != nullptr) ++read;
  EXPECT_GE(read, 2000 - 5);
  EXPECT_LE(read, 2000 + 4);
}

}  // namespace
}  // namespace reprieve::test
