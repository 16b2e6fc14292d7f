// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/sharing_test.h"

#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tests/support/unix_users.h"

namespace reprieve::test {

std::string make_test_users() {
  const std::array users{UnixUser{"reprieve-test-ada", kAda}, UnixUser{"reprieve-test-bob", kBob},
                         UnixUser{"reprieve-test-eve", kEve}};
  return make_unix_users(users);
}

void SharingTest::SetUp() {
  if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
  ASSERT_EQ(make_test_users(), "");
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  {
    DaemonProcess first(directory_.path());
    ASSERT_TRUE(first.start()) << first.log();
    for (const uid_t user : {kAda, kBob, kEve}) {
      const std::string number = std::to_string(user);
      const CommandResult added = first.ctl({"account", "add", name_of(user), "--uid", number, "--gid", number});
      ASSERT_EQ(added.exit_code, 0) << added.describe();
    }
    ASSERT_EQ(first.stop(), 0) << first.log();
  }
  DaemonOptions options{.allow_other = allow_other(), .everyone = true};
  for (const uid_t user : {kAda, kBob, kEve}) {
    std::filesystem::create_directory(mount(user));
    options.configuration += "[[mount]]\naccount = \"" + name_of(user) + "\"\npath = \"" + mount(user).string() +
                             "\"\nallow_other = " + (allow_other() ? "true" : "false") + "\n\n";
  }
  daemon_ = std::make_unique<DaemonProcess>(directory_.path(), options);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

void SharingTest::TearDown() {
  if (!daemon_) return;
  EXPECT_TRUE(daemon_->running()) << daemon_->log();
  EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
}

CommandResult SharingTest::as(uid_t user, const std::string& line) const {
  return shell(line, {.directory = "/", .user = user});
}

std::string SharingTest::run_as(uid_t user, const std::string& line) const {
  const CommandResult result = as(user, line);
  EXPECT_EQ(result.exit_code, 0) << name_of(user) << ": " << line << "\n" << result.describe();
  return result.out;
}

std::string SharingTest::view(uid_t user, const std::filesystem::path& top, Changes changes) const {
  const std::string changed = changes == Changes::of_inodes ? "%C@" : "-";
  return run_as(user, "cd '" + top.string() + "' && find . -printf '%p %i %y %m %U %G %n %s %T@ " + changed +
                          " %l\\n' | sort &&"
                          " find . -type f -print0 | sort -z | xargs -0 sha256sum");
}

CommandResult SharingTest::ctl_as(uid_t user, std::vector<std::string> arguments) const {
  return daemon_->ctl(std::move(arguments), {.directory = "/", .user = user});
}

void SharingTest::share(const std::string& project, const std::string& role) const {
  const CommandResult shared = ctl_as(kAda, {"share", projects(kAda) / project, "bob", "--role", role});
  EXPECT_EQ(shared.exit_code, 0) << shared.describe();
}

int errno_as(uid_t user, const std::function<int()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool dropped =
        ::setgroups(0, nullptr) == 0 && ::setresgid(user, user, user) == 0 && ::setresuid(user, user, user) == 0;
    ::_exit(dropped ? call() : ENOTRECOVERABLE);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return ENOTRECOVERABLE;
  return WEXITSTATUS(status);
}

}  // namespace reprieve::test
