// SPDX-License-Identifier: Apache-2.0
#include "core/trash/sessions.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

pid_t this_thread() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

TEST(LinuxProcessTable, ThreadsOfOneProcessAreOneProcess) {
  LinuxProcessTable table;
  const auto main = table.process_of(this_thread());
  ASSERT_TRUE(main);
  EXPECT_EQ(main->id, ::getpid());
  EXPECT_GT(main->started, 0);
  std::optional<Process> other;
  pid_t other_thread = 0;
  std::thread([&] {
    other_thread = this_thread();
    other = table.process_of(other_thread);
  }).join();
  EXPECT_NE(other_thread, this_thread());
  ASSERT_TRUE(other);
  EXPECT_EQ(other->id, main->id);
  EXPECT_EQ(other->started, main->started);
}

TEST(LinuxProcessTable, AProcessIsAnotherWhateverItsName) {
  LinuxProcessTable table;
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A name made to confuse readers of /proc/PID/stat, where it stands in parentheses.
    const FileDescriptor name(::open("/proc/self/comm", O_WRONLY));
    char byte = ::write(name.get(), ") 1 (x y)", 9) == 9 ? '+' : '-';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(done[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, '+');
  const auto found = table.process_of(child);
  const auto own = table.process_of(::getpid());
  ASSERT_EQ(::write(done[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  for (const int end : {ready[0], ready[1], done[0], done[1]}) ::close(end);
  ASSERT_TRUE(found);
  ASSERT_TRUE(own);
  EXPECT_EQ(found->id, child);
  EXPECT_GE(found->started, own->started);
  EXPECT_FALSE(table.process_of(child));
}

TEST(LinuxProcessTable, WhatCannotBeSeenIsNone) {
  LinuxProcessTable table;
  EXPECT_FALSE(table.process_of(0));
  EXPECT_FALSE(table.process_of(-1));
  constexpr pid_t kOverTheLimit = 1 << 23;  // PID_MAX_LIMIT is 1 << 22
  EXPECT_FALSE(table.process_of(kOverTheLimit));
}

TEST(LinuxProcessTable, TellsGroupsOfAThread) {
  LinuxProcessTable table;
  EXPECT_TRUE(table.groups_of(0).empty());
  std::vector<gid_t> found;
  const std::vector<gid_t> groups{4321, 4000000001U};
  bool is_member = false;
  // The system call itself: the C library would change all threads.
  std::thread([&] {
    is_member = ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
    found = table.groups_of(this_thread());
  }).join();
  if (!is_member) GTEST_SKIP() << "only root joins groups";
  EXPECT_EQ(found, groups);
}

// Sessions, seen through the items that they make.
class SessionsTest : public ::testing::Test {
 protected:
  SessionId delete_as(const Caller& caller) {
    const std::string name = "f" + std::to_string(++made_);
    volume_.write("projects/p/" + name, "x");
    must(volume_.names().unlink(volume_.account(), project_, EntryName::literal(name), caller));
    return volume_.item(name).session;
  }
  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
  int made_ = 0;
};

TEST_F(SessionsTest, OneProcessIsOneSession) {
  const SessionId first = delete_as({.uid = 1000, .thread = 10});
  EXPECT_EQ(delete_as({.uid = 1000, .thread = 10}), first);
  EXPECT_EQ(delete_as({.uid = 1000, .thread = 13}), first);
  EXPECT_NE(delete_as({.uid = 1000, .thread = 20}), first);
}

TEST_F(SessionsTest, OneProcessUnderAnotherUserIsAnotherSession) {
  EXPECT_NE(delete_as({.uid = 1000, .thread = 10}), delete_as({.uid = 1001, .thread = 10}));
}

TEST_F(SessionsTest, HiddenProcessesOfOneUserShareASession) {
  const SessionId first = delete_as({.uid = 1000});
  EXPECT_EQ(delete_as({.uid = 1000}), first);
  EXPECT_NE(delete_as({.uid = 1001}), first);
  EXPECT_NE(delete_as({.uid = 1000, .thread = 10}), first);
}

TEST_F(SessionsTest, ASessionOutlivesTheFileSystem) {
  const SessionId first = delete_as({.uid = 1000, .thread = 10});
  volume_.reopen();
  EXPECT_EQ(delete_as({.uid = 1000, .thread = 10}), first);
}

}  // namespace
}  // namespace reprieve::test
