// SPDX-License-Identifier: Apache-2.0
// What each process of the running daemon may still do.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "core/base/sanitized.h"
#include "daemon/system_call_filter.h"
#include "tests/support/daemon_process.h"
#include "tests/support/descriptor_holder.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

// CAP_CHOWN, CAP_DAC_READ_SEARCH and CAP_SYS_ADMIN, as proc_pid_status(5) shows them.
constexpr const char* kThree = "0000000000200005";
constexpr const char* kNone = "0000000000000000";

std::map<std::string, std::string> status_of(const std::filesystem::path& process) {
  std::map<std::string, std::string> fields;
  std::ifstream file(process / "status");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(":\t");
    if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return fields;
}

std::filesystem::path process(pid_t pid) { return "/proc/" + std::to_string(pid); }

struct Rights {
  const char* effective;
  const char* permitted;
};

// Of every thread.
void expect_confined(pid_t pid, const Rights& rights) {
  ASSERT_GT(pid, 0);
  std::size_t threads = 0;
  for (const auto& thread : std::filesystem::directory_iterator(process(pid) / "task")) {
    auto fields = status_of(thread.path());
    ++threads;
    SCOPED_TRACE(fields["Name"]);
    EXPECT_EQ(fields["Seccomp"], "2");
    EXPECT_EQ(fields["NoNewPrivs"], "1");
    EXPECT_EQ(fields["CapEff"], rights.effective);
    EXPECT_EQ(fields["CapPrm"], rights.permitted);
    EXPECT_EQ(fields["CapBnd"], kThree);
    EXPECT_EQ(fields["CapInh"], kNone);
    EXPECT_EQ(fields["CapAmb"], kNone);
  }
  EXPECT_GT(threads, 0U);
}

// How many filters each of its system calls has to pass.
int filters_of(pid_t pid) { return std::stoi(status_of(process(pid))["Seccomp_filters"]); }

// A herald has one more than it took over, but under a sanitizer, whose runtime makes calls of its own.
void expect_confined_herald(pid_t herald, pid_t daemon) {
  expect_confined(herald, {.effective = kNone, .permitted = kNone});
  const int wanted = filters_of(daemon) + (kSanitized ? 0 : 1);
  EXPECT_TRUE(wait_until([&] { return filters_of(herald) == wanted; })) << filters_of(herald);
}

pid_t herald_of(pid_t daemon) {
  pid_t herald = -1;
  // It takes its name and gives its rights up soon after the fork.
  static_cast<void>(wait_until([&] {
    for (const auto& thread : std::filesystem::directory_iterator(process(daemon) / "task")) {
      std::ifstream children(thread.path() / "children");
      for (pid_t child = 0; children >> child;) {
        if (status_of(process(child))["Name"] == "reprieve-herald") herald = child;
      }
    }
    return herald > 0 && status_of(process(herald))["CapPrm"] == kNone;
  }));
  return herald;
}

// A herald is started when there is something to tell.
void have_something_told(const DaemonProcess& daemon) {
  std::filesystem::create_directory(daemon.mount() / "projects/P");
  const CommandResult trashed = daemon.ctl({"trash", "--yes", "projects/P"});
  EXPECT_EQ(trashed.exit_code, 0) << trashed.describe();
}

class Confined : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_mounts(); !why.empty()) GTEST_SKIP() << why;
  }
  TemporaryDirectory directory_;
};

TEST_F(Confined, TheDaemonAndItsHerald) {
  DaemonProcess daemon(directory_.path());
  ASSERT_TRUE(daemon.start()) << daemon.log();
  expect_confined(daemon.pid(), {.effective = kThree, .permitted = kThree});
  have_something_told(daemon);
  expect_confined_herald(herald_of(daemon.pid()), daemon.pid());
  EXPECT_THAT(daemon.log(), ::testing::HasSubstr("capabilities: chown, dac_read_search, sys_admin\n"));
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();
}

TEST_F(Confined, TheSupervisorAndWhatItStarts) {
  DaemonProcess daemon(directory_.path(), {.arguments = {"--supervise"}});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  expect_confined(daemon.pid(), {.effective = kNone, .permitted = kThree});
  for (int round = 0; round < 2; ++round) {
    const pid_t serving = daemon.serving_pid();
    expect_confined(serving, {.effective = kThree, .permitted = kThree});
    have_something_told(daemon);
    expect_confined_herald(herald_of(serving), serving);
    ::kill(serving, SIGKILL);
    ASSERT_TRUE(wait_until([&] { return daemon.serving_pid() > 0 && daemon.serving_pid() != serving; }));
    ASSERT_EQ(daemon.ctl({"ping"}).exit_code, 0);  // which waits for the next one to be ready
    ASSERT_TRUE(std::filesystem::exists(daemon.mount() / "projects"));
  }
  EXPECT_EQ(daemon.stop(), 0) << daemon.log();
  EXPECT_FALSE(is_mount_point(daemon.mount()));
}

// The supervisor has to unmount what nobody serves any more.
TEST_F(Confined, TheSupervisorTakesMountsAway) {
  DaemonProcess daemon(directory_.path(), {.arguments = {"--supervise"}});
  ASSERT_TRUE(daemon.start()) << daemon.log();
  // What cannot be opened again is what the next daemon ends of.
  std::filesystem::rename(daemon.store(), directory_.path() / "elsewhere");
  std::ofstream(daemon.store()) << "a file";
  ::kill(daemon.serving_pid(), SIGKILL);
  EXPECT_EQ(daemon.wait(), 1) << daemon.log();
  EXPECT_FALSE(is_mount_point(daemon.mount())) << daemon.log();
}

// The errno of each call in a child that is filtered; the number of the first that differs from what it should be.
struct Trial {
  const char* name;
  int wanted;
  std::function<long()> call;
};

int first_wrong(Calls calls, const std::vector<Trial>& trials) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!filter_system_calls(calls)) ::_exit(200);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      errno = 0;
      const long result = trials[i].call();
      if ((result < 0 ? errno : 0) != trials[i].wanted) ::_exit(static_cast<int>(i + 1));
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void expect_all(Calls calls, const std::vector<Trial>& trials) {
  const int wrong = first_wrong(calls, trials);
  if (wrong == 0) return;
  ADD_FAILURE() << (static_cast<std::size_t>(wrong) <= trials.size() ? trials[static_cast<std::size_t>(wrong) - 1].name
                                                                     : "the filter")
                << " (" << wrong << ")";
}

TEST(SystemCallFilter, RefusesWhatTheDaemonNeverDoes) {
  if (kSanitized) GTEST_SKIP() << "sanitizers trace their own process";
  static char program[] = "/bin/true";
  static char* arguments[] = {program, nullptr};
  expect_all(
      {}, {
              {"execve", EPERM, [] { return ::execve(program, arguments, arguments + 1); }},
              {"execveat", EPERM, [] { return ::syscall(SYS_execveat, AT_FDCWD, program, arguments, nullptr, 0); }},
              {"ptrace", EPERM, [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
              {"process_vm_readv", EPERM, [] { return ::syscall(SYS_process_vm_readv, ::getppid(), 0, 0, 0, 0, 0); }},
              {"pidfd_getfd", EPERM, [] { return ::syscall(SYS_pidfd_getfd, 0, 0, 0); }},
              {"bpf", EPERM, [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
              {"keyctl", EPERM, [] { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, 0, 0); }},
              {"userfaultfd", EPERM, [] { return ::syscall(SYS_userfaultfd, 0); }},
              {"perf_event_open", EPERM, [] { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, -1, 0); }},
              {"open_by_handle_at", EPERM, [] { return ::syscall(SYS_open_by_handle_at, AT_FDCWD, nullptr, 0); }},
              {"init_module", EPERM, [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }},
              {"kexec_load", EPERM, [] { return ::syscall(SYS_kexec_load, 0, 0, nullptr, 0); }},
              {"unshare", EPERM, [] { return ::unshare(CLONE_NEWNS); }},
              {"unshare of nothing", EPERM, [] { return ::unshare(0); }},
              {"setns", EPERM, [] { return ::setns(0, 0); }},
              {"clone into a namespace", EPERM,
               [] { return ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0); }},
              {"clone3", ENOSYS, [] { return ::syscall(SYS_clone3, nullptr, 0); }},
              {"open_tree", EPERM, [] { return ::syscall(SYS_open_tree, AT_FDCWD, "/", 0); }},
              {"fsopen", EPERM, [] { return ::syscall(SYS_fsopen, "tmpfs", 0); }},
              {"bind mount", EPERM, [] { return ::mount("/none", "/none", nullptr, MS_BIND, nullptr); }},
              {"remount", EPERM, [] { return ::mount("/none", "/none", nullptr, MS_REMOUNT, nullptr); }},
              {"chroot", EPERM, [] { return ::chroot("/"); }},
              {"setuid", EPERM, [] { return ::syscall(SYS_setuid, ::getuid()); }},
              {"inet socket", EAFNOSUPPORT, [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
              {"netlink socket", EAFNOSUPPORT, [] { return ::socket(AF_NETLINK, SOCK_RAW, 0); }},
              {"io_uring_setup", EPERM, [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
              {"memory that is written and run", EPERM,
               [] {
                 return ::mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                            ? -1L
                            : 0L;
               }},
              {"set-user-ID file", EPERM, [] { return ::chmod("/none", S_ISUID | 0755); }},
              {"new set-user-ID file", EPERM, [] { return ::open("/none", O_CREAT | O_WRONLY, S_ISUID | 0755); }},
              {"mknod", EPERM, [] { return ::mknod("/none", S_IFCHR | 0600, 0); }},
          });
}

TEST(SystemCallFilter, LeavesWhatTheDaemonDoes) {
  expect_all({.programs = Use::needed, .rings = Use::needed},
             {
                 {"memfd_create", 0, [] { return ::memfd_create("x", MFD_CLOEXEC); }},
                 {"pidfd_open", 0, [] { return ::syscall(SYS_pidfd_open, ::getpid(), 0); }},
                 {"unix socket", 0, [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
                 {"a thread", 0,
                  [] {
                    std::thread([] {}).join();
                    return 0L;
                  }},
                 {"fork", 0,
                  [] {
                    const pid_t child = ::fork();
                    if (child == 0) ::_exit(0);
                    return static_cast<long>(::waitpid(child, nullptr, 0));
                  }},
                 {"a mount elsewhere fails by itself", ENOENT,
                  [] { return ::mount("none", "/none/none", "fuse.reprieve", MS_NOSUID | MS_NODEV, "fd=0"); }},
                 {"io_uring_setup", EFAULT, [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
                 {"execve", ENOENT,
                  [] {
                    static char program[] = "/none";
                    static char* arguments[] = {program, nullptr};
                    return ::execve(program, arguments, arguments + 1);
                  }},
                 // Of an open that makes nothing the register for the mode holds anything.
                 {"open with stray bits", 0,
                  [] { return ::syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY, S_ISUID | S_ISGID); }},
             });
}

TEST(SystemCallFilter, LeavesOneThatSomebodyElsesProgramStarts) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!filter_system_calls({.programs = Use::needed})) ::_exit(1);
    ::execl("/bin/sh", "sh", "-c", "exec true", nullptr);
    ::_exit(1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace reprieve::test
