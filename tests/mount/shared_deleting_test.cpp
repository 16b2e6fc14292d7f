// SPDX-License-Identifier: Apache-2.0
// Who deletes what it does not own: with stock programs, on real mounts of real users.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/mount/sharing_test.h"
#include "tests/support/tree_snapshot.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SharedDeleting : public SharingTest {
 protected:
  std::string owner_view() const { return view(kAda, projects(kAda)); }
  void make_project(const std::string& name) const {
    run_as(kAda,
           "cd '" + projects(kAda).string() + "' && mkdir " + name + " && cd " + name +
               " && mkdir -p samples/s a/b/c && for i in 1 2 3; do echo $i > a/b/c/$i; echo $i > samples/s/$i; done"
               " && ln a/b/c/1 a/hard && ln -s hard a/soft");
  }
  std::string bob(const std::string& line) const {
    return run_as(kBob, "cd '" + projects(kBob).string() + "' && " + line);
  }
  std::string ls(uid_t user, const std::string& below = "") const {
    return run_as(user, "cd '" + projects(user).string() + "' && ls -A ./" + below);
  }
};

TEST_F(SharedDeleting, RmOfTenSharesLeavesTenAndTouchesNothing) {
  for (int i = 0; i < 10; ++i) {
    make_project("P" + std::to_string(i));
    share("P" + std::to_string(i), "viewer");
  }
  const std::string before = owner_view();
  const CommandResult removed = as(kBob, "cd '" + mount(kBob).string() + "' && rm -rf projects/*");
  EXPECT_EQ(removed.exit_code, 0) << removed.describe();
  EXPECT_EQ(removed.err, "");
  EXPECT_EQ(ls(kBob), "");
  EXPECT_EQ(owner_view(), before);
  for (const uid_t user : {kAda, kBob}) {
    EXPECT_EQ(ctl_as(user, {"list", "--json"}).out, "[]\n");
    EXPECT_EQ(run_as(user, "ls -A '" + trash(user).string() + "'"), "");
  }
  const std::string left = ctl_as(kBob, {"history", "--event", "leave", "--json"}).out;
  std::size_t leaves = 0;
  for (std::size_t at = 0; (at = left.find("\"leave\"", at)) != std::string::npos; ++at) ++leaves;
  EXPECT_EQ(leaves, 10U) << left;

  const CommandResult undone = ctl_as(kBob, {"undo"});
  EXPECT_EQ(undone.exit_code, 0) << undone.describe();
  EXPECT_EQ(ls(kBob), ls(kAda));
  EXPECT_EQ(bob("cat P3/a/b/c/2"), "2\n");
  // What rm saw dying is alive again, also to the kernel.
  EXPECT_NE(as(kBob, "cd '" + projects(kBob).string() + "' && touch P3/new").exit_code, 0);
}

TEST_F(SharedDeleting, EveryProgramHidesOneDirectory) {
  const std::vector<std::string> lines{
      "rm -rf P/a", "find P/a -delete", "mv P/a ../.trash/", "python3 -c 'import shutil; shutil.rmtree(\"P/a\")'",
      "unlink P/a/soft && rm P/a/hard P/a/b/c/* && rmdir -p P/a/b/c 2>/dev/null; true"};
  for (const std::string& line : lines) {
    SCOPED_TRACE(line);
    make_project("P");
    share("P", "editor");
    const std::string before = owner_view();
    bob(line);
    EXPECT_THAT(ls(kBob, "P"), Not(HasSubstr("a\n")));
    EXPECT_EQ(owner_view(), before);
    EXPECT_EQ(ctl_as(kBob, {"list", "--json"}).out, "[]\n");
    ASSERT_EQ(ctl_as(kAda, {"unshare", projects(kAda) / "P", "bob"}).exit_code, 0);
    run_as(kAda, "rm -r '" + (projects(kAda) / "P").string() + "'");
  }
}

TEST_F(SharedDeleting, WhatIsHiddenComesBackByUndo) {
  make_project("P");
  share("P", "viewer");
  bob("rm -rf P/a P/samples/s/1");
  EXPECT_EQ(ls(kBob, "P/samples/s"), "2\n3\n");
  EXPECT_EQ(bob("ls -A P | grep -x a || echo none"), "none\n");
  // The end of rm is noticed after it, and only then there is something to undo.
  EXPECT_TRUE(wait_until([&] { return ctl_as(kBob, {"undo"}).exit_code == 0; }));
  EXPECT_EQ(ls(kBob, "P/samples/s"), "1\n2\n3\n");
  EXPECT_EQ(bob("cat P/a/b/c/1"), "1\n");
}

TEST_F(SharedDeleting, AnInterruptedRmLeavesNoTrace) {
  make_project("P");
  share("P", "viewer");
  const std::string before = bob("find P | sort");
  // Deletes as rm -r does, from the leaves up, and is killed half-way.
  bob("python3 -c 'import os,signal; [os.unlink(\"P/a/b/c/%d\" % i) for i in (1,2,3)]; os.rmdir(\"P/a/b/c\");"
      " os.rmdir(\"P/a/b\"); os.unlink(\"P/a/hard\"); os.kill(os.getpid(), signal.SIGKILL)'; true");
  EXPECT_TRUE(wait_until([&] { return bob("find P | sort") == before; }));
  bob("python3 -c 'import os,sys; os.unlink(\"P/a/hard\"); sys.exit(130)'; true");
  EXPECT_TRUE(wait_until([&] { return bob("find P | sort") == before; }));
  EXPECT_EQ(ctl_as(kBob, {"undo"}).exit_code, 1);
}

// How a process ended is told to the daemon, which may not trace it, when its parent has waited for it.
TEST_F(SharedDeleting, AnInterruptedRmLeavesNoTraceThoughItsParentLooksLate) {
  make_project("P");
  share("P", "viewer");
  const std::string before = bob("find P | sort");
  bob("python3 -c 'import os,signal,time\n"
      "child = os.fork()\n"
      "if child == 0: os.unlink(\"P/a/hard\"); os.kill(os.getpid(), signal.SIGKILL)\n"
      "os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT); time.sleep(0.3); os.waitpid(child, 0)'");
  EXPECT_TRUE(wait_until([&] { return bob("find P | sort") == before; }));
  EXPECT_EQ(ctl_as(kBob, {"undo"}).exit_code, 1);
}

TEST_F(SharedDeleting, HiddenStaysHiddenOverARestart) {
  make_project("P");
  share("P", "viewer");
  bob("rm -rf P/a");
  ASSERT_TRUE(wait_until([&] { return ctl_as(kBob, {"history", "--event", "hide", "--json"}).out.size() > 20; }));
  ASSERT_TRUE(daemon_->restart());
  std::filesystem::permissions(daemon_->socket(), std::filesystem::perms(0666));
  EXPECT_EQ(bob("ls -A P"), "analyses\nsamples\n");
}

TEST_F(SharedDeleting, EditorsDeleteWhatTheyMade) {
  make_project("P");
  share("P", "editor");
  bob("mkdir P/made && echo x > P/made/x && echo y > P/a/y");
  run_as(kAda, "echo z > '" + (projects(kAda) / "P/made/z").string() + "'");
  bob("rm -r P/made && rm P/a/y");
  EXPECT_EQ(as(kAda, "ls '" + (projects(kAda) / "P/made").string() + "'").exit_code, 2);
  EXPECT_EQ(run_as(kBob, "ls -A '" + trash(kBob).string() + "'"), "y\n");
  // With what the owner made in it.
  EXPECT_EQ(run_as(kAda, "ls -A '" + trash(kAda).string() + "'"), "made\n");
  run_as(kAda, "mv '" + (trash(kAda) / "made").string() + "' '" + (projects(kAda) / "P").string() + "/'");
  EXPECT_EQ(run_as(kAda, "cat '" + (projects(kAda) / "P/made/z").string() + "'"), "z\n");
}

TEST_F(SharedDeleting, WhatAnEditorReplacesIsInTheOwnersTrash) {
  make_project("P");
  share("P", "editor");
  bob("echo new > P/new && mv -f P/new P/a/b/c/1");
  EXPECT_EQ(run_as(kAda, "cat '" + (projects(kAda) / "P/a/b/c/1").string() + "'"), "new\n");
  EXPECT_EQ(run_as(kAda, "cat '" + (trash(kAda) / "1").string() + "'"), "1\n");
  EXPECT_EQ(run_as(kBob, "ls -A '" + trash(kBob).string() + "'"), "");
  EXPECT_THAT(ctl_as(kAda, {"list", "--json"}).out, HasSubstr("\"deletedBy\":{\"account\":\"bob\""));
}

TEST_F(SharedDeleting, TheOwnersTrashTakesItFromAllAndARestoreBringsItBack) {
  make_project("P");
  share("P", "editor");
  const int file = ::open((projects(kBob) / "P/a/b/c/2").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(file, 0);
  run_as(kAda, "rm -r '" + (projects(kAda) / "P").string() + "'");
  EXPECT_EQ(ls(kBob), "");
  EXPECT_EQ(as(kBob, "cat '" + (projects(kBob) / "P/a/b/c/2").string() + "'").exit_code, 1);
  // Who has it open goes on.
  struct stat status {};
  EXPECT_EQ(::fstat(file, &status), 0);
  EXPECT_EQ(::pwrite(file, "more", 4, 0), 4);
  ::close(file);
  bob("mkdir P");
  EXPECT_EQ(ctl_as(kAda, {"restore", "--all"}).exit_code, 0);
  EXPECT_EQ(ls(kBob), "P\nP~2\n");
  EXPECT_EQ(bob("cat P~2/a/b/c/2"), "more");
}

TEST_F(SharedDeleting, AnUnsharedItemIsGoneAtOnceAlsoForWhoIsInIt) {
  make_project("P");
  share("P", "viewer");
  const int held = ::open((projects(kBob) / "P/a").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(held, 0);
  ASSERT_EQ(ctl_as(kAda, {"unshare", projects(kAda) / "P", "bob"}).exit_code, 0);
  EXPECT_EQ(ls(kBob), "");
  EXPECT_LT(::openat(held, "hard", O_RDONLY | O_CLOEXEC), 0);
  ::close(held);
}

}  // namespace
}  // namespace reprieve::test
