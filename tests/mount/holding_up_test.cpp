// SPDX-License-Identifier: Apache-2.0
// A program that lists a directory and does not go on holds locks of its mount's kernel for as long as it likes. Nobody
// else may come to wait for it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <set>
#include <string>

#include "tests/mount/held_listing.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/directory_names.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

class HoldingUp : public SharingTest {
 protected:
  void SetUp() override {
    SharingTest::SetUp();
    if (IsSkipped() || !daemon_) return;
    run_as(kAda, "cd '" + projects(kAda).string() + "' && mkdir -p P/a P/b P/c");
    run_as(kBob, "cd '" + projects(kBob).string() + "' && mkdir -p Q/a Q/b Q/c");
  }

  // What `act` returns, or -1 where it waits for the listing, which is ended then.
  static int while_held(HeldListing& listing, const std::function<int()>& act) {
    auto result = std::async(std::launch::async, act);
    const bool done = result.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    EXPECT_TRUE(done) << "it waits for the program that lists";
    if (!done) listing.release();
    return done ? result.get() : -1;
  }
};

TEST_F(HoldingUp, AViewerWhoReadsACachedListingDoesNotKeepTheOwnerFromItsDirectory) {
  share("P", "viewer");
  const fs::path shared = projects(kBob) / "P";
  std::set<std::string> names = names_in(shared);  // from the page cache then
  HeldListing listing(shared);
  for (const std::string name : {"d", "e", "f"}) {
    const auto make = [&] { return ::mkdir((projects(kAda) / "P" / name).c_str(), 0755); };
    EXPECT_EQ(while_held(listing, make), 0);
    names.insert(name);
    EXPECT_EQ(names_in(projects(kAda) / "P"), names);
  }
  listing.release();
  EXPECT_EQ(names_in(shared), names);
}

TEST_F(HoldingUp, WhoListsItsOwnDirectoryHoldsUpNeitherTheSocketNorTheDaemonsEnd) {
  HeldListing listing(projects(kAda) / "P");
  const auto trash = [&](uid_t user, const fs::path& path) {
    return while_held(listing, [&] { return ctl_as(user, {"trash", "--yes", path}).exit_code; });
  };
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_EQ(trash(kAda, projects(kAda) / "P" / name), 0);
    EXPECT_EQ(trash(kBob, projects(kBob) / "Q" / name), 0);
    EXPECT_EQ(names_in(projects(kBob) / "Q").count(name), 0U);
    EXPECT_EQ(while_held(listing, [&] { return daemon_->ctl({"ping"}).exit_code; }), 0);
  }
  EXPECT_EQ(while_held(listing, [&] { return daemon_->stop(); }), 0) << daemon_->log();
  EXPECT_FALSE(is_mount_point(mount(kAda)));
  listing.release();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
}

}  // namespace
}  // namespace reprieve::test
