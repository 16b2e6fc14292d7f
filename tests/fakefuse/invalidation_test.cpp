// SPDX-License-Identifier: Apache-2.0
//
// What kernels are told without asking.
#include <fcntl.h>

#include <algorithm>

#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

constexpr std::int64_t kAttributesAlone = -1;

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

TEST_F(Invalidation, SparesTheMountThatKnows) {
  make_directory(node(account_.projects), "P");
  invalidator_.settle();
  EXPECT_TRUE(kernel_.notifications().empty());
  const std::vector<Notification> told = second_kernel_.notifications();
  ASSERT_FALSE(told.empty());
  // Inside the operation, which waits for no lock: attributes and listing; the name follows.
  EXPECT_EQ(told.front(), content_of(node(account_.projects)));
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

TEST_F(Invalidation, AStoppedMountIsNotTold) {
  second_->stop();
  invalidator_.changed({.through = {}, .seen = {{account_.runs, EntryName::literal("R")}}, .aftermath = {}});
  expect_told(kernel_, name_in(node(account_.runs), "R"));
}

}  // namespace
}  // namespace reprieve::test
