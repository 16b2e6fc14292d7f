// SPDX-License-Identifier: Apache-2.0
// reprieved --rebuild-metadata with the whole daemon.
#include <gmock/gmock.h>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

class RebuildThroughDaemon : public MountTest {
 protected:
  [[nodiscard]] CommandResult rebuild() const {
    return run({REPRIEVED_PATH, "--store", daemon_->store(), "--rebuild-metadata"});
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
  for (const char* name : {"metadata.db", "metadata.db-wal", "backups"})
    std::filesystem::remove_all(daemon_->store() / name);
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

}  // namespace
}  // namespace reprieve::test
