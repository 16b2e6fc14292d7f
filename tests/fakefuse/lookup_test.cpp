// SPDX-License-Identifier: Apache-2.0
//
// Names and how long they may be remembered.
#include <cerrno>

#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

constexpr std::uint64_t kALongTime = 1'000'000'000;  // seconds

class Lookup : public FakeMount {
 protected:
  Lookup() { start_ready(); }
};

TEST_F(Lookup, FindsAndLetsTheKernelRemember) {
  const Answer found = lookup(kRoot, "projects");
  ASSERT_EQ(found.error, 0);
  const auto entry = found.as<fuse_entry_out>();
  EXPECT_EQ(entry.nodeid, node(account_.projects));
  EXPECT_EQ(entry.attr.ino, node(account_.projects));
  EXPECT_GT(entry.entry_valid, kALongTime);
  EXPECT_GT(entry.attr_valid, kALongTime);
}

TEST_F(Lookup, LetsTheKernelRememberWhatIsNotThere) {
  const Answer missing = lookup(node(account_.projects), "nobody");
  ASSERT_EQ(missing.error, 0);
  EXPECT_EQ(missing.as<fuse_entry_out>().nodeid, 0U);
  EXPECT_GT(missing.as<fuse_entry_out>().entry_valid, kALongTime);
}

TEST_F(Lookup, NamesInTheTrashAreAskedForEveryTime) {
  const std::uint64_t trash = node(account_.trash);
  EXPECT_EQ(lookup(trash, "P").error, ENOENT);
  make_directory(node(account_.projects), "P");
  const fuse_rename_in rename{.newdir = trash};
  ASSERT_EQ(kernel_.call(FUSE_RENAME, node(account_.projects), wire(rename) + name("P") + name("P")).error, 0);
  const auto entry = lookup(trash, "P").as<fuse_entry_out>();
  EXPECT_NE(entry.nodeid, 0U);
  EXPECT_EQ(entry.entry_valid, 0U);
  EXPECT_EQ(entry.entry_valid_nsec, 0U);
}

TEST_F(Lookup, AttributesOfTheTrashAreAskedForEveryTime) {
  const auto attributes = kernel_.call(FUSE_GETATTR, node(account_.trash), wire(fuse_getattr_in{})).as<fuse_attr_out>();
  EXPECT_EQ(attributes.attr_valid, 0U);
  EXPECT_EQ(attributes.attr_valid_nsec, 0U);
}

TEST_F(Lookup, AttributesOfAFileThatIsBeingWrittenLastATick) {
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  EXPECT_EQ(file.entry.attr_valid, 0U);
  EXPECT_LE(file.entry.attr_valid_nsec, 10'000'000U);
  release(file);
  const Answer settled = kernel_.call(FUSE_GETATTR, file.entry.nodeid, wire(fuse_getattr_in{}));
  EXPECT_GT(settled.as<fuse_attr_out>().attr_valid, kALongTime);
}

TEST_F(Lookup, TheRootIsNodeOne) {
  const Answer root = kernel_.call(FUSE_GETATTR, kRoot, wire(fuse_getattr_in{}));
  ASSERT_EQ(root.error, 0);
  EXPECT_EQ(root.as<fuse_attr_out>().attr.ino, node(account_.root));
}

TEST_F(Lookup, RenameKnowsItsFlags) {
  const std::uint64_t projects = node(account_.projects);
  make_directory(projects, "A");
  make_directory(projects, "B");
  const auto rename = [&](std::uint32_t flags) {
    const fuse_rename2_in request{.newdir = projects, .flags = flags, .padding = 0};
    return kernel_.call(FUSE_RENAME2, projects, wire(request) + name("A") + name("B")).error;
  };
  EXPECT_EQ(rename(1 /* RENAME_NOREPLACE */), EEXIST);
  EXPECT_EQ(rename(4 /* RENAME_WHITEOUT */), EINVAL);
  EXPECT_EQ(rename(3), EINVAL);
  const std::uint64_t before = lookup(projects, "A").as<fuse_entry_out>().nodeid;
  EXPECT_EQ(rename(2 /* RENAME_EXCHANGE */), 0);
  EXPECT_EQ(lookup(projects, "B").as<fuse_entry_out>().nodeid, before);
}

TEST_F(Lookup, OfAFileHandleFindsTheInodeAndItsParent) {
  const std::uint64_t projects = node(account_.projects);
  const std::uint64_t project = make_directory(projects, "P");
  const auto file = create_file(project, "f");
  release(file);
  EXPECT_EQ(lookup(file.entry.nodeid, ".").as<fuse_entry_out>().nodeid, file.entry.nodeid);
  EXPECT_EQ(lookup(project, "..").as<fuse_entry_out>().nodeid, projects);
  EXPECT_EQ(lookup(projects, "..").as<fuse_entry_out>().nodeid, kRoot);
  EXPECT_EQ(lookup(999'999, ".").error, ENOENT);
}

}  // namespace
}  // namespace reprieve::test
