// SPDX-License-Identifier: Apache-2.0
#include "core/store/blob_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/blob_file.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// What a crash leaves of a store: a copy of it while it is open.
std::filesystem::path crashed_copy(Volume& volume) {
  const auto copy = volume.directory() / "crashed";
  std::filesystem::copy(volume.store(), copy, std::filesystem::copy_options::recursive);
  return copy;
}

std::unique_ptr<FileSystem> open_store(const std::filesystem::path& store) {
  static const KernelClock clock;
  return must(FileSystem::open({.store = {.path = store}}, clock));
}

class CrashedStoreTest : public ::testing::Test {
 protected:
  // Waits for the blobs that are made ahead of need.
  void wait_for_blobs(std::size_t count) {
    ASSERT_TRUE(wait_until([&] { return volume_.blobs().size() >= count; }));
  }
  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(CrashedStoreTest, BlobsWithoutARowAreRemovedAndTheOthersKept) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  const InodeId trashed = volume_.write("projects/p/g", "more");
  volume_.trash("projects/p/g");
  wait_for_blobs(100);
  const auto copy = crashed_copy(volume_);
  EXPECT_GT(blobs_in(copy).size(), 2U);
  open_store(copy).reset();
  EXPECT_THAT(blobs_in(copy), UnorderedElementsAre(file.number(), trashed.number()));
}

TEST_F(CrashedStoreTest, ACleanStopLeavesNoneBehind) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  wait_for_blobs(100);
  volume_.close();
  EXPECT_THAT(volume_.blobs(), ElementsAre(file.number()));
}

TEST_F(CrashedStoreTest, NumbersAreNeverUsedTwice) {
  volume_.write("projects/p/f", "bytes");
  wait_for_blobs(100);
  const auto copy = crashed_copy(volume_);
  const std::int64_t last = *blobs_in(copy).rbegin();
  volume_.trash("projects/p/f");
  const TrashItemId item = volume_.item("f").id;
  const auto core = open_store(copy);
  const Account account = must(core->accounts().find("lab"));
  const InodeId project = must(core->names().lookup(account, account.projects, EntryName::literal("p"))).inode;
  const auto made =
      must(core->names().create(account, project, EntryName::literal("new"), {.mode = S_IFREG | 0600}, process(1)));
  EXPECT_GT(made.inode.number(), last);
  const auto entries = must(core->names().list(account, project, {}, 100, Detail::types));
  const auto original = must(volume_.names().list(volume_.account(), project, {}, 100, Detail::types));
  EXPECT_GT(entries.back().id, original.back().id);
  const auto outcome = core->trash().trash_paths(account, {"projects/p/new"}, process(1)).at(0);
  EXPECT_GT(outcome.id, item);
}

TEST_F(CrashedStoreTest, NumbersOfPurgedFilesAreNotUsedAgain) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  volume_.trash("projects/p/f");
  volume_.empty();
  volume_.reopen();
  EXPECT_GT(volume_.write("projects/p/g", ""), file);
}

TEST_F(CrashedStoreTest, ABlobWhoseRowIsGoneIsUnlinkedByThePurgerAlone) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  const OpenFile open = volume_.open_file("projects/p/f", O_RDONLY);
  volume_.trash("projects/p/f");
  volume_.empty();
  const auto copy = crashed_copy(volume_);
  EXPECT_TRUE(blobs_in(copy).contains(file.number()));
  const auto core = open_store(copy);
  EXPECT_TRUE(wait_until([&] { return !blobs_in(copy).contains(file.number()); }));
}

TEST_F(CrashedStoreTest, ARowWhoseBlobIsGoneHidesNothingElse) {
  const InodeId file = volume_.write("projects/p/f", "bytes");
  volume_.write("projects/p/g", "bytes");
  std::filesystem::remove(blob_file(volume_.store(), file));
  EXPECT_EQ(refusal(volume_.core().attributes().get(volume_.account(), file)), Errc::io);
  EXPECT_EQ(refusal(volume_.core().content().open(volume_.account(), file, O_RDONLY)), Errc::io);
  const auto listed = must(volume_.names().list(volume_.account(), project_, {}, 100, Detail::attributes));
  EXPECT_EQ(listed.size(), 4U);
  volume_.trash("projects/p");
  EXPECT_EQ(volume_.item("p").figures->files, 2U);
  volume_.empty();
}

TEST_F(CrashedStoreTest, AFileIsStampedWhenItIsMade) {
  wait_for_blobs(100);
  ASSERT_TRUE(wait_until([] {  // until the clock of the kernel has moved
    static const Timestamp start = KernelClock().now();
    return KernelClock().now() > start;
  }));
  const Timestamp before = KernelClock().now();
  volume_.write("projects/p/f", "");
  const Attributes made = volume_.attributes("projects/p/f");
  EXPECT_GE(made.modified, before);
  EXPECT_GE(made.accessed, before);
}

// Nothing can be opened for as long as it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{.rlim_cur = 0, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(CrashedStoreTest, RunningOutOfDescriptorsIsSurvived) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan, which runs together with AddressSanitizer, needs descriptors to check a vptr";
#endif
  volume_.write("projects/p/f", "bytes");
  int made = 0;
  std::set<Errc> refusals;
  {
    const NoMoreDescriptors none;
    constexpr int kMoreThanNumbersReserved = 20'000;
    for (int i = 0; i < kMoreThanNumbersReserved; ++i) {
      const auto name = EntryName::literal("n" + std::to_string(i));
      const auto file = volume_.names().create(volume_.account(), project_, name, {.mode = S_IFREG | 0600}, process(1));
      if (file) {
        ++made;
      } else {
        refusals.insert(file.error().code);
      }
    }
  }
  EXPECT_EQ(refusals, std::set{Errc::too_many_open_files});
  EXPECT_LT(made, 1000);  // those whose blobs had been made before
  volume_.write("projects/p/g", "bytes");
  EXPECT_EQ(volume_.read("projects/p/g"), "bytes");
  volume_.reopen();
  EXPECT_EQ(volume_.read("projects/p/f"), "bytes");
}

// The blob store by itself.
class BlobStoreTest : public ::testing::Test {
 protected:
  BlobStoreTest() {
    const auto started = blobs_->start([this](std::size_t count) -> Result<std::vector<InodeId>> {
      std::vector<InodeId> numbers;
      for (std::size_t i = 0; i < count; ++i) {
        numbers.emplace_back(++last_);
        blobs_->announce(numbers.back());
      }
      return numbers;
    });
    EXPECT_TRUE(started);
  }
  TemporaryDirectory directory_;
  std::atomic<std::int64_t> last_{kFirst};
  std::unique_ptr<BlobStore> blobs_ = must(BlobStore::open(directory_.path(), true));
  static constexpr std::int64_t kFirst = (std::int64_t{1} << 20) - 100;  // goes over the end of a folder's folder
};

TEST_F(BlobStoreTest, TakenBlobsAreEmptyAndDistinct) {
  std::set<InodeId> taken;
  for (int i = 0; i < 2000; ++i) {
    const InodeId blob = must(blobs_->take()).id;
    ASSERT_TRUE(taken.insert(blob).second);
    ASSERT_EQ(must(blobs_->stat_blob(blob)).st_size, 0);
    blobs_->settle(blob);
  }
  blobs_->stop();
  EXPECT_EQ(blobs_in(directory_.path()).size(), taken.size());
}

TEST_F(BlobStoreTest, TheLowestUnsettledBlobBoundsRecovery) {
  const InodeId first = must(blobs_->take()).id;
  const InodeId second = must(blobs_->take()).id;
  // A lower one may be under way: blobs are made by several threads.
  ASSERT_TRUE(blobs_->lowest_unsettled());
  EXPECT_LE(blobs_->lowest_unsettled(), std::min(first, second));
  blobs_->settle(std::min(first, second));
  // Until its name is safe a power cut may take it away.
  EXPECT_LE(blobs_->lowest_unsettled(), std::min(first, second));
  must(blobs_->sync_names());
  ASSERT_TRUE(blobs_->lowest_unsettled());
  EXPECT_LE(blobs_->lowest_unsettled(), std::max(first, second));
  EXPECT_NE(blobs_->lowest_unsettled(), std::min(first, second));
  blobs_->settle(std::max(first, second));
  blobs_->stop();
  EXPECT_EQ(blobs_->lowest_unsettled(), std::nullopt);
}

TEST_F(BlobStoreTest, ABlobGivenBackIsUsedNext) {
  FreshBlob blob = must(blobs_->take());
  const InodeId id = blob.id;
  blobs_->give_back(std::move(blob));
  EXPECT_EQ(must(blobs_->take()).id, id);
}

TEST_F(BlobStoreTest, SearchesARangeOnly) {
  std::vector<InodeId> taken;
  for (int i = 0; i < 1500; ++i) taken.push_back(must(blobs_->take()).id);
  blobs_->stop();
  std::ranges::sort(taken);
  std::vector<InodeId> found;
  must(blobs_->each_from(taken[50], taken[1400], [&](InodeId blob) { found.push_back(blob); }));
  std::ranges::sort(found);
  EXPECT_EQ(found, std::vector<InodeId>(taken.begin() + 50, taken.begin() + 1400));
}

TEST_F(BlobStoreTest, WhatIsNotThereIsStale) {
  const InodeId none(7);
  EXPECT_EQ(refusal(blobs_->open_blob(none)), Errc::stale);
  EXPECT_EQ(refusal(blobs_->stat_blob(none)), Errc::stale);
  EXPECT_EQ(refusal(blobs_->truncate(none, 1)), Errc::stale);
  EXPECT_TRUE(blobs_->remove(none));
}

TEST(BlobStore, AMissingFolderIsDamage) {
  const TemporaryDirectory directory;
  const auto opened = BlobStore::open(directory.path(), false);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::store_damaged);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "blobs"));
}

}  // namespace
}  // namespace reprieve::test
