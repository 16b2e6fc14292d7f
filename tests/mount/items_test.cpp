// SPDX-License-Identifier: Apache-2.0
// Items as programs meet them in the mount: what runs, samples in several projects, user.reprieve.*, files alone,
// quota.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ItemsInTheMount : public MountTest {
 protected:
  static std::string xattr(const std::filesystem::path& path, const std::string& name) {
    std::array<char, 4096> value{};
    const ssize_t size = ::getxattr(path.c_str(), ("user.reprieve." + name).c_str(), value.data(), value.size());
    return size < 0 ? "errno " + std::to_string(errno) : std::string(value.data(), static_cast<std::size_t>(size));
  }
  static int set_xattr(const std::filesystem::path& path, const std::string& name, const std::string& value) {
    return errno_of(::setxattr(path.c_str(), ("user.reprieve." + name).c_str(), value.data(), value.size(), 0));
  }
  [[nodiscard]] std::filesystem::path sample() const { return project() / "samples/S"; }
  void make_sample() const {
    std::filesystem::create_directory(sample());
    write_file(sample() / "f", "bytes");
    std::filesystem::create_directory(sample() / "sub");
    write_file(sample() / "sub/g", "more");
  }
};

TEST_F(ItemsInTheMount, WhatRunsIsNotRemoved) {
  ASSERT_EQ(set_xattr(run_folder(), "status", "running"), 0);
  EXPECT_EQ(xattr(run_folder(), "status"), "running");
  EXPECT_EQ(errno_of(::rmdir(run_folder().c_str())), EBUSY);
  EXPECT_EQ(errno_of(::rename(run_folder().c_str(), (trash() / "R").c_str())), EBUSY);
  ctl({"trash", "runs/R"}, 1);
  write_file(run_folder() / "scratch", "x");
  EXPECT_EQ(errno_of(::unlink((run_folder() / "scratch").c_str())), 0);
  ctl({"trash", "--force", "runs/R"});
  EXPECT_FALSE(std::filesystem::exists(run_folder()));
}

TEST_F(ItemsInTheMount, AttributesTellOfItemsAndAreNotListed) {
  make_sample();
  EXPECT_EQ(xattr(project(), "kind"), "project");
  EXPECT_EQ(xattr(sample(), "owner"), "lab");
  ASSERT_EQ(set_xattr(sample(), "derived_from", "runs/R"), 0);
  EXPECT_EQ(xattr(sample(), "derived_from"), "runs/R");
  EXPECT_EQ(set_xattr(sample(), "kind", "run"), EPERM);
  EXPECT_EQ(set_xattr(sample(), "derived_from", "runs/none"), ENOENT);
  EXPECT_EQ(::listxattr(sample().c_str(), nullptr, 0), 0);
  succeed({"rm", "-r", sample()});
  EXPECT_EQ(xattr(trash() / "S", "id"), id_of("S"));
  EXPECT_EQ(xattr(trash() / "S", "origin"), "projects/P/samples/S");
  EXPECT_EQ(xattr(trash() / "S", "files"), "2");
  EXPECT_EQ(xattr(trash() / "S", "derived_from"), "runs/R");
  EXPECT_EQ(set_xattr(trash() / "S", "derived_from", "runs/R"), EPERM);
}

TEST_F(ItemsInTheMount, FilesGoAloneAndComeBackByMv) {
  make_rich_tree(run_folder() / "tree");
  const TreeSnapshot before = snapshot(run_folder());
  ctl({"trash", "--mode", "files-only", "runs/R"});
  EXPECT_THAT(names_in(run_folder()), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(trash() / "R/tree"));
  succeed({"mv", trash() / "R", mount() / "runs/"});
  EXPECT_EQ(differences(before, snapshot(run_folder())), "");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(ItemsInTheMount, RmOfASampleInOneProjectLeavesTheOther) {
  make_sample();
  std::filesystem::create_directory(mount() / "projects/Q");
  const TreeSnapshot before = snapshot(sample());
  ctl({"add-to", "projects/Q", "projects/P/samples/S"});
  EXPECT_EQ(read_file(mount() / "projects/Q/samples/S/f"), "bytes");
  succeed({"rm", "-r", mount() / "projects/Q/samples/S"});
  EXPECT_FALSE(std::filesystem::exists(mount() / "projects/Q/samples/S"));
  EXPECT_EQ(differences(before, snapshot(sample())), "");
  EXPECT_THAT(trash_names(), ElementsAre("S"));
  ctl({"restore", id_of("S")});
  EXPECT_EQ(read_file(mount() / "projects/Q/samples/S/sub/g"), "more");
  succeed({"rm", "-r", sample()});
  EXPECT_EQ(read_file(mount() / "projects/Q/samples/S/sub/g"), "more");
}

TEST_F(ItemsInTheMount, AGroupGoesAndComesBack) {
  make_sample();
  ctl({"associate", "projects/P/samples/S", "runs/R"});
  ctl({"trash", "--mode", "with-associated", "runs/R"});
  EXPECT_FALSE(std::filesystem::exists(sample()));
  EXPECT_THAT(trash_names(), ElementsAre("R", "S"));
  ctl({"restore", id_of("R")});
  EXPECT_EQ(read_file(sample() / "f"), "bytes");
}

TEST_F(ItemsInTheMount, OverQuotaOnlyWhatUsesMoreIsRefused) {
  write_file(project() / "f", std::string(100000, 'x'));
  ctl({"account", "set", "lab", "--quota", "64K"});
  struct statvfs figures {};
  ASSERT_EQ(::statvfs(mount().c_str(), &figures), 0);
  EXPECT_EQ(figures.f_blocks * figures.f_frsize, 65536U);
  EXPECT_EQ(figures.f_bavail, 0U);
  EXPECT_EQ(errno_of(::open((project() / "new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), EDQUOT);
  EXPECT_EQ(errno_of(::open((project() / "f").c_str(), O_WRONLY | O_CLOEXEC)), EDQUOT);
  succeed({"rm", project() / "f"});
  succeed({"mv", trash() / "f", project() / "f"});
  succeed({"rm", project() / "f"});
  ctl({"empty", "--yes", "--wait"});
  const FileDescriptor made(::open((project() / "new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  EXPECT_TRUE(made) << "errno " << errno;
}

}  // namespace
}  // namespace reprieve::test
