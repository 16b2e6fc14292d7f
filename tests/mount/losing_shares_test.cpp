// SPDX-License-Identifier: Apache-2.0
// What is left of a share that ended, or of a role that changed, to who still holds something of it; and what share
// says when it cannot be.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/file_descriptor.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

int code(std::int64_t result) { return result < 0 ? errno : 0; }

class LosingShares : public SharingTest {
 protected:
  void SetUp() override {
    SharingTest::SetUp();
    if (IsSkipped()) return;
    run_as(kAda, "cd '" + projects(kAda).string() +
                     "' && mkdir -p P/d && cd P && echo old > file && ln -s secret link && "
                     "setfattr -n user.note -v kept file && setfattr -n user.note -v kept d");
  }
  [[nodiscard]] std::filesystem::path adas(const std::string& name) const { return projects(kAda) / "P" / name; }
  [[nodiscard]] std::filesystem::path bobs(const std::string& name) const { return projects(kBob) / "P" / name; }
  void set_role(const std::string& role) const { share("P", role); }
  // The three ways by which a collaborator loses what is shared with it.
  [[nodiscard]] std::vector<std::pair<std::string, std::function<void()>>> ends() const {
    return {{"unshared",
             [this] {
               EXPECT_EQ(ctl_as(kAda, {"unshare", adas("."), "bob"}).exit_code, 0);
             }},
            {"left",
             [this] {
               EXPECT_EQ(ctl_as(kBob, {"trash", "--yes", bobs(".")}).exit_code, 0);
             }},
            {"trashed", [this] { run_as(kAda, "rm -r '" + projects(kAda).string() + "/P'"); }}};
  }
  void begin_again() {
    ctl_as(kAda, {"restore", "--all"});
    set_role("editor");
    ASSERT_TRUE(std::filesystem::exists(bobs("file")));
  }
};

TEST_F(LosingShares, NothingIsToldOfWhatIsHeldByNumberAlone) {
  for (const auto& [name, end] : ends()) {
    SCOPED_TRACE(name);
    begin_again();
    std::vector<FileDescriptor> held;
    for (const char* below : {"file", "d", "link"}) {
      held.emplace_back(::open(bobs(below).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
      ASSERT_TRUE(held.back()) << below;
    }
    held.emplace_back(::open(bobs("d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    end();
    for (const FileDescriptor& each : held) {
      struct stat status {};
      EXPECT_EQ(code(::fstatat(each.get(), "", &status, AT_EMPTY_PATH)), ESTALE);
    }
    std::array<char, 256> value{};
    for (const std::size_t i : {0U, 1U}) {
      const std::string path = "/proc/self/fd/" + std::to_string(held[i].get());
      EXPECT_EQ(code(::getxattr(path.c_str(), "user.note", value.data(), value.size())), ESTALE);
      EXPECT_EQ(code(::getxattr(path.c_str(), "user.reprieve.owner", value.data(), value.size())), ESTALE);
      EXPECT_EQ(code(::listxattr(path.c_str(), value.data(), value.size())), ESTALE);
      EXPECT_NE(code(::setxattr(path.c_str(), "user.new", "x", 1, 0)), 0);
      EXPECT_NE(code(::removexattr(path.c_str(), "user.note")), 0);
      EXPECT_NE(code(::chmod(path.c_str(), 0777)), 0);
      EXPECT_NE(code(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0);
    }
    EXPECT_EQ(code(::truncate(("/proc/self/fd/" + std::to_string(held[0].get())).c_str(), 0)), ESTALE);
    EXPECT_EQ(code(::readlinkat(held[2].get(), "", value.data(), value.size())), ESTALE);
    EXPECT_EQ(code(::openat(held[3].get(), "none", O_RDONLY | O_CLOEXEC)), ESTALE);
    EXPECT_EQ(code(::mkdirat(held[3].get(), "new", 0755)), ESTALE);
  }
  begin_again();
  EXPECT_EQ(read_file(adas("file")), "old\n");
}

TEST_F(LosingShares, WhatIsOpenIsReadOnAndNotWritten) {
  for (const auto& [name, end] : ends()) {
    SCOPED_TRACE(name);
    begin_again();
    const FileDescriptor reader(::open(bobs("file").c_str(), O_RDONLY | O_CLOEXEC));
    const FileDescriptor writer(::open(bobs("file").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(reader && writer);
    ASSERT_EQ(::pwrite(writer.get(), "old", 3, 0), 3);
    end();
    std::array<char, 16> bytes{};
    EXPECT_EQ(::pread(reader.get(), bytes.data(), bytes.size(), 0), 4);
    EXPECT_EQ(::pread(writer.get(), bytes.data(), bytes.size(), 0), 4);
    struct stat status {};
    EXPECT_EQ(code(::fstat(reader.get(), &status)), 0);
    EXPECT_EQ(status.st_size, 4);
    // In its owner's trash a file goes on being written by who has it open, as on any disk.
    const int expected = name == "trashed" ? 0 : ESTALE;
    EXPECT_EQ(code(::pwrite(writer.get(), "old", 3, 0)), expected);
    EXPECT_EQ(code(::fallocate(writer.get(), FALLOC_FL_KEEP_SIZE, 0, 10)), expected);
    EXPECT_EQ(code(::ftruncate(writer.get(), 4)), expected);
    EXPECT_EQ(code(::fchmod(writer.get(), 0644)), expected);
  }
  begin_again();
  EXPECT_EQ(read_file(adas("file")), "old\n");
}

TEST_F(LosingShares, AChangedRoleCountsForTheNextCallAlsoOfWhatIsOpen) {
  set_role("viewer");
  const auto open_to_write = [&] {
    return errno_as(kBob, [&] { return code(::open(bobs("file").c_str(), O_WRONLY | O_CLOEXEC)); });
  };
  EXPECT_EQ(open_to_write(), EACCES);
  set_role("editor");
  EXPECT_EQ(open_to_write(), 0);
  const FileDescriptor held(::open(bobs("file").c_str(), O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(code(::pwrite(held.get(), "1", 1, 0)), 0);
  set_role("viewer");
  EXPECT_EQ(code(::pwrite(held.get(), "2", 1, 0)), EACCES);
  EXPECT_EQ(code(::ftruncate(held.get(), 0)), EACCES);
  EXPECT_EQ(open_to_write(), EACCES);
  set_role("editor");
  EXPECT_EQ(code(::pwrite(held.get(), "3", 1, 0)), 0);
  EXPECT_EQ(read_file(adas("file")), "3ld\n");
}

TEST_F(LosingShares, OwnerAndEditorAppendTogetherAndLoseNothing) {
  set_role("editor");
  const std::string loop = "for i in $(seq 300); do echo 0123456789abcde >> ";
  const std::string line =
      loop + "'" + adas("log").string() + "'; done & " + loop + "'" + bobs("log").string() + "'; done; wait";
  run_as(kAda, "touch '" + adas("log").string() + "'");
  ASSERT_EQ(shell(line).exit_code, 0);
  struct stat status {};
  ASSERT_EQ(::stat(adas("log").c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 600 * 16);
}

TEST_F(LosingShares, ShareSaysWhatIsWrong) {
  set_role("editor");
  run_as(kAda, "mkdir '" + projects(kAda).string() + "/T' && rm -r '" + projects(kAda).string() + "/T'");
  run_as(kBob, "mkdir '" + projects(kBob).string() + "/own'");
  struct Case {
    uid_t user;
    std::vector<std::string> arguments;
    int exit_code;
    std::string told;
  };
  const std::string path = adas(".");
  const std::vector<Case> cases{
      {kAda, {"share", path, "ada", "--role", "viewer"}, 1, "it belongs to the account \"ada\""},
      {kAda, {"share", path, "nobody-here", "--role", "viewer"}, 1, "there is no account \"nobody-here\""},
      {kAda, {"share", path, "bob", "--role", "boss"}, 2, "role"},
      {kAda, {"share", path, "bob"}, 0, "as viewer"},
      {kAda, {"share", adas("d"), "bob", "--role", "viewer"}, 1, "only whole projects and runs are shared"},
      {kAda, {"share", adas("file"), "bob", "--role", "viewer"}, 1, "only whole projects and runs are shared"},
      {kAda, {"share", projects(kAda), "bob", "--role", "viewer"}, 1, "only whole projects and runs are shared"},
      {kAda, {"share", mount(kAda), "bob", "--role", "viewer"}, 1, "root"},
      {kAda, {"share", projects(kAda) / "none", "bob", "--role", "viewer"}, 1, "projects/none does not exist"},
      {kAda, {"share", trash(kAda) / "T", "bob", "--role", "viewer"}, 1, "trash"},
      {kBob, {"share", bobs("."), "eve", "--role", "viewer"}, 1, "only the owner shares it"},
      {kBob, {"share", adas("."), "eve", "--role", "viewer"}, 1, ""},
      {kBob, {"unshare", bobs("."), "ada"}, 1, "only the owner shares it"},
      {kAda, {"unshare", path, "eve"}, 1, "it is not shared with the account \"eve\""},
      {kAda, {"unshare", path, "ada"}, 1, "it belongs to the account \"ada\""},
      {kAda, {"share", path, "eve", "--role", "viewer"}, 0, "shared projects/P with eve as viewer, P there"},
      {kAda, {"share", path, "eve", "--role", "viewer"}, 0, "as viewer"},
      {kAda, {"share", path, "eve", "--role", "editor"}, 0, "as editor"},
      {kBob, {"share", projects(kBob) / "own", "ada", "--role", "viewer"}, 0, "own there"},
  };
  for (const Case& each : cases) {
    const CommandResult result = ctl_as(each.user, each.arguments);
    std::string line;
    for (const std::string& argument : each.arguments) line += argument + " ";
    EXPECT_EQ(result.exit_code, each.exit_code) << line << result.describe();
    EXPECT_THAT(result.out + result.err, HasSubstr(each.told)) << line;
  }
}

TEST_F(LosingShares, ANameThatIsTakenGetsANumberAndKeepsIt) {
  run_as(kBob, "mkdir '" + projects(kBob).string() + "/P'");
  const CommandResult shared = ctl_as(kAda, {"share", adas("."), "bob", "--role", "viewer"});
  EXPECT_THAT(shared.out, HasSubstr("P~2 there"));
  run_as(kBob, "rmdir '" + projects(kBob).string() + "/P'");
  // The same under the name that it has, whatever became free.
  EXPECT_THAT(ctl_as(kAda, {"share", adas("."), "bob", "--role", "editor"}).out, HasSubstr("P~2 there"));
  EXPECT_EQ(run_as(kBob, "ls '" + projects(kBob).string() + "'"), "P~2\n");
  // Who left and is asked again has it again.
  run_as(kBob, "rm -r '" + (projects(kBob) / "P~2").string() + "'");
  EXPECT_EQ(run_as(kBob, "ls '" + projects(kBob).string() + "'"), "");
  EXPECT_EQ(ctl_as(kAda, {"share", adas("."), "bob", "--role", "viewer"}).exit_code, 0);
  EXPECT_EQ(run_as(kBob, "ls '" + projects(kBob).string() + "'"), "P~2\n");
}

TEST_F(LosingShares, ChangesOfStateAreInTheHistory) {
  set_role("viewer");
  set_role("editor");
  EXPECT_EQ(ctl_as(kAda, {"unshare", adas("."), "bob"}).exit_code, 0);
  run_as(kAda, "mkdir '" + (mount(kAda) / "runs/R").string() + "'");
  EXPECT_EQ(ctl_as(kAda, {"status", mount(kAda) / "runs/R", "complete"}).exit_code, 0);
  EXPECT_EQ(daemon_->ctl({"account", "set", "ada", "--quota", "1G"}).exit_code, 0);
  EXPECT_EQ(daemon_->ctl({"account", "add", "zoe", "--uid", "30009", "--gid", "30009"}).exit_code, 0);
  EXPECT_EQ(daemon_->ctl({"account", "remove", "zoe"}).exit_code, 0);
  const std::string all = daemon_->ctl({"history", "--json"}).out;
  for (const char* told : {"with bob as viewer", "with bob as editor", "from bob", "\"complete\"",
                           "ada: quota 1073741824 bytes", "account_add", "account_remove", "the daemon has started"})
    EXPECT_THAT(all, HasSubstr(told));
}

}  // namespace
}  // namespace reprieve::test
