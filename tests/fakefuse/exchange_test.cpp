// SPDX-License-Identifier: Apache-2.0
//
// How a connection opens and ends.
#include <gmock/gmock.h>

#include <cerrno>
#include <future>

#include "fs/reply.h"
#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

using fs::PassthroughMode;
namespace kernel = fs::kernel;

static_assert(!std::is_copy_constructible_v<fs::Reply> && !std::is_copy_assignable_v<fs::Reply>,
              "a second answer to one request must not compile");

std::uint64_t flags_of(const fuse_init_out& answer) {
  return std::uint64_t{answer.flags} | (std::uint64_t{answer.flags2} << 32);
}

kernel::InitOut amended(const fuse_init_out& answer) {
  kernel::InitOut out{};
  std::memcpy(&out, &answer, sizeof(out));
  return out;
}

class Exchange : public FakeMount {};

TEST_F(Exchange, AsksForPassthroughWhereItIsOffered) {
  start();
  const fuse_init_out answer = kernel_.init();
  const std::uint64_t flags = flags_of(answer);
  EXPECT_TRUE(flags & kernel::kInitExt);
  EXPECT_TRUE(flags & kernel::kInitPassthrough);
  EXPECT_TRUE(flags & kernel::kInitHandleKillprivV2);
  EXPECT_TRUE(flags & kernel::kInitDirectIoAllowMmap);
  EXPECT_EQ(amended(answer).max_stack_depth, kernel::kMaxStackDepth);
  ASSERT_TRUE(session_->wait_ready());
}

TEST_F(Exchange, AsksForNothingThatIsNotOffered) {
  start();
  const std::uint64_t offers = FakeKernel::kOffers & ~(kernel::kInitPassthrough | kernel::kInitHandleKillprivV2);
  const fuse_init_out answer = kernel_.init(offers);
  EXPECT_EQ(flags_of(answer) & ~offers, 0U);
  EXPECT_EQ(amended(answer).max_stack_depth, 0U);
  ASSERT_TRUE(session_->wait_ready());
  EXPECT_FALSE(session_->passthrough_active());
  EXPECT_THAT(session_->data_path(), ::testing::StartsWith("splice ("));
}

TEST_F(Exchange, WorksWithoutFlagsBeyondTheFirst32) {
  start();
  const fuse_init_out answer = kernel_.init(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS);
  EXPECT_EQ(answer.flags2, 0U);
  ASSERT_TRUE(session_->wait_ready());
  EXPECT_EQ(lookup(kRoot, "projects").error, 0);
}

TEST_F(Exchange, DoesNotAskForPassthroughWhenItIsTurnedOff) {
  start(PassthroughMode::off);
  EXPECT_FALSE(flags_of(kernel_.init()) & kernel::kInitPassthrough);
  ASSERT_TRUE(session_->wait_ready());
  EXPECT_EQ(session_->data_path(), "splice (turned off)");
}

TEST_F(Exchange, FallsBackWhenTheKernelRefusesBackingFiles) {
  start();
  kernel_.init();  // a socket has no backing files, so registering one fails
  ASSERT_TRUE(session_->wait_ready());
  EXPECT_FALSE(session_->passthrough_active());
}

TEST_F(Exchange, FailsWhenPassthroughIsRequiredAndRefused) {
  start(PassthroughMode::require);
  kernel_.init();
  const auto ready = session_->wait_ready();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Errc::not_supported);
}

TEST_F(Exchange, LeavesWritebackLocksAndTruncationToTheKernel) {
  start();
  const std::uint64_t unwanted = FUSE_WRITEBACK_CACHE | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_ATOMIC_O_TRUNC;
  const fuse_init_out answer = kernel_.init();
  EXPECT_EQ(flags_of(answer) & unwanted, 0U);
  const std::uint64_t wanted = FUSE_AUTO_INVAL_DATA | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS | FUSE_CACHE_SYMLINKS |
                               FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_EXPORT_SUPPORT;
  EXPECT_EQ(flags_of(answer) & wanted, wanted);
  EXPECT_EQ(answer.max_write, 1024U * 1024U);
}

TEST_F(Exchange, TellsThatTheKernelWentAwayBeforeInit) {
  start();
  kernel_.close();
  const auto ready = session_->wait_ready();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Errc::io);
}

TEST_F(Exchange, CallsBackOnceWhenUnmountedFromOutside) {
  std::promise<void> unmounted;
  session_ = attach(MountId(1), kernel_, PassthroughMode::automatic);
  session_->on_unmounted([&unmounted] { unmounted.set_value(); });  // a second call would throw
  ASSERT_TRUE(session_->start());
  kernel_.init();
  kernel_.close();
  EXPECT_EQ(unmounted.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  session_->stop();
}

TEST_F(Exchange, StopsWhileTheKernelIsSilent) {
  bool called = false;
  session_ = attach(MountId(1), kernel_, PassthroughMode::automatic);
  session_->on_unmounted([&called] { called = true; });
  ASSERT_TRUE(session_->start());
  kernel_.init();
  session_->stop();
  session_->stop();
  EXPECT_FALSE(called);
}

TEST_F(Exchange, StopsBeforeInit) {
  start();
  session_->stop();
  EXPECT_FALSE(session_->wait_ready());
}

TEST_F(Exchange, StopsWithRequestsInFlight) {
  start_ready();
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  for (int round = 0; round < 100; ++round) {
    kernel_.send(FUSE_GETATTR, kRoot, wire(fuse_getattr_in{}));
    fuse_fsync_in sync{};
    sync.fh = file.open.handle;
    kernel_.send(FUSE_FSYNC, file.entry.nodeid, wire(sync));
  }
  session_->stop();
  EXPECT_EQ(kernel_.unexpected_answers(), 0U);
}

TEST_F(Exchange, IsClosedByTheKernelWithRequestsInFlight) {
  start_ready();
  for (int round = 0; round < 100; ++round) kernel_.send(FUSE_GETATTR, kRoot, wire(fuse_getattr_in{}));
  kernel_.close();
  session_->stop();
}

TEST_F(Exchange, AnswersEverythingWhenManyRequestsTakeLong) {
  start_ready();
  const auto file = create_file(make_directory(node(account_.projects), "P"), "f");
  fuse_fsync_in sync{};
  sync.fh = file.open.handle;
  std::vector<std::uint64_t> sent;
  for (int round = 0; round < 20; ++round) {
    sent.push_back(kernel_.send(FUSE_FSYNC, file.entry.nodeid, wire(sync)));
    sent.push_back(kernel_.send(FUSE_GETATTR, kRoot, wire(fuse_getattr_in{})));
  }
  for (const std::uint64_t unique : sent) EXPECT_EQ(kernel_.answer_to(unique).error, 0);
  EXPECT_EQ(kernel_.unexpected_answers(), 0U);
}

}  // namespace
}  // namespace reprieve::test
