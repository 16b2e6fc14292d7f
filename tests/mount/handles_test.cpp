// SPDX-License-Identifier: Apache-2.0
// Handles of files, as an NFS server keeps them: they lead to the same file when the kernel has forgotten it, and when
// the daemon was another one meanwhile. The calls themselves are in the parity table (`handles`).
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <map>

#include "tests/mount/file_handle.h"
#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

class Handles : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    return {.configuration = std::string("[fuse]\npassthrough = \"") + GetParam() + "\"\n"};
  }

  static Handle handle_of(const std::filesystem::path& path) {
    Handle handle;
    handle.head()->handle_bytes = MAX_HANDLE_SZ;
    int mount = 0;
    EXPECT_EQ(::name_to_handle_at(AT_FDCWD, path.c_str(), handle.head(), &mount, 0), 0) << path;
    return handle;
  }

  [[nodiscard]] FileDescriptor open(Handle handle, int flags = O_RDONLY) const {
    const FileDescriptor here(::open(mount().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return FileDescriptor(::open_by_handle_at(here.get(), handle.head(), flags | O_CLOEXEC));
  }

  // A file of two names, a directory far down, a link, a run.
  void make_tree() {
    const std::filesystem::path deep = project() / "one/two/three";
    std::filesystem::create_directories(deep);
    write_file(deep / "file", "content");
    std::filesystem::create_hard_link(deep / "file", project() / "one/other name");
    std::filesystem::create_symlink("file", deep / "link");
    write_file(run_folder() / "data", "of a run");
    for (const auto& path : {deep, deep / "file", deep / "link", run_folder(), run_folder() / "data", mount()})
      handles_.emplace(path, handle_of(path));
  }

  // All of them are opened before any path is walked, which would tell the kernel of them.
  void expect_all_found() const {
    std::map<std::filesystem::path, FileDescriptor> opened;
    for (const auto& [path, handle] : handles_)
      opened.emplace(path, open(handle, path.filename() == "link" ? O_PATH | O_NOFOLLOW : O_RDONLY));
    for (const auto& [path, file] : opened) {
      SCOPED_TRACE(path);
      struct stat named {};
      struct stat found {};
      ASSERT_TRUE(file);
      ASSERT_EQ(::fstat(file.get(), &found), 0);
      ASSERT_EQ(::lstat(path.c_str(), &named), 0);
      EXPECT_EQ(found.st_ino, named.st_ino);
      EXPECT_EQ(found.st_mode, named.st_mode);
      if (S_ISDIR(found.st_mode)) expect_connected(file.get(), path);
    }
    EXPECT_EQ(content(handles_.at(project() / "one/two/three/file")), "content");
  }

  // The kernel has found the way up from it, and the names on the way.
  static void expect_connected(int directory, const std::filesystem::path& path) {
    EXPECT_EQ(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(directory)), path);
    struct stat above {};
    struct stat expected {};
    ASSERT_EQ(::fstatat(directory, "..", &above, 0), 0);
    ASSERT_EQ(::stat((path / "..").c_str(), &expected), 0);
    EXPECT_EQ(above.st_ino, expected.st_ino);
  }

  [[nodiscard]] std::string content(const Handle& handle) const {
    const FileDescriptor file = open(handle);
    std::array<char, 100> buffer{};
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    return got < 0 ? std::strerror(errno) : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  std::map<std::filesystem::path, Handle> handles_;
};

TEST_P(Handles, LeadThereWhenTheKernelForgot) {
  make_tree();
  std::ofstream drop("/proc/sys/vm/drop_caches");
  if (!(drop << 2 << std::flush)) GTEST_SKIP() << "drop_caches cannot be written";
  expect_all_found();
}

TEST_P(Handles, LeadThereAfterARestart) {
  make_tree();
  ASSERT_EQ(daemon_->stop(), 0);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  expect_all_found();
  daemon_->kill();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  expect_all_found();
}

TEST_P(Handles, FollowARename) {
  make_tree();
  const Handle handle = handles_.at(project() / "one/two/three/file");
  std::filesystem::rename(project() / "one/two", run_folder() / "moved");
  ASSERT_TRUE(daemon_->restart()) << daemon_->log();
  EXPECT_EQ(content(handle), "content");
  const FileDescriptor directory = open(handles_.at(project() / "one/two/three"));
  ASSERT_TRUE(directory);
  expect_connected(directory.get(), run_folder() / "moved/three");
}

TEST_P(Handles, AreStaleWhenTheFileIsDestroyed) {
  make_tree();
  const Handle file = handles_.at(run_folder() / "data");
  const Handle folder = handles_.at(run_folder());
  succeed({"rm", "-r", run_folder()});
  EXPECT_EQ(content(file), "of a run") << "in the trash";
  ctl({"empty", "--yes", "--wait"});
  for (const bool restarted : {false, true}) {
    if (restarted) {
      ASSERT_TRUE(daemon_->restart()) << daemon_->log();
    }
    errno = 0;
    EXPECT_FALSE(open(file));
    EXPECT_EQ(errno, ESTALE);
    EXPECT_FALSE(open(folder));
    EXPECT_EQ(errno, ESTALE);
  }
  std::filesystem::create_directory(run_folder());
}

// What a client of FUSE without trash hides under such a name keeps rmdir from working.
TEST_P(Handles, OpenFilesThatLoseTheirNameLeaveNoOther) {
  const std::filesystem::path folder = project() / "folder";
  std::filesystem::create_directory(folder);
  for (const char* name : {"unlinked", "replaced", "new"}) write_file(folder / name, name);
  const FileDescriptor unlinked(::open((folder / "unlinked").c_str(), O_RDWR | O_CLOEXEC));
  const FileDescriptor replaced(::open((folder / "replaced").c_str(), O_RDWR | O_CLOEXEC));
  std::filesystem::remove(folder / "unlinked");
  std::filesystem::rename(folder / "new", folder / "replaced");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"replaced"});
  std::filesystem::remove(folder / "replaced");
  EXPECT_TRUE(names_in(folder).empty());
  EXPECT_EQ(::rmdir(folder.c_str()), 0) << std::strerror(errno);
  std::array<char, 20> buffer{};
  EXPECT_EQ(::pread(unlinked.get(), buffer.data(), buffer.size(), 0), 8);
  EXPECT_EQ(::pread(replaced.get(), buffer.data(), buffer.size(), 0), 8);
  EXPECT_THAT(trash_names(), ::testing::Not(::testing::Contains(::testing::HasSubstr(".fuse_hidden"))));
}

INSTANTIATE_TEST_SUITE_P(DataPath, Handles, ::testing::Values("auto", "off"), [](const auto& parameters) {
  return std::string(parameters.param) == "off" ? "Splice" : "Passthrough";
});

}  // namespace
}  // namespace reprieve::test
