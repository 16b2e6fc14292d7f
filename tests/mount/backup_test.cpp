// SPDX-License-Identifier: Apache-2.0
// reprievectl backup and reprieved --restore-metadata with the whole daemon.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/json/parse.hpp>

#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class BackupThroughDaemon : public MountTest {
 protected:
  [[nodiscard]] CommandResult restore(const std::filesystem::path& file) const {
    return run({REPRIEVED_PATH, "--store", daemon_->store(), "--restore-metadata", file});
  }
  [[nodiscard]] std::filesystem::path back_up() const {
    const CommandResult made = ctl({"backup", "--json"});
    const auto body = boost::json::parse(made.out);
    EXPECT_GT(body.at("inodes").to_number<int>(), 4) << made.out;
    return std::string(body.at("file").as_string());
  }
  [[nodiscard]] std::vector<std::string> backups() const { return names_in(daemon_->store() / "backups"); }
};

TEST_F(BackupThroughDaemon, IsMadeAndPutBack) {
  make_rich_tree(project() / "tree");
  make_rich_tree(project() / "deleted");
  succeed({"rm", "-r", project() / "deleted"});
  ctl({"account", "add", "bob", "--uid", "30002", "--gid", "30002"});
  ctl({"share", "projects/P", "bob", "--role", "editor"});
  write_file(project() / "doomed", "to be destroyed");
  const TreeSnapshot live = snapshot(project() / "tree");
  const TreeSnapshot trashed = snapshot(trash() / "deleted");
  const auto shares = http("GET", "/v1/shares?account=lab").body;
  const std::filesystem::path file = back_up();
  EXPECT_THAT(backups(), SizeIs(1));

  succeed({"rm", "-r", project() / "tree", project() / "doomed"});
  write_file(project() / "newer", "made since");
  ctl({"empty", "--yes", "--wait", "--name", "doomed"});
  EXPECT_EQ(restore(file).exit_code, 1);  // the daemon runs
  EXPECT_THAT(restore(file).err, HasSubstr("in use by another process"));
  ASSERT_EQ(daemon_->stop(), 0);
  const CommandResult restored = restore(file);
  ASSERT_EQ(restored.exit_code, 0) << restored.describe();
  EXPECT_THAT(restored.out, HasSubstr("projects/P/doomed"));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();

  EXPECT_EQ(differences(live, snapshot(project() / "tree")), "");
  EXPECT_EQ(differences(trashed, snapshot(trash() / "deleted")), "");
  EXPECT_EQ(http("GET", "/v1/shares?account=lab").body, shares);
  EXPECT_FALSE(std::filesystem::exists(project() / "doomed"));
  std::string found;
  for (const auto& entry : std::filesystem::directory_iterator(mount() / "projects")) {
    if (!entry.path().filename().string().starts_with("lost+found-")) continue;
    for (const auto& file_in : std::filesystem::directory_iterator(entry.path())) {
      if (file_in.is_regular_file()) found += read_file(file_in.path()) + "|";
    }
  }
  EXPECT_EQ(found, "made since|");
}

TEST_F(BackupThroughDaemon, RefusesWhatIsNone) {
  const std::filesystem::path file = back_up();
  ASSERT_EQ(daemon_->stop(), 0);
  const std::string database = read_file(daemon_->store() / "metadata.db");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 100);
  const CommandResult refused = restore(file);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("checksum"));
  EXPECT_TRUE(read_file(daemon_->store() / "metadata.db") == database);
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

TEST_F(BackupThroughDaemon, LeavesNothingHalfMadeWhenItIsKilled) {
  const std::filesystem::path first = back_up();
  for (int i = 0; i < 20000; ++i)
    ASSERT_EQ(::symlink(std::string(300, 'x').c_str(), (project() / std::to_string(i)).c_str()), 0);
  const auto unfinished = daemon_->store() / "backups/unfinished";
  {
    ChildProcess ctl({REPRIEVECTL_PATH, "--socket", daemon_->socket(), "backup"});
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(unfinished); }));
    daemon_->kill();
  }
  EXPECT_TRUE(std::filesystem::exists(unfinished));
  EXPECT_EQ(backups(), (std::vector<std::string>{first.filename(), "unfinished"}));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(backups(), (std::vector<std::string>{first.filename()}));
  EXPECT_TRUE(std::filesystem::exists(back_up()));
}

class BackupOnFullDisk : public MountTest {
 protected:
  void SetUp() override {
    const auto store = directory_.path() / "store";
    std::filesystem::create_directory(store);
    if (::mount("tmpfs", store.c_str(), "tmpfs", MS_NOSUID, "size=100m") != 0) GTEST_SKIP() << "no tmpfs";
    MountTest::SetUp();
  }
  void TearDown() override {
    if (!IsSkipped()) MountTest::TearDown();
    daemon_.reset();
    ::umount2((directory_.path() / "store").c_str(), MNT_DETACH);
  }
};

TEST_F(BackupOnFullDisk, IsRefusedAndToldAndHoldsUpNothing) {
  ctl({"backup"});
  write_file(project() / "large", std::string(std::size_t{60} << 20, 'x'));
  const CommandResult refused = ctl({"backup"}, 1);
  EXPECT_THAT(refused.err, HasSubstr("free"));
  EXPECT_THAT(ctl({"history", "--event", "backup_failed"}).out, HasSubstr("free"));
  EXPECT_THAT(names_in(directory_.path() / "store/backups"), SizeIs(1));
  write_file(project() / "small", "still works");
  EXPECT_EQ(read_file(project() / "small"), "still works");
}

class BackupsOnAnotherDisk : public MountTest {
 protected:
  void mount_backups(const std::string& options) {
    std::filesystem::create_directory(backups());
    if (::mount("tmpfs", backups().c_str(), "tmpfs", MS_NOSUID, options.c_str()) != 0) GTEST_SKIP() << "no tmpfs";
  }
  void TearDown() override {
    MountTest::TearDown();
    daemon_.reset();
    ::umount2(backups().c_str(), MNT_DETACH);
  }
  [[nodiscard]] std::filesystem::path backups() const { return directory_.path() / "store/backups"; }
};

TEST_F(BackupsOnAnotherDisk, AreRefusedWhereThatHasNoRoom) {
  ASSERT_NO_FATAL_FAILURE(mount_backups("size=32m,mode=0700"));
  if (IsSkipped()) return;
  EXPECT_THAT(ctl({"backup"}, 1).err, HasSubstr("free"));
}

TEST_F(BackupsOnAnotherDisk, AreMadeWhereThatHasRoom) {
  ASSERT_NO_FATAL_FAILURE(mount_backups("size=100m,mode=0700"));
  if (IsSkipped()) return;
  ctl({"backup"});
  EXPECT_THAT(names_in(backups()), SizeIs(1));
}

}  // namespace
}  // namespace reprieve::test
