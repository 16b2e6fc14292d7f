// SPDX-License-Identifier: Apache-2.0
// reprieved --rebuild-metadata with the whole daemon.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

class RebuildThroughDaemon : public MountTest {
 protected:
  [[nodiscard]] CommandResult rebuild(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command{REPRIEVED_PATH, "--store", daemon_->store(), "--rebuild-metadata"};
    command.insert(command.end(), more.begin(), more.end());
    return run(command);
  }
  void lose_metadata() const {
    for (const char* name : {"metadata.db", "metadata.db-wal", "backups"})
      std::filesystem::remove_all(daemon_->store() / name);
  }
};

TEST_F(RebuildThroughDaemon, BringsTreeTrashAndSharesBack) {
  make_rich_tree(project() / "tree");
  make_rich_tree(project() / "deleted");
  succeed({"rm", "-r", project() / "deleted"});
  ctl({"account", "add", "bob", "--uid", "30002", "--gid", "30002"});
  ctl({"share", "projects/P", "bob", "--role", "editor"});
  const TreeSnapshot live = snapshot(project() / "tree");
  const TreeSnapshot trashed = snapshot(trash() / "deleted");
  ctl({"backup"});
  // Recorded with the backup, and again when the daemon stops.
  succeed({"mv", project() / "tree", project() / "renamed"});
  ASSERT_EQ(daemon_->stop(), 0);
  EXPECT_EQ(rebuild().exit_code, 1);  // the database is there
  lose_metadata();
  const CommandResult rebuilt = rebuild();
  ASSERT_EQ(rebuilt.exit_code, 0) << rebuilt.describe();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();

  EXPECT_EQ(differences(live, snapshot(project() / "renamed")), "");
  EXPECT_EQ(differences(trashed, snapshot(trash() / "deleted")), "");
  EXPECT_EQ(items().size(), 1U);
  EXPECT_THAT(ctl({"account", "list"}).out, HasSubstr("30002"));
  EXPECT_THAT(http("GET", "/v1/shares?account=lab").text, HasSubstr("bob"));
  EXPECT_EQ(names_in(mount() / "projects"), std::vector<std::string>{"P"});
}

// Whoever moves the database away alone has its last changes in the log that stays.
TEST_F(RebuildThroughDaemon, ALogThatWasLeftBehindIsKept) {
  ctl({"backup"});
  write_file(project() / "late", "bytes");
  succeed({"sync", project() / "late"});
  daemon_->kill();
  const auto& store = daemon_->store();
  const auto aside = directory_.path() / "aside.db";
  std::filesystem::rename(store / "metadata.db", aside);
  const std::string log = read_file(store / "metadata.db-wal");
  ASSERT_FALSE(log.empty());
  const CommandResult refused = rebuild();
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_THAT(refused.err, HasSubstr("metadata.db-wal is there without its database"));
  const CommandResult restore = run({REPRIEVED_PATH, "--store", store, "--restore-metadata", aside});
  EXPECT_EQ(restore.exit_code, 1) << restore.describe();
  EXPECT_EQ(read_file(store / "metadata.db-wal"), log);

  std::filesystem::rename(store / "metadata.db-wal", aside.string() + "-wal");
  succeed({REPRIEVED_PATH, "--store", store, "--restore-metadata", aside});
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(read_file(project() / "late"), "bytes");
}

TEST_F(RebuildThroughDaemon, IsCheckedAfterwardsWhereThatIsAsked) {
  make_rich_tree(project() / "tree");
  ASSERT_EQ(daemon_->stop(), 0);
  EXPECT_EQ(rebuild({"--check"}).exit_code, 1);  // the database is there
  lose_metadata();
  EXPECT_EQ(run({REPRIEVED_PATH, "--store", daemon_->store(), "--check"}).exit_code, 1);
  const CommandResult rebuilt = rebuild({"--check", "--json"});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.describe();
  EXPECT_EQ(boost::json::parse(rebuilt.out).at("found"), 0);
  EXPECT_THAT(rebuilt.err, HasSubstr("is made from"));
  lose_metadata();
  const CommandResult again = run({REPRIEVED_PATH, "--store", daemon_->store(), "--check", "--rebuild"});
  EXPECT_EQ(again.exit_code, 0) << again.describe();
  EXPECT_THAT(again.out, HasSubstr("is made from"));
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

}  // namespace
}  // namespace reprieve::test
