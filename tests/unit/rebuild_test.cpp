// SPDX-License-Identifier: Apache-2.0
// The tree from what lies beside the blobs, without the database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/store/crc64.h"
#include "core/store/inode_record.h"
#include "core/store/packed.h"
#include "core/upkeep/checker.h"
#include "core/upkeep/metadata_rebuild.h"
#include "core/upkeep/metadata_restore.h"
#include "tests/support/blob_file.h"
#include "tests/support/store_invariants.h"
#include "tests/unit/small_stack.h"
#include "tests/unit/two_accounts.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Calls `each` with every file of records.
template <typename Each>
void each_records(const std::filesystem::path& store, const Each& each) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(store / "blobs")) {
    if (entry.path().filename() == "records") each(entry.path());
  }
}

// The same records as version 1 wrote them, behind their number.
std::string in_version_1(const std::string& bytes) {
  constexpr std::size_t kVersionAt = 7;
  constexpr std::size_t kSumSize = 8;
  PackedWriter number;
  number(must(decode_records(bytes)).size());
  std::string old = bytes.substr(0, kVersionAt) + '\x01' + number.take();
  old += bytes.substr(kVersionAt + 1, bytes.size() - kVersionAt - 1 - kSumSize);
  Crc64 crc;
  crc.process_bytes(old.data(), old.size());
  for (std::size_t i = 0; i < kSumSize; ++i) old += static_cast<char>(crc.checksum() >> (8 * i));
  return old;
}

void lose_database(Volume& volume) {
  volume.close();
  for (const char* name : {"metadata.db", "metadata.db-wal"}) std::filesystem::remove(volume.store() / name);
}

RebuiltMetadata rebuild(Volume& volume) {
  lose_database(volume);
  auto rebuilt = must(rebuild_metadata(volume.store(), volume.clock().now()));
  EXPECT_EQ(broken_invariants(volume.store()), "");
  volume.open();
  return rebuilt;
}

class RebuildTest : public ::testing::Test {
 protected:
  void record() { must(volume_.core().backups().record()); }
  void lose_database() { test::lose_database(volume_); }
  RebuiltMetadata rebuild() { return test::rebuild(volume_); }
  Volume volume_;
};

TEST_F(RebuildTest, BringsTheTreeAndTheTrashBack) {
  volume_.mkdir("projects/P", 0750);
  volume_.mkdir("projects/P/samples/s");
  volume_.mkdir("projects/P/d");
  volume_.write("projects/P/d/f", "bytes");
  volume_.write("projects/P/d/empty", "");
  volume_.symlink("projects/P/l", "d/f");
  volume_.link("projects/P/d/f", "projects/P/g");
  volume_.set_xattr("projects/P/d", "user.colour", "blue");
  volume_.mkdir("runs/R");
  for (int i = 0; i < 600; ++i) volume_.symlink("runs/R/" + std::to_string(i), "x");
  volume_.mkdir("projects/P/gone");
  volume_.write("projects/P/gone/x", "in the trash");
  volume_.write("projects/P/single", "in the trash too");
  volume_.remove_tree("projects/P/gone");
  must(volume_.unlink("projects/P/single", 2));
  const TreeState projects = volume_.tree("projects");
  const TreeState runs = volume_.tree("runs");
  const TreeState trash = volume_.tree(".trash/gone");

  record();
  const RebuiltMetadata rebuilt = rebuild();
  EXPECT_EQ(volume_.tree("projects"), projects);
  EXPECT_EQ(volume_.tree("runs"), runs);
  EXPECT_EQ(volume_.tree(".trash/gone"), trash);
  EXPECT_EQ(volume_.read(".trash/single"), "in the trash too");
  EXPECT_EQ(rebuilt.reconciliation.found, 0U);
  EXPECT_THAT(rebuilt.reconciliation.gone, IsEmpty());
  // The items are items.
  EXPECT_EQ(volume_.restore("gone").code, "");
  EXPECT_EQ(volume_.read("projects/P/gone/x"), "in the trash");
  EXPECT_EQ(must(volume_.core().accounts().find(volume_.account().name)).uid, volume_.account().uid);
}

TEST_F(RebuildTest, FollowsWhatIsRenamedAndChanged) {
  volume_.mkdir("projects/P");
  volume_.mkdir("projects/P/d");
  volume_.write("projects/P/d/f", "bytes");
  record();
  must(volume_.rename("projects/P/d", "projects/P/e"));
  must(volume_.rename("projects/P", "projects/Q"));
  const TreeState before = volume_.tree("projects/Q");
  record();
  rebuild();
  EXPECT_EQ(volume_.tree("projects/Q"), before);
  EXPECT_FALSE(volume_.exists("projects/P"));
}

TEST_F(RebuildTest, KeepsFilesWithoutRecords) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/f", "with a record");
  record();
  const InodeId late = volume_.write("projects/P/late", "without one");
  volume_.mkdir("projects/P/folder");
  const RebuiltMetadata rebuilt = rebuild();
  EXPECT_EQ(rebuilt.reconciliation.found, 1U);
  const std::string folder = rebuilt.reconciliation.folder.substr(rebuilt.reconciliation.folder.find(": ") + 2);
  EXPECT_EQ(volume_.read(folder + "/file-" + std::to_string(late.number())), "without one");
  EXPECT_EQ(volume_.read("projects/P/f"), "with a record");
}

TEST_F(RebuildTest, ATrashedNameAndALiveOneCanBeTheSame) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/old", "lives on");
  volume_.write("projects/P/new", "is in the trash");
  must(volume_.unlink("projects/P/new"));
  // Its entry was made before that of the trashed one.
  must(volume_.rename("projects/P/old", "projects/P/new"));
  record();
  rebuild();
  EXPECT_EQ(volume_.read("projects/P/new"), "lives on");
  EXPECT_EQ(volume_.read(".trash/new"), "is in the trash");
  EXPECT_EQ(volume_.restore("new").code, "exists");
}

// Each is recorded before, in a folder of records of its own, and by its ctime is not changed afterwards.
TEST_F(RebuildTest, FollowsWhatMovesNoCtime) {
  volume_.mkdir("runs/R");
  for (int i = 0; i < 1500; ++i) volume_.symlink("runs/R/" + std::to_string(i), "x");
  volume_.mkdir("runs/emptied");
  for (int i = 0; i < 1500; ++i) volume_.symlink("runs/emptied/" + std::to_string(i), "x");
  volume_.mkdir("projects/P");
  volume_.mkdir("projects/P/folder");
  const std::vector<std::string> names = volume_.children("runs/R");
  record();

  volume_.clock().advance(std::chrono::hours(1));
  const auto taken = volume_.core().trash().trash_paths(volume_.account(), {"runs/R"}, process(1),
                                                        {.mode = TrashMode::files_only, .guard = Guard::force});
  record();
  volume_.clock().advance(std::chrono::hours(1));
  ASSERT_EQ(volume_.core().trash().restore(volume_.account(), {taken.at(0).id}, {}, process(1)).at(0).code, "");
  volume_.trash("runs/emptied");
  record();
  volume_.clock().advance(std::chrono::hours(1));
  volume_.empty();
  must(volume_.core().accounts().set(volume_.account().name, {.uid = 4711, .gid = 4712, .quota = 1 << 30}, process(1)));
  must(volume_.rename("projects/P/folder", "projects/Q"));
  volume_.clock().advance(std::chrono::hours(1));
  record();

  const RebuiltMetadata rebuilt = rebuild();
  EXPECT_EQ(rebuilt.reconciliation.found, 0U);
  EXPECT_EQ(volume_.children("runs/R"), names);
  EXPECT_FALSE(volume_.exists("runs/emptied"));
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  const auto account = must(volume_.core().accounts().find(volume_.account().name));
  EXPECT_EQ(account.uid, 4711U);
  EXPECT_EQ(account.gid, 4712U);
}

TEST_F(RebuildTest, RecordsFollowARestoreOfTheMetadata) {
  volume_.mkdir("projects/P");
  for (int i = 0; i < 1500; ++i) volume_.symlink("projects/P/good" + std::to_string(i), "x");
  record();
  const auto backup = must(volume_.core().backups().make(process(1))).file;
  const std::vector<std::string> names = volume_.children("projects/P");
  for (int i = 0; i < 1500; ++i)
    must(volume_.rename("projects/P/good" + std::to_string(i), "projects/P/mistaken" + std::to_string(i)));
  volume_.mkdir("projects/later");
  for (int i = 0; i < 1500; ++i) volume_.symlink("projects/later/" + std::to_string(i), "x");
  volume_.clock().advance(std::chrono::hours(1));
  record();
  volume_.close();
  must(restore_metadata(volume_.store(), backup, volume_.clock().now()));
  volume_.open();
  EXPECT_EQ(volume_.children("projects/P"), names);
  record();
  rebuild();
  EXPECT_EQ(volume_.children("projects/P"), names);
  EXPECT_FALSE(volume_.exists("projects/later"));
}

TEST_F(RebuildTest, WhatIsMarkedAsLostStays) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/f", "bytes");
  volume_.write("projects/P/gone", "bytes that are destroyed");
  record();
  const auto lost = blob_file(volume_.store(), volume_.at("projects/P/f"));
  const auto gone = blob_file(volume_.store(), volume_.at("projects/P/gone"));
  volume_.close();
  std::filesystem::rename(lost, volume_.store() / "aside");
  EXPECT_EQ(must(check_closed_store(volume_.store(), CheckMode::repair, volume_.clock())).repaired, 1U);
  volume_.open();
  volume_.clock().advance(std::chrono::hours(1));
  record();
  std::filesystem::remove(gone);
  const RebuiltMetadata rebuilt = rebuild();
  EXPECT_THAT(rebuilt.reconciliation.gone, ElementsAre(EndsWith(": projects/P/gone")));
  EXPECT_EQ(refusal(volume_.core().content().open(volume_.account(), volume_.at("projects/P/f"), O_RDONLY)), Errc::io);
  volume_.close();
  std::filesystem::rename(volume_.store() / "aside", lost);
  EXPECT_EQ(must(check_closed_store(volume_.store(), CheckMode::repair, volume_.clock())).repaired, 1U);
  volume_.open();
  EXPECT_EQ(volume_.read("projects/P/f"), "bytes");
}

TEST_F(RebuildTest, NamesTheDamagedFileOfTheOnlyAccount) {
  volume_.mkdir("projects/P");
  record();
  volume_.close();
  each_records(volume_.store(), [](const std::filesystem::path& file) {
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).seekp(40) << '!';
  });
  lose_database();
  const auto refused = rebuild_metadata(volume_.store(), volume_.clock().now());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().reason, HasSubstr("blobs/0/000/records, which is damaged"));
}

TEST_F(RebuildTest, RefusesWhereThereIsADatabaseOrNothingToRebuildFrom) {
  volume_.mkdir("projects/P");
  record();
  volume_.close();
  EXPECT_EQ(refusal(rebuild_metadata(volume_.store(), volume_.clock().now())), Errc::exists);
  each_records(volume_.store(), [](const std::filesystem::path& file) { std::ofstream(file) << "scribbled over"; });
  lose_database();
  EXPECT_EQ(refusal(rebuild_metadata(volume_.store(), volume_.clock().now())), Errc::store_damaged);
  EXPECT_FALSE(std::filesystem::exists(volume_.store() / "metadata.db"));
  EXPECT_FALSE(std::filesystem::exists(volume_.store() / "metadata.db.unfinished"));
}

TEST_F(RebuildTest, ReadsRecordsOfVersion1) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/f", "bytes");
  const TreeState tree = volume_.tree("projects");
  record();
  int converted = 0;
  each_records(volume_.store(), [&](const std::filesystem::path& file) {
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    std::ofstream(file, std::ios::binary) << in_version_1(bytes.str());
    ++converted;
  });
  EXPECT_GT(converted, 0);
  const RebuiltMetadata rebuilt = rebuild();
  EXPECT_EQ(volume_.tree("projects"), tree);
  EXPECT_THAT(rebuilt.unreadable, IsEmpty());
}

TEST(Records, OfAnyOtherVersionAreRefused) {
  for (const char version : {'\0', '\x03', '\x7f', '\xff'}) {
    const std::string bytes = std::string("RPRVREC") + version + std::string(8, '\0');
    EXPECT_EQ(refusal(decode_records(bytes)), Errc::store_newer) << static_cast<int>(version);
  }
}

// The most memory that this process has had since the last call, in KiB.
long peak_since_last() {
  long peak = 0;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") status >> peak;
  }
  std::ofstream("/proc/self/clear_refs") << "5";  // proc(5)
  return peak;
}

TEST_F(RebuildTest, RecordsOfMuchAreWrittenInLittleMemory) {
  constexpr int kFiles = 100;
  constexpr int kAttributes = 15;
  volume_.mkdir("projects/P");
  for (int i = 0; i < kFiles; ++i) {
    const std::string file = "projects/P/" + std::to_string(i);
    volume_.write(file, "");
    for (int a = 0; a < kAttributes; ++a)
      volume_.set_xattr(file, "user." + std::to_string(a), std::string(65536, static_cast<char>('a' + a)));
  }
  must(volume_.core().sync());
  peak_since_last();
  const long before = peak_since_last();
  record();
  EXPECT_LT(peak_since_last() - before, 40 * 1024);  // the attributes are 96 MiB

  const TreeState tree = volume_.tree("projects/P");
  rebuild();
  EXPECT_EQ(volume_.tree("projects/P"), tree);
}

class RebuildOfTwoAccounts : public TwoAccounts {};

TEST_F(RebuildOfTwoAccounts, FollowsWhoLeavesAShareAndIsRemoved) {
  must(core().accounts().add("carol", 3000, 3000, process(1)));
  must(core().backups().record());
  volume_.clock().advance(std::chrono::hours(1));
  core().trash().trash_paths(bob_, {"projects/P"}, bobs());
  must(core().accounts().remove("carol", process(1)));
  volume_.clock().advance(std::chrono::hours(1));
  must(core().backups().record());
  rebuild(volume_);
  EXPECT_FALSE(bob_sees("projects/P"));
  EXPECT_EQ(must(core().sharing().list(bob_)).at(0).state, GrantState::left);
  EXPECT_EQ(refusal(core().accounts().find("carol")), Errc::not_found);
}

TEST_F(RebuildTest, ATreeCanBeDeeperThanAStack) {
  constexpr int kDepth = 4000;
  volume_.mkdir("projects/P");
  volume_.write("projects/P/a", "bytes");
  for (int depth = 0; depth < kDepth; ++depth) {
    volume_.mkdir("projects/P/b");
    must(volume_.rename("projects/P/a", "projects/P/b/a"));
    must(volume_.rename("projects/P/b", "projects/P/a"));
  }
  record();
  lose_database();
  on_small_stack([&] { must(rebuild_metadata(volume_.store(), volume_.clock().now())); });
  volume_.open();
  InodeId at = volume_.at("projects/P");
  for (int depth = 0; depth < kDepth; ++depth)
    at = must(volume_.names().lookup(volume_.account(), at, EntryName::literal("a"))).inode;
  const auto file = must(volume_.names().lookup(volume_.account(), at, EntryName::literal("a")));
  EXPECT_EQ(file.size, 5U);
}

}  // namespace
}  // namespace reprieve::test
