// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/blob_file.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PurgeTest : public ::testing::Test {
 protected:
  bool blob_goes(InodeId blob) {
    return wait_until([&] { return !volume_.blobs().contains(blob.number()); });
  }
  // A folder "d" in the project with so many small files in folders of a hundred.
  void make_files(int count) {
    volume_.mkdir("projects/p/d");
    for (int i = 0; i < count; ++i) {
      const std::string folder = "projects/p/d/" + std::to_string(i / 100);
      if (i % 100 == 0) volume_.mkdir(folder);
      volume_.write(folder + "/" + std::to_string(i), "x");
    }
  }

  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(PurgeTest, GivesTheBytesBack) {
  const InodeId kept = volume_.write("projects/p/kept", "bytes");
  make_files(300);
  volume_.trash("projects/p/d");
  const std::uint64_t before = must(volume_.core().figures()).inodes;
  volume_.empty();
  EXPECT_EQ(must(volume_.core().figures()).inodes, before - 300 - 4);
  EXPECT_EQ(must(volume_.core().figures()).purge_queue, 0U);
  volume_.close();
  EXPECT_THAT(volume_.blobs(), ElementsAre(kept.number()));
}

TEST_F(PurgeTest, ABlobThatCannotBeRemovedHoldsUpNoOther) {
  const auto [stuck, behind] =
      std::minmax({volume_.write("projects/p/one", "bytes"), volume_.write("projects/p/other", "bytes")});
  const auto blob = blob_file(volume_.store(), stuck);
  std::filesystem::remove(blob);
  std::filesystem::create_directory(blob);  // which is not unlinked
  volume_.trash("projects/p");
  const auto outcome = must(volume_.core().empty_plans().purge(volume_.account(), {volume_.item("p").id}, process(1)));
  EXPECT_TRUE(blob_goes(behind));
  std::filesystem::remove(blob);
  std::ofstream(blob) << "bytes";
  EXPECT_TRUE(blob_goes(stuck));
  volume_.wait_for(outcome.operation);
}

TEST_F(PurgeTest, IsIrrevocableAtOnce) {
  make_files(200);
  const InodeId directory = volume_.at("projects/p/d/0");
  const TrashItemId id = volume_.trash("projects/p/d").id;
  const auto outcome = must(volume_.core().empty_plans().purge(volume_.account(), {id}, process(1)));
  EXPECT_FALSE(volume_.exists(".trash/d"));
  EXPECT_EQ(volume_.core().trash().restore(volume_.account(), {id}, {}, process(1)).at(0).code, "not_found");
  // Whoever still has the folder's number, as a kernel has, can make nothing in it.
  const auto made = volume_.names().create(volume_.account(), directory, EntryName::literal("new"),
                                           {.mode = S_IFREG | 0644}, process(1));
  EXPECT_FALSE(made);
  volume_.wait_for(outcome.operation);
}

TEST_F(PurgeTest, GoesOnAfterARestart) {
  make_files(1500);
  const TrashItemId id = volume_.trash("projects/p/d").id;
  must(volume_.core().empty_plans().purge(volume_.account(), {id}, process(1)));
  // Closed at once: the purger stops within a portion, and the rest of the queue waits.
  volume_.reopen();
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  EXPECT_TRUE(wait_until([&] { return must(volume_.core().figures()).purge_queue == 0; }));
  // The last blobs go behind the last rows.
  must(volume_.core().sync());
  EXPECT_TRUE(wait_until([&] {
    volume_.reopen();
    volume_.close();
    const bool gone = volume_.blobs().empty();
    volume_.open();
    return gone;
  }));
}

TEST_F(PurgeTest, AnOpenFileKeepsItsBytesUntilItsLastClose) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  volume_.mkdir("projects/p/d");
  const InodeId nested = volume_.write("projects/p/d/g", "more");
  {
    const OpenFile first = volume_.open_file("projects/p/f", O_RDONLY);
    const OpenFile second = volume_.open_file("projects/p/d/g", O_RDWR);
    volume_.trash("projects/p/f");
    volume_.trash("projects/p/d");
    volume_.empty();
    EXPECT_TRUE(volume_.blobs().contains(file.number()));
    EXPECT_TRUE(volume_.blobs().contains(nested.number()));
    EXPECT_EQ(Volume::read(first), "bytes");
    EXPECT_EQ(::pwrite(second.descriptor(), "MORE", 4, 0), 4);
    EXPECT_EQ(Volume::read(second), "MORE");
    EXPECT_EQ(must(volume_.core().attributes().get(volume_.account(), file)).links, 0U);
  }
  EXPECT_TRUE(blob_goes(file));
  EXPECT_TRUE(blob_goes(nested));
  EXPECT_TRUE(wait_until([&] { return must(volume_.core().figures()).purge_queue == 0; }));
  EXPECT_EQ(refusal(volume_.core().attributes().get(volume_.account(), file)), Errc::stale);
}

TEST_F(PurgeTest, EveryCloseIsNoticed) {
  // The close races with the purger that comes to the file.
  for (int round = 0; round < 200; ++round) {
    const InodeId file = volume_.write("projects/p/f", "x");
    auto open = std::make_unique<OpenFile>(volume_.open_file("projects/p/f", O_RDONLY));
    const TrashItemId id = volume_.trash("projects/p/f").id;
    must(volume_.core().empty_plans().purge(volume_.account(), {id}, process(1)));
    if (round % 2 == 0) std::this_thread::yield();
    open.reset();
    ASSERT_TRUE(blob_goes(file)) << "round " << round;
  }
}

TEST_F(PurgeTest, AHardLinkElsewhereKeepsTheBytes) {
  volume_.mkdir("projects/p/d");
  const InodeId file = volume_.write("projects/p/d/f", "bytes");
  volume_.link("projects/p/d/f", "projects/p/live");
  volume_.trash("projects/p/d");
  volume_.empty();
  EXPECT_EQ(volume_.read("projects/p/live"), "bytes");
  EXPECT_EQ(volume_.attributes("projects/p/live").links, 1U);
  volume_.trash("projects/p/live");
  volume_.empty();
  EXPECT_TRUE(blob_goes(file));
}

TEST_F(PurgeTest, AHardLinkInAnotherItemKeepsTheBytes) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  volume_.link("projects/p/f", "projects/p/g");
  volume_.trash("projects/p/f");
  volume_.trash("projects/p/g");
  volume_.purge("f");
  EXPECT_EQ(volume_.read(".trash/g"), "bytes");
  must(volume_.rename(".trash/g", "projects/p/g"));
  EXPECT_EQ(volume_.attributes("projects/p/g").links, 1U);
  volume_.trash("projects/p/g");
  volume_.purge("g");
  EXPECT_TRUE(blob_goes(file));
}

TEST_F(PurgeTest, ItemsFromInsideSurviveAtAnyDepth) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/d/e");
  volume_.mkdir("projects/p/d/e/sub");
  volume_.write("projects/p/d/e/sub/f", "kept");
  volume_.write("projects/p/d/e/g", "kept too");
  volume_.trash("projects/p/d/e/sub", 1);
  volume_.trash("projects/p/d/e/g", 2);
  volume_.trash("projects/p/d", 3);
  volume_.purge("d");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("sub", "g"));
  EXPECT_EQ(volume_.read(".trash/sub/f"), "kept");
  EXPECT_EQ(volume_.restore("g").code, "parent_purged");
  EXPECT_EQ(volume_.restore("g", {.recreate_parents = true}).path, "projects/p/d/e/g");
  EXPECT_EQ(volume_.restore("sub", {.to = "projects/p"}).path, "projects/p/sub");
  EXPECT_EQ(volume_.read("projects/p/sub/f"), "kept");
  EXPECT_EQ(volume_.read("projects/p/d/e/g"), "kept too");
}

TEST_F(PurgeTest, ExcludedNamesGoAtOnce) {
  const InodeId file = volume_.write("projects/p/.nfs0001", "bytes");
  must(volume_.unlink("projects/p/.nfs0001"));
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  EXPECT_TRUE(blob_goes(file));
}

TEST_F(PurgeTest, SymbolicLinksAndSpecialFilesGoToo) {
  volume_.mkdir("projects/p/d");
  volume_.symlink("projects/p/d/soft", "target");
  must(volume_.names().create(volume_.account(), volume_.at("projects/p/d"), EntryName::literal("fifo"),
                              {.mode = S_IFIFO | 0600}, process(1)));
  const std::uint64_t before = must(volume_.core().figures()).inodes;
  volume_.trash("projects/p/d");
  volume_.empty();
  EXPECT_EQ(must(volume_.core().figures()).inodes, before - 3);
}

// rm inside .trash/ where the configuration lets it purge.
TEST(TrashRmPurge, RemovesSingleItemsAndParts) {
  Volume volume({.trash = {.rm = TrashRm::purge}});
  volume.mkdir("projects/p");
  volume.mkdir("projects/p/d");
  const InodeId inside = volume.write("projects/p/d/f", "12345");
  volume.write("projects/p/d/g", "123");
  volume.trash("projects/p/d");
  EXPECT_EQ(volume.item("d").figures->bytes, 8U);
  must(volume.unlink(".trash/d/f"));
  EXPECT_TRUE(wait_until([&] { return !volume.blobs().contains(inside.number()); }));
  EXPECT_EQ(volume.item("d").figures->bytes, 3U);
  EXPECT_EQ(refusal(volume.rmdir(".trash/d")), Errc::not_empty);
  must(volume.unlink(".trash/d/g"));
  must(volume.rmdir(".trash/d"));
  EXPECT_THAT(volume.items(), IsEmpty());
}

}  // namespace
}  // namespace reprieve::test
