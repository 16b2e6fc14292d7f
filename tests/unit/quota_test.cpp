// SPDX-License-Identifier: Apache-2.0
// What accounts use, and what a quota allows.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

class QuotaTest : public ::testing::Test {
 protected:
  QuotaTest() {
    volume_.mkdir("projects/P");
    volume_.write("projects/P/old", std::string(1000, 'x'));
  }
  void set(std::optional<std::uint64_t> limit) { must(volume_.core().quotas().set(volume_.account().id, limit)); }
  std::uint64_t used() { return volume_.core().quotas().of(volume_.account().id).value().used; }
  // What a fresh count finds: the same as what was kept.
  std::uint64_t counted() {
    set(volume_.core().quotas().of(volume_.account().id).value().limit);
    return used();
  }
  Result<CreatedFile> create(const std::string& name) {
    return volume_.core().content().create(volume_.account(), volume_.at("projects/P"), EntryName::literal(name), 0644,
                                           O_WRONLY, process(1));
  }
  Result<OpenFile> open(const std::string& path, int flags) {
    return volume_.core().content().open(volume_.account(), volume_.at(path), flags);
  }
  Result<Attributes> truncate(const std::string& path, std::uint64_t size) {
    return volume_.core().attributes().set(volume_.account(), volume_.at(path), {.size = size}, process(1));
  }

  Volume volume_;
};

TEST_F(QuotaTest, CountsWhatIsThereAndWhatComes) {
  set(1 << 20);
  EXPECT_EQ(used(), 1000U);
  volume_.write("projects/P/new", std::string(500, 'y'));
  EXPECT_EQ(used(), 1500U);
  must(truncate("projects/P/new", 2000));
  EXPECT_EQ(used(), 3000U);
  must(truncate("projects/P/old", 0));
  EXPECT_EQ(used(), 2000U);
  EXPECT_EQ(counted(), 2000U);
  volume_.reopen();
  EXPECT_EQ(used(), 2000U);
}

// Its bytes are given back when nobody has it open.
TEST_F(QuotaTest, WhatIsBeingDestroyedCountsAndIsTold) {
  const auto figures = [this] { return must(volume_.core().figures(volume_.account())); };
  volume_.write("projects/P/kept", std::string(10, 'x'));
  {
    const OpenFile file = volume_.open_file("projects/P/old", O_RDONLY);
    volume_.trash("projects/P/old");
    EXPECT_EQ(figures().being_destroyed, 0U);
    EmptyPlans& plans = volume_.core().empty_plans();
    must(plans.execute(volume_.account(), must(plans.plan(volume_.account(), {}, process(1))).token, process(1)));
    EXPECT_EQ(figures().being_destroyed, 1000U);
    EXPECT_EQ(figures().used, 1010U);
    EXPECT_EQ(figures().trash_items, 0U);
  }
  ASSERT_TRUE(wait_until([&] { return figures().being_destroyed == 0; }));
  EXPECT_EQ(figures().used, 10U);
}

TEST_F(QuotaTest, TheTrashCountsUntilItIsEmptied) {
  set(1 << 20);
  volume_.trash("projects/P/old");
  EXPECT_EQ(used(), 1000U);
  volume_.empty();
  EXPECT_EQ(used(), 0U);
  EXPECT_EQ(counted(), 0U);
}

TEST_F(QuotaTest, OverQuotaNothingIsMadeOrOpenedForWriting) {
  set(1000);
  EXPECT_EQ(refusal(create("more")), Errc::over_quota);
  EXPECT_EQ(refusal(open("projects/P/old", O_WRONLY)), Errc::over_quota);
  EXPECT_EQ(refusal(open("projects/P/old", O_RDWR)), Errc::over_quota);
  EXPECT_EQ(refusal(truncate("projects/P/old", 1001)), Errc::over_quota);
  EXPECT_TRUE(open("projects/P/old", O_RDONLY));
  const Result<Attributes> folder = volume_.names().create(
      volume_.account(), volume_.at("projects"), EntryName::literal("Q"), {.mode = S_IFDIR | 0755}, process(1));
  EXPECT_EQ(refusal(folder), Errc::over_quota);
}

TEST_F(QuotaTest, OverQuotaDeletingRestoringAndEmptyingWork) {
  set(1);
  EXPECT_TRUE(volume_.unlink("projects/P/old"));
  EXPECT_EQ(volume_.restore("old").state, BatchState::done);
  volume_.trash("projects/P");
  EXPECT_EQ(volume_.restore("P").state, BatchState::done);
  EXPECT_TRUE(truncate("projects/P/old", 10)) << "a smaller size is no growth";
  volume_.trash("projects/P/old");
  volume_.empty();
  EXPECT_TRUE(create("again"));
}

TEST_F(QuotaTest, WritingCountsOnceWhateverIsOpen) {
  set(1 << 20);
  auto first = std::optional(must(open("projects/P/old", O_WRONLY)));
  auto second = std::optional(must(open("projects/P/old", O_WRONLY)));
  ASSERT_EQ(::ftruncate(first->descriptor(), 3000), 0);
  EXPECT_EQ(used(), 1000U);
  EXPECT_EQ(counted(), 1000U);
  first.reset();
  EXPECT_EQ(used(), 3000U);
  EXPECT_EQ(counted(), 3000U) << "a count in between must not count the growth twice";
  second.reset();
  EXPECT_EQ(used(), 3000U);
  EXPECT_EQ(counted(), 3000U);
}

TEST_F(QuotaTest, AQuotaThatIsTakenAwayLimitsNothing) {
  set(1);
  set(std::nullopt);
  EXPECT_TRUE(create("more"));
  EXPECT_FALSE(volume_.core().quotas().any());
  EXPECT_EQ(must(volume_.core().figures(volume_.account())).used, 1000U);
}

TEST_F(QuotaTest, CountsWhileFilesComeAndGo) {
  set(1 << 30);
  std::thread writer([this] {
    for (int i = 0; i < 300; ++i) {
      const std::string name = "f" + std::to_string(i);
      const CreatedFile made = must(create(name));
      if (::ftruncate(made.file.descriptor(), i) != 0) ADD_FAILURE() << "ftruncate";
    }
  });
  for (int i = 0; i < 50; ++i) set(1 << 30);
  writer.join();
  const std::uint64_t kept = used();
  EXPECT_EQ(kept, 1000U + 299U * 300U / 2U);
  EXPECT_EQ(counted(), kept);
}

TEST_F(QuotaTest, StatfsShowsTheQuota) {
  auto& attributes = volume_.core().attributes();
  const struct statvfs disk = must(attributes.statfs(volume_.account()));
  set(disk.f_frsize * 10);
  const struct statvfs limited = must(attributes.statfs(volume_.account()));
  EXPECT_EQ(limited.f_blocks, 10U);
  EXPECT_EQ(limited.f_bavail, std::min<fsblkcnt_t>(disk.f_bavail, 9U));
  set(1);
  EXPECT_EQ(must(attributes.statfs(volume_.account())).f_bavail, 0U);
}

TEST_F(QuotaTest, FiguresOfAnAccount) {
  volume_.mkdir("runs/R");
  volume_.write("projects/P/f", "12345");
  volume_.trash("projects/P/f");
  const AccountFigures figures = must(volume_.core().figures(volume_.account()));
  EXPECT_FALSE(figures.quota);
  EXPECT_EQ(figures.used, 1005U);
  EXPECT_EQ(figures.trash_bytes, 5U);
  EXPECT_EQ(figures.trash_items, 1U);
  EXPECT_EQ(figures.projects.owned, 1U);
  EXPECT_EQ(figures.projects.shared, 0U);
  EXPECT_EQ(figures.runs.owned, 1U);
  set(1 << 20);
  EXPECT_EQ(must(volume_.core().figures(volume_.account())).quota, std::uint64_t{1 << 20});
}

}  // namespace
}  // namespace reprieve::test
