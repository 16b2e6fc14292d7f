// SPDX-License-Identifier: Apache-2.0
//
// What kernels are told without asking.
#include <fcntl.h>

#include <algorithm>

#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

constexpr std::int64_t kAttributesAlone = -1;
constexpr int kDoubtAllNames = fs::kernel::kNotifyIncreaseEpoch;

Notification attributes_of(std::uint64_t inode) {
  return {.code = FUSE_NOTIFY_INVAL_INODE, .node = inode, .offset = kAttributesAlone, .name = {}};
}
Notification content_of(std::uint64_t inode) {
  return {.code = FUSE_NOTIFY_INVAL_INODE, .node = inode, .offset = 0, .name = {}};
}
Notification name_in(std::uint64_t directory, const std::string& called) {
  return {.code = FUSE_NOTIFY_INVAL_ENTRY, .node = directory, .offset = 0, .name = called};
}

class Invalidation : public FakeMount {
 protected:
  Invalidation() {
    start_ready();
    second_ = attach(MountId(2), second_kernel_, fs::PassthroughMode::automatic);
    EXPECT_TRUE(second_->start());
    second_kernel_.init();
    EXPECT_TRUE(second_->wait_ready());
  }
  ~Invalidation() override { second_->stop(); }

  void expect_told(FakeKernel& kernel, const Notification& expected) {
    const auto told = kernel.notifications();
    EXPECT_NE(std::ranges::find(told, expected), told.end());
  }

  FakeKernel second_kernel_;
  std::unique_ptr<fs::Session> second_;
};

TEST_F(Invalidation, ReachesEveryMountBeforeTheSocketIsAnswered) {
  const EntryName called = EntryName::literal("P");
  invalidator_.changed({.through = {}, .seen = {{account_.projects, called}, {account_.root, {}}}, .aftermath = {}});
  for (FakeKernel* kernel : {&kernel_, &second_kernel_}) {
    const std::vector<Notification> told = kernel->notifications();
    const std::vector<Notification> expected{name_in(node(account_.projects), "P"), content_of(node(account_.projects)),
                                             content_of(kRoot)};
    EXPECT_EQ(told, expected);
  }
}

TEST_F(Invalidation, TheMountThatKnowsIsToldOfAttributesAlone) {
  make_directory(node(account_.projects), "P");
  invalidator_.settle();
  // What other threads were answered before, and have not dealt with yet, is old.
  EXPECT_EQ(kernel_.notifications(), std::vector<Notification>{attributes_of(node(account_.projects))});
  const std::vector<Notification> told = second_kernel_.notifications();
  ASSERT_GE(told.size(), 2U);
  // Inside the operation, which waits for no request: attributes and listing; the name follows.
  EXPECT_EQ(told[0], attributes_of(node(account_.projects)));
  EXPECT_EQ(told[1], content_of(node(account_.projects)));
  EXPECT_NE(std::ranges::find(told, name_in(node(account_.projects), "P")), told.end());
}

TEST_F(Invalidation, TellsTheAftermathToAll) {
  invalidator_.changed({.through = MountId(1), .seen = {}, .aftermath = {{account_.runs, EntryName::literal("R")}}});
  invalidator_.settle();
  expect_told(kernel_, name_in(node(account_.runs), "R"));
  expect_told(second_kernel_, name_in(node(account_.runs), "R"));
}

TEST_F(Invalidation, AttributesOfAWrittenFileAreDroppedEverywhere) {
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  invalidator_.settle();
  kernel_.notifications();
  second_kernel_.notifications();
  release(file);
  expect_told(kernel_, attributes_of(file.entry.nodeid));
  expect_told(second_kernel_, attributes_of(file.entry.nodeid));

  const Answer opened =
      kernel_.call(FUSE_OPEN, file.entry.nodeid, wire(fuse_open_in{.flags = O_WRONLY, .open_flags = 0}));
  ASSERT_EQ(opened.error, 0);
  expect_told(kernel_, attributes_of(file.entry.nodeid));
  expect_told(second_kernel_, attributes_of(file.entry.nodeid));
}

TEST_F(Invalidation, BothDirectoriesOfARenameAreOld) {
  const std::uint64_t project = make_directory(node(account_.projects), "P");
  const std::uint64_t from = make_directory(project, "from");
  const std::uint64_t to = make_directory(project, "to");
  make_directory(from, "d");
  invalidator_.settle();
  kernel_.notifications();
  ASSERT_EQ(kernel_.call(FUSE_RENAME, from, wire(fuse_rename_in{.newdir = to}) + name("d") + name("d")).error, 0);
  const std::vector<Notification> expected{attributes_of(from), attributes_of(to)};
  EXPECT_EQ(kernel_.notifications(), expected);
}

TEST_F(Invalidation, ExtendedAttributesMakeAttributesOld) {
  const std::uint64_t project = make_directory(node(account_.projects), "P");
  invalidator_.settle();
  kernel_.notifications();
  const fuse_setxattr_in request{.size = 1, .flags = 0};
  const std::string body = wire(request).substr(0, FUSE_COMPAT_SETXATTR_IN_SIZE) + name("user.x") + "1";
  ASSERT_EQ(kernel_.call(FUSE_SETXATTR, project, body).error, 0);
  EXPECT_EQ(kernel_.notifications(), std::vector<Notification>{attributes_of(project)});
}

TEST_F(Invalidation, ReadingTellsNobody) {
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  release(file);
  invalidator_.settle();
  kernel_.notifications();
  const Answer opened =
      kernel_.call(FUSE_OPEN, file.entry.nodeid, wire(fuse_open_in{.flags = O_RDONLY, .open_flags = 0}));
  fuse_release_in request{};
  request.fh = opened.as<fs::kernel::OpenOut>().handle;
  kernel_.call(FUSE_RELEASE, file.entry.nodeid, wire(request));
  EXPECT_TRUE(kernel_.notifications().empty());
}

// The kernel may deal with the answer after it was told to doubt all names.
TEST_F(Invalidation, NamesOfAListingUnderWayAreDoubtedOnceMoreWhenItWasDealtWith) {
  const std::uint64_t project = make_directory(node(account_.projects), "P");
  make_directory(project, "d");
  const auto share = [&] {
    invalidator_.settle();
    kernel_.notifications();
    invalidator_.changed({.through = {}, .seen = {}, .aftermath = {}, .newly_shared = true});
    invalidator_.settle();
  };
  const Notification doubt{.code = kDoubtAllNames, .node = 0, .offset = 0, .name = {}};
  const auto list = [&](std::uint64_t offset) {
    fuse_read_in request{};
    request.offset = offset;
    request.size = 4096;
    return lines_of(kernel_.call(FUSE_READDIRPLUS, project, wire(request)), true);
  };
  share();
  EXPECT_EQ(kernel_.notifications(), std::vector<Notification>{doubt});

  const std::vector<Line> lines = list(0);
  share();
  const std::vector<Notification> told = kernel_.notifications();
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[0], doubt);
  EXPECT_EQ(told[1].code, FUSE_NOTIFY_INVAL_ENTRY);  // which waits for the directory's lock
  EXPECT_EQ(told[1].node, project);
  EXPECT_EQ(told[2], doubt);

  list(0);
  EXPECT_TRUE(list(lines.back().offset).empty());
  share();
  EXPECT_EQ(kernel_.notifications(), std::vector<Notification>{doubt});
}

TEST_F(Invalidation, AStoppedMountIsNotTold) {
  second_->stop();
  invalidator_.changed({.through = {}, .seen = {{account_.runs, EntryName::literal("R")}}, .aftermath = {}});
  expect_told(kernel_, name_in(node(account_.runs), "R"));
}

}  // namespace
}  // namespace reprieve::test
