// SPDX-License-Identifier: Apache-2.0
// What a start makes of rows and blobs that are not of the same moment: no bytes go that no row speaks of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/upkeep/checker.h"
#include "core/upkeep/metadata_restore.h"
#include "tests/support/blob_file.h"
#include "tests/support/store_invariants.h"
#include "tests/support/wait.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Recovery : public ::testing::Test {
 protected:
  Recovery() {
    volume_.mkdir("projects/P");
    volume_.write("projects/P/old", "old");
  }

  [[nodiscard]] fs::path database() const { return volume_.store() / "metadata.db"; }
  [[nodiscard]] fs::path flushed() const { return volume_.store() / "blobs/flushed"; }
  [[nodiscard]] fs::path copy() const { return volume_.directory() / "copy.db"; }
  void copy_database() { fs::copy_file(database(), copy()); }
  // In the place of the one of the closed store.
  void put_copy_back() {
    fs::remove(database().string() + "-wal");
    fs::copy_file(copy(), database(), fs::copy_options::overwrite_existing);
  }

  [[nodiscard]] fs::path blob(InodeId inode) const { return blob_file(volume_.store(), inode); }
  std::string bytes_of(InodeId inode) const {
    std::ostringstream bytes;
    bytes << std::ifstream(blob(inode), std::ios::binary).rdbuf();
    return bytes.str();
  }

  // The blob 1000: its number is reserved for none that these tests make, and in the folder of those.
  static constexpr const char* kBehindAll = "00000000000003e8";

  Result<std::unique_ptr<FileSystem>> try_open() {
    return FileSystem::open(volume_.settings(), volume_.clock(), volume_.processes());
  }
  void expect_refused() {
    const auto before = volume_.blobs();
    const auto opened = try_open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::store_damaged);
    EXPECT_THAT(opened.error().reason, HasSubstr("--restore-metadata"));
    EXPECT_EQ(volume_.blobs(), before);
    const auto checked = check_closed_store(volume_.store(), CheckMode::repair, volume_.clock());
    EXPECT_EQ(refusal(checked), Errc::store_damaged);
    EXPECT_EQ(volume_.blobs(), before);
  }

  Volume volume_;
};

TEST_F(Recovery, RefusesAnEarlierCopyOfTheDatabase) {
  volume_.close();
  copy_database();
  volume_.open();
  const InodeId newer = volume_.write("projects/P/newer", "newer");
  must(volume_.unlink("projects/P/old"));
  volume_.empty();
  volume_.close();
  put_copy_back();
  expect_refused();

  // The way on that the refusal names.
  const RestoredMetadata restored = must(restore_metadata(volume_.store(), database(), volume_.clock().now()));
  EXPECT_EQ(restored.reconciliation.found, 1U);
  EXPECT_THAT(restored.reconciliation.gone, SizeIs(1));
  volume_.open();
  EXPECT_EQ(bytes_of(newer), "newer");
  EXPECT_FALSE(volume_.exists("projects/P/old"));
}

// Nothing was changed by a start in between, which the numbers of blobs could tell.
TEST_F(Recovery, RefusesACopyFromBeforeAFlush) {
  volume_.settings().store.commit_interval = std::chrono::milliseconds(5);
  volume_.reopen();
  const auto noted = [this] {
    std::ostringstream text;
    text << std::ifstream(flushed()).rdbuf();
    return text.str();
  };
  fs::copy(volume_.store(), volume_.directory() / "earlier", fs::copy_options::recursive);
  const InodeId newer = volume_.write("projects/P/newer", "newer");
  // One flush may have been under way.
  for (const char* folder : {"projects/P/d", "projects/P/e"}) {
    const std::string before = noted();
    volume_.mkdir(folder);
    ASSERT_TRUE(wait_until([&] { return noted() != before; }));
  }
  // The daemon is killed.
  fs::copy(volume_.store(), volume_.directory() / "killed", fs::copy_options::recursive);
  volume_.close();
  for (const char* file : {"metadata.db", "metadata.db-wal"}) {
    fs::copy_file(volume_.directory() / "earlier" / file, volume_.directory() / "killed" / file,
                  fs::copy_options::overwrite_existing);
  }
  volume_.settings().store.path = volume_.directory() / "killed";
  expect_refused();
  EXPECT_EQ(bytes_of(newer), "newer");
}

TEST_F(Recovery, TakesTheStoreOfAKilledDaemon) {
  volume_.settings().store.commit_interval = std::chrono::milliseconds(1);
  volume_.reopen();
  for (int i = 0; i < 8; ++i) {
    const std::string file = "projects/P/" + std::to_string(i);
    volume_.write(file, "bytes of " + file);
    if (i % 2 == 0) must(volume_.unlink(file));
    if (i % 4 == 0) volume_.empty();
    const fs::path killed = volume_.directory() / "killed";
    fs::remove_all(killed);
    // The blobs first: flushes go on meanwhile, and a database is never behind what they have noted.
    fs::create_directory(killed);
    fs::copy(volume_.store() / "blobs", killed / "blobs", fs::copy_options::recursive);
    for (const char* name : {"metadata.db", "metadata.db-wal"}) fs::copy_file(volume_.store() / name, killed / name);
    Settings settings = volume_.settings();
    settings.store.path = killed;
    const auto opened = FileSystem::open(settings, volume_.clock(), volume_.processes());
    ASSERT_TRUE(opened) << reason_of(opened.error());
    EXPECT_EQ((*opened)->nameless_blobs(), 0U);
  }
}

// As an earlier version left a store, whose flushes had no numbers.
TEST_F(Recovery, KeepsBytesThatNoRowSpeaksOf) {
  volume_.close();
  copy_database();
  volume_.open();
  const InodeId newer = volume_.write("projects/P/newer", "newer");
  const InodeId empty = volume_.write("projects/P/empty", "");
  const InodeId newest = volume_.write("projects/P/newest", "newest");
  volume_.close();
  put_copy_back();
  fs::remove(flushed());

  for (int start = 0; start < 2; ++start) {
    volume_.open();
    EXPECT_EQ(volume_.core().nameless_blobs(), 2U);
    EXPECT_EQ(bytes_of(newer), "newer");
    EXPECT_EQ(bytes_of(newest), "newest");
    EXPECT_TRUE(blob(empty).empty());
    // Whose numbers are not given out again.
    for (int i = 0; i < 300; ++i) {
      const std::string name = "projects/P/" + std::to_string(start) + "-" + std::to_string(i);
      EXPECT_GT(volume_.write(name, name), newest);
    }
    // As after a kill, when the tail is still where it was.
    if (start == 0) {
      const fs::path killed = volume_.directory() / "killed";
      fs::copy(volume_.store(), killed, fs::copy_options::recursive);
      volume_.close();
      volume_.settings().store.path = killed;
    }
  }
  const CheckReport report = must(volume_.core().check(CheckMode::repair, process(1)));
  EXPECT_EQ(std::ranges::count(report.findings, "blob-inode", &Finding::rule), 2);
  std::vector<std::string> projects = volume_.children("projects");
  std::erase(projects, "P");
  ASSERT_THAT(projects, SizeIs(1));
  const std::string refuge = "projects/" + projects.front() + "/";
  EXPECT_EQ(volume_.read(refuge + std::to_string(newer.number())), "newer");
  EXPECT_EQ(volume_.read(refuge + std::to_string(newest.number())), "newest");
  volume_.reopen();
  EXPECT_EQ(volume_.core().nameless_blobs(), 0U);
  EXPECT_EQ(volume_.read(refuge + std::to_string(newest.number())), "newest");
  volume_.close();
  EXPECT_EQ(broken_invariants(volume_.store()), "");
}

// What somebody has put there is not ours to remove, and what is not a number says nothing.
TEST_F(Recovery, LeavesAloneWhatIsNoLeftover) {
  const InodeId last = volume_.write("projects/P/last", "last");
  const fs::path stray = blob(last).parent_path() / kBehindAll;
  volume_.close();
  fs::create_symlink("/nowhere", stray);
  std::ofstream(flushed()) << "gibberish";
  volume_.open();
  EXPECT_EQ(volume_.core().nameless_blobs(), 1U);
  EXPECT_TRUE(fs::is_symlink(stray));
  EXPECT_GT(volume_.write("projects/P/next", "next").number(), 1000);
}

// A folder of blobs, one that leads to them, and all of them: what is written must not end up elsewhere.
TEST_F(Recovery, RefusesASymbolicLinkForAFolder) {
  const fs::path leaf = blob(volume_.at("projects/P/old")).parent_path();
  // Where no start has to look any more.
  for (int i = 0; volume_.write("projects/P/" + std::to_string(i), "").number() < 2048; ++i) volume_.reopen();
  volume_.close();
  for (const fs::path& folder : {leaf, leaf.parent_path(), volume_.store() / "blobs"}) {
    const fs::path moved = volume_.directory() / "moved";
    fs::rename(folder, moved);
    fs::create_directory_symlink(moved, folder);
    const auto opened = try_open();
    ASSERT_FALSE(opened) << folder;
    EXPECT_THAT(opened.error().reason, HasSubstr("blobs"));
    fs::remove(folder);
    fs::rename(moved, folder);
  }
  volume_.open();
  EXPECT_EQ(volume_.read("projects/P/old"), "old");
}

TEST_F(Recovery, RemovesWhatACreateThatDidNotHappenHasLeft) {
  const InodeId last = volume_.write("projects/P/last", "last");
  const fs::path left = blob(last).parent_path() / kBehindAll;
  volume_.close();
  const auto before = volume_.blobs();
  std::ofstream(left).flush();
  ASSERT_TRUE(volume_.blobs().contains(1000));
  volume_.open();
  EXPECT_EQ(volume_.core().nameless_blobs(), 0U);
  volume_.close();
  EXPECT_EQ(volume_.blobs(), before);
}

}  // namespace
}  // namespace reprieve::test
