// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>

#include "tests/unit/small_stack.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::EndsWith;
using ::testing::SizeIs;
using ::testing::StartsWith;

// Directories in each other, deeper than any path can name.
class DeepTreeTest : public ::testing::Test {
 protected:
  // Puts what there is into one more directory until `depth` are in projects/p.
  void deepen(int depth) {
    for (; depth_ < depth; ++depth_) {
      const InodeId above = make(project_, next_);
      if (depth_ == 0) {
        bottom_ = above;
      } else {
        move(project_, name_, above, name_);
      }
      move(project_, next_, project_, name_);
    }
  }
  InodeId make(InodeId parent, const EntryName& name, mode_t mode = S_IFDIR | 0755) {
    return must(volume_.names().create(volume_.account(), parent, name, {.mode = mode}, process(1))).inode;
  }
  void move(InodeId from, const EntryName& old_name, InodeId to, const EntryName& new_name) {
    must(volume_.names().rename(volume_.account(), from, old_name, to, new_name, RenameMode::replace, process(1)));
  }
  TrashItem delete_at_bottom(const std::string& name) {
    make(bottom_, EntryName::literal(name), S_IFREG | 0644);
    must(volume_.names().unlink(volume_.account(), bottom_, EntryName::literal(name), process(1)));
    return volume_.item(name);
  }
  // The least of several that a deletion takes of a processor.
  std::chrono::nanoseconds cost_at_bottom() {
    auto least = std::chrono::nanoseconds::max();
    for (int i = 0; i < 5; ++i) {
      const auto before = spent();
      make(bottom_, EntryName::literal("measured"), S_IFREG | 0644);
      must(volume_.names().unlink(volume_.account(), bottom_, EntryName::literal("measured"), process(1)));
      least = std::min(least, spent() - before);
    }
    return least;
  }
  static std::chrono::nanoseconds spent() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  Volume volume_;
  const EntryName name_ = EntryName::literal(std::string(kEntryNameMax, 'a'));
  const EntryName next_ = EntryName::literal(std::string(kEntryNameMax, 'b'));
  InodeId project_ = volume_.mkdir("projects/p");
  InodeId bottom_;
  int depth_ = 0;
};

TEST_F(DeepTreeTest, ADeletionTakesTimeInProportionToTheDepth) {
  deepen(1500);
  const auto shallow = cost_at_bottom();
  deepen(6000);
  EXPECT_LT(cost_at_bottom(), 8 * shallow);
}

TEST_F(DeepTreeTest, WhatIsDeletedRemembersTheEndOfItsPath) {
  deepen(300);
  const TrashItem item = delete_at_bottom("f");
  EXPECT_THAT(item.origin, StartsWith("…/aaa"));
  EXPECT_THAT(item.origin, EndsWith("aaa/f"));
  EXPECT_LE(item.origin.size(), std::size_t{64} << 10);
  const BatchOutcome outcome = volume_.restore("f");
  EXPECT_EQ(outcome.state, BatchState::done) << outcome.reason;
  EXPECT_EQ(must(volume_.names().lookup(volume_.account(), bottom_, EntryName::literal("f"))).links, 1U);
}

TEST_F(DeepTreeTest, APathThatAllCanBeMadeAgainIsRememberedWhole) {
  deepen(255);
  const TrashItem item = delete_at_bottom("f");
  EXPECT_THAT(item.origin, StartsWith("projects/p/aaa"));
  EXPECT_THAT(item.origin, SizeIs(std::string("projects/p/").size() + 255 * (kEntryNameMax + 1) + 1));
  volume_.trash("projects/p/" + name_.bytes());
  const BatchOutcome outcome = volume_.restore("f", {.recreate_parents = true});
  EXPECT_EQ(outcome.path, item.origin) << outcome.reason;
}

TEST_F(DeepTreeTest, FoldersAreNotMadeAgainFromHalfAPath) {
  deepen(300);
  delete_at_bottom("f");
  volume_.trash("projects/p/" + name_.bytes());
  EXPECT_EQ(volume_.restore("f", {.recreate_parents = true}).code, "name_too_long");
  EXPECT_EQ(volume_.restore("f", {.to = "projects/p"}).path, "projects/p/f");
}

TEST_F(DeepTreeTest, APartComesBackAndGoesAgain) {
  deepen(4000);
  make(bottom_, EntryName::literal("f"), S_IFREG | 0644);
  volume_.trash("projects/p/" + name_.bytes());
  on_small_stack([&] { move(bottom_, EntryName::literal("f"), project_, EntryName::literal("f")); });
  EXPECT_TRUE(volume_.exists("projects/p/f"));
  // Where it was is not remembered whole, so it becomes an item of its own.
  must(volume_.core().undo().last(volume_.account(), process(2)));
  EXPECT_EQ(volume_.item("f").origin, "projects/p/f");
}

}  // namespace
}  // namespace reprieve::test
