// SPDX-License-Identifier: Apache-2.0
// Backups of the metadata, and what comes of one that is put back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/upkeep/metadata_restore.h"
#include "tests/support/store_invariants.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string bytes_of(const std::filesystem::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return bytes.str();
}

void put(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

class BackupTest : public ::testing::Test {
 protected:
  Backup back_up() { return must(volume_.core().backups().make(process(1))); }

  Result<RestoredMetadata> try_restore(const std::filesystem::path& file) {
    volume_.close();
    return restore_metadata(volume_.store(), file, volume_.clock().now());
  }
  RestoredMetadata restore(const std::filesystem::path& file) {
    auto restored = must(try_restore(file));
    EXPECT_EQ(broken_invariants(volume_.store()), "");
    volume_.open();
    return restored;
  }

  [[nodiscard]] std::vector<std::string> in_backups() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(volume_.store() / "backups"))
      names.push_back(entry.path().filename());
    return names;
  }

  Volume volume_;
};

TEST_F(BackupTest, IsOneFileThatOnlyTheOwnerReads) {
  volume_.mkdir("projects/P");
  const Backup made = back_up();
  EXPECT_EQ(made.file.parent_path(), volume_.store() / "backups");
  EXPECT_THAT(in_backups(), ElementsAre(made.file.filename().string()));
  EXPECT_EQ(std::filesystem::file_size(made.file), made.bytes);
  struct stat status {};
  ASSERT_EQ(::stat(made.file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(made.file.parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(BackupTest, BringsTheTreeBackAsItWas) {
  volume_.mkdir("projects/P");
  volume_.mkdir("projects/P/d", 0750);
  volume_.write("projects/P/d/f", "bytes");
  volume_.symlink("projects/P/l", "d/f");
  volume_.link("projects/P/d/f", "projects/P/g");
  volume_.set_xattr("projects/P/d", "user.colour", "blue");
  volume_.mkdir("projects/P/gone");
  volume_.write("projects/P/gone/x", "in the trash");
  volume_.remove_tree("projects/P/gone");
  const TreeState project = volume_.tree("projects/P");
  const TreeState trashed = volume_.tree(".trash/gone");
  const Backup made = back_up();

  must(volume_.rename("projects/P/d", "projects/P/moved"));
  must(volume_.unlink("projects/P/l"));
  volume_.write("projects/P/newer", "made after the backup");
  must(volume_.rename(".trash/gone", "projects/P/gone"));
  const RestoredMetadata restored = restore(made.file);

  EXPECT_EQ(volume_.tree("projects/P"), project);
  EXPECT_EQ(volume_.tree(".trash/gone"), trashed);
  EXPECT_THAT(restored.reconciliation.gone, IsEmpty());
  EXPECT_EQ(restored.reconciliation.found, 1U);
}

TEST_F(BackupTest, KeepsFilesThatAreNewerWithTheirBytes) {
  volume_.mkdir("projects/P");
  const Backup made = back_up();
  constexpr int kMoreThanAPortion = 300;
  for (int i = 0; i < kMoreThanAPortion; ++i)
    volume_.write("projects/P/" + std::to_string(i), "newer " + std::to_string(i));
  volume_.write("projects/P/empty", "");
  const InodeId last = volume_.at("projects/P/299");

  const RestoredMetadata restored = restore(made.file);
  EXPECT_EQ(restored.reconciliation.found, static_cast<std::size_t>(kMoreThanAPortion));
  const std::string folder = restored.reconciliation.folder.substr(restored.reconciliation.folder.find(": ") + 2);
  EXPECT_THAT(folder, HasSubstr("projects/lost+found-"));
  EXPECT_EQ(volume_.read(folder + "/file-" + std::to_string(last.number())), "newer 299");
  EXPECT_THAT(volume_.children(folder), SizeIs(kMoreThanAPortion + 2));  // samples and analyses
  // Numbers of what is made from here on are nobody's.
  EXPECT_GT(volume_.mkdir("projects/P/d").number(), last.number() + 1'000'000);
  volume_.reopen();
  EXPECT_EQ(volume_.read(folder + "/file-" + std::to_string(last.number())), "newer 299");
}

TEST_F(BackupTest, LeavesOutAndTellsWhatWasDestroyedSince) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/f", "destroyed");
  volume_.mkdir("projects/P/d");
  volume_.write("projects/P/d/kept", "kept");
  volume_.write("projects/P/d/f", "destroyed too");
  must(volume_.unlink("projects/P/f"));
  const Backup made = back_up();
  must(volume_.unlink("projects/P/d/f"));
  volume_.empty();

  const RestoredMetadata restored = restore(made.file);
  EXPECT_THAT(restored.reconciliation.gone,
              ::testing::UnorderedElementsAre(HasSubstr(": .trash/f"), HasSubstr(": projects/P/d/f")));
  EXPECT_THAT(volume_.items(), IsEmpty());
  EXPECT_FALSE(volume_.exists("projects/P/d/f"));
  EXPECT_EQ(volume_.read("projects/P/d/kept"), "kept");
}

TEST_F(BackupTest, CanBeTakenBackWithTheDatabaseFromBefore) {
  volume_.mkdir("projects/P");
  const Backup made = back_up();
  volume_.write("projects/P/newer", "newer");
  const TreeState project = volume_.tree("projects/P");
  const std::filesystem::path before = restore(made.file).before;
  EXPECT_FALSE(volume_.exists("projects/P/newer"));
  restore(before);
  EXPECT_EQ(volume_.tree("projects/P"), project);
}

class KilledRestoreTest : public BackupTest {
 protected:
  // What a restore does before anything is replaced.
  void link_before(const std::string& name) {
    for (const char* companion : {"", "-wal"}) {
      const std::string file = (volume_.store() / "metadata.db").string() + companion;
      if (std::filesystem::exists(file)) std::filesystem::create_hard_link(file, before(name).string() + companion);
    }
  }
  [[nodiscard]] std::filesystem::path before(const std::string& name) const {
    return volume_.store() / ("metadata.db.before-" + name);
  }
  [[nodiscard]] std::vector<std::string> kept() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(volume_.store())) {
      if (const std::string name = entry.path().filename(); name.starts_with("metadata.db.before-"))
        names.push_back(name.substr(std::string("metadata.db.before-").size()));
    }
    std::ranges::sort(names);
    return names;
  }
};

TEST_F(KilledRestoreTest, LeavesNoSecondNameOfTheDatabaseThatIsServed) {
  volume_.mkdir("projects/P");
  link_before("20240501T120000Z");
  link_before("20240501T120000Z~2");
  volume_.reopen();
  EXPECT_THAT(kept(), IsEmpty());
  EXPECT_TRUE(volume_.exists("projects/P"));
}

TEST_F(KilledRestoreTest, NothingElseIsRemoved) {
  volume_.mkdir("projects/P");
  const std::string real = restore(back_up().file).before.filename();
  for (const char* name : {"lunch", "20240501T120000Z.old", "20240501T120000Z~b"}) link_before(name);
  put(before("20240501T130000Z"), "another file");
  const auto all = kept();
  volume_.reopen();
  EXPECT_EQ(kept(), all);
  EXPECT_TRUE(std::filesystem::exists(volume_.store() / real));
}

// The database has gone on under that name too, but its log has not.
TEST_F(KilledRestoreTest, ItsNameLeadsToTheDatabaseWithItsOwnLog) {
  volume_.mkdir("projects/P");
  volume_.write("projects/P/old", "old");
  const auto old_log = volume_.directory() / "old-log";
  std::filesystem::create_hard_link(volume_.store() / "metadata.db-wal", old_log);
  volume_.reopen();
  volume_.write("projects/P/newer", "newer");
  must(volume_.rename("projects/P/old", "projects/P/renamed"));
  const TreeState project = volume_.tree("projects/P");
  volume_.close();
  link_before("20240501T120000Z");
  std::filesystem::rename(old_log, before("20240501T120000Z").string() + "-wal");
  restore(before("20240501T120000Z"));
  EXPECT_EQ(volume_.tree("projects/P"), project);
  EXPECT_THAT(kept(), AllOf(Not(IsEmpty()), Each(StartsWith("20231114T221325Z"))));
}

// The database goes first, and its log is kept under another name. One without another name is all that is left.
TEST_F(KilledRestoreTest, GoesOnWhereTheLogOfWhatItReplacedIsLeft) {
  volume_.mkdir("projects/P");
  const auto backup = back_up().file;
  volume_.close();
  const auto database = volume_.store() / "metadata.db";
  const auto log = volume_.store() / "metadata.db-wal";
  put(log, "the latest changes");
  link_before("20240501T120000Z");
  std::filesystem::remove(database);
  const auto other_name = before("20240501T120000Z").string() + "-wal";
  std::filesystem::rename(other_name, volume_.directory() / "elsewhere");
  std::filesystem::copy_file(log, other_name);
  std::filesystem::remove(volume_.directory() / "elsewhere");
  EXPECT_EQ(refusal(try_restore(backup)), Errc::exists);
  EXPECT_EQ(bytes_of(log), "the latest changes");
  std::filesystem::remove(other_name);
  std::filesystem::create_hard_link(log, other_name);
  restore(backup);
  EXPECT_TRUE(volume_.exists("projects/P"));
  EXPECT_EQ(bytes_of(other_name), "the latest changes");
}

// Rows that a handle or a kernel could still believe.
TEST_F(BackupTest, MakesOldHandlesStale) {
  volume_.mkdir("projects/P");
  const auto before = volume_.attributes("projects/P").generation;
  restore(back_up().file);
  EXPECT_NE(volume_.attributes("projects/P").generation, before);
}

TEST_F(BackupTest, IsRefusedWithAnyBitFlipped) {
  volume_.mkdir("projects/P");
  for (int i = 0; i < 50; ++i) volume_.symlink("projects/P/" + std::to_string(i), std::string(100, 'x'));
  const Backup made = back_up();
  volume_.close();
  const std::string sound = bytes_of(made.file);
  const std::string database = bytes_of(volume_.store() / "metadata.db");
  const auto damaged = volume_.directory() / "damaged.db";
  constexpr std::size_t kFlips = 50;
  for (std::size_t i = 0; i < kFlips; ++i) {
    const std::size_t offset = i * (sound.size() - 1) / (kFlips - 1);
    std::string bytes = sound;
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    put(damaged, bytes);
    EXPECT_EQ(refusal(try_restore(damaged)), Errc::store_damaged) << offset;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, sound.size() / 2, sound.size() - 1}) {
    put(damaged, sound.substr(0, size));
    EXPECT_EQ(refusal(try_restore(damaged)), Errc::store_damaged) << size;
  }
  EXPECT_EQ(refusal(try_restore(volume_.directory() / "missing")), Errc::not_found);
  EXPECT_TRUE(bytes_of(volume_.store() / "metadata.db") == database);
  EXPECT_FALSE(std::filesystem::exists(volume_.store() / "metadata.db.unfinished"));
  put(damaged, sound);
  must(try_restore(damaged));
}

TEST_F(BackupTest, IsNotServedWithoutBeingRestored) {
  volume_.mkdir("projects/P");
  const Backup made = back_up();
  volume_.write("projects/P/newer", "newer");
  volume_.close();
  const auto blobs = volume_.blobs();
  const auto database = volume_.store() / "metadata.db";
  std::filesystem::copy_file(made.file, database, std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(refusal(FileSystem::open(volume_.settings(), volume_.clock(), volume_.processes())), Errc::store_damaged);
  EXPECT_EQ(volume_.blobs(), blobs);
  // Nor is a store made anew where the database is lost.
  std::filesystem::remove(database);
  const auto lost = FileSystem::open(volume_.settings(), volume_.clock(), volume_.processes());
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().reason, HasSubstr("--restore-metadata"));
  restore(made.file);
  EXPECT_TRUE(volume_.exists("projects/P"));
}

// By whoever may change the store's folder: nothing is written, removed or renamed elsewhere.
TEST_F(BackupTest, GoesThroughNoSymbolicLink) {
  volume_.mkdir("projects/P");
  const auto elsewhere = volume_.directory() / "elsewhere";
  const auto backups = volume_.store() / "backups";
  std::filesystem::create_directory(elsewhere);
  put(elsewhere / "unfinished", "not ours");
  std::filesystem::create_directory_symlink(elsewhere, backups);
  EXPECT_EQ(refusal(volume_.core().backups().make(process(1))), Errc::not_directory);
  must(volume_.core().backups().start([](const Result<Backup>&) {}));
  EXPECT_EQ(bytes_of(elsewhere / "unfinished"), "not ours");
  volume_.close();
  const auto opened = FileSystem::open(volume_.settings(), volume_.clock(), volume_.processes());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::not_directory);
  EXPECT_THAT(opened.error().reason, HasSubstr("backups"));
  std::filesystem::remove(backups);
  volume_.open();
  EXPECT_EQ(back_up().file.parent_path(), backups);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(elsewhere), {}), 1);
}

TEST_F(BackupTest, KeepsTheNewestAndWhatIsNoBackup) {
  volume_.settings().store.backup_keep = 3;
  volume_.reopen();
  back_up();
  put(volume_.store() / "backups/metadata-by-hand.db", "mine");
  std::vector<std::string> made;
  for (int i = 0; i < 5; ++i) {
    volume_.clock().advance(std::chrono::minutes(1));
    made.push_back(back_up().file.filename());
  }
  EXPECT_THAT(in_backups(), ::testing::UnorderedElementsAre("metadata-by-hand.db", made[2], made[3], made[4]));
}

TEST_F(BackupTest, IsSoundWhileOthersChangeTheTree) {
  volume_.mkdir("projects/P");
  for (int i = 0; i < 3000; ++i) volume_.symlink("projects/P/old" + std::to_string(i), std::string(200, 'x'));
  std::atomic<bool> done{false};
  std::thread others([&] {
    const InodeId parent = volume_.at("projects/P");
    for (int i = 0; !done; ++i) {
      const NewNode folder{.mode = S_IFDIR | 0755};
      must(volume_.names().create(volume_.account(), parent, EntryName::literal("new" + std::to_string(i)), folder,
                                  process(2)));
    }
  });
  const Backup made = back_up();
  done = true;
  others.join();
  const std::size_t all = volume_.children("projects/P").size();
  restore(made.file);
  const std::size_t then = volume_.children("projects/P").size();
  EXPECT_GE(then, 3002U);
  EXPECT_LE(then, all);
}

// Those that are made by themselves.
TEST_F(BackupTest, IsMadeWhenItIsDueAndSomethingChanged) {
  Mutex mutex;
  ConditionVariable heard;
  std::vector<Result<Backup>> made;
  volume_.mkdir("projects/P");
  std::filesystem::create_directory(volume_.store() / "backups");
  put(volume_.store() / "backups/unfinished", "of a crash");
  volume_.clock().advance(std::chrono::hours(7));
  must(volume_.core().backups().start([&](const Result<Backup>& backup) {
    const MutexLock lock(mutex);
    made.push_back(backup);
    heard.notify_all();
  }));
  volume_.mkdir("projects/Q");
  {
    const MutexLock lock(mutex);
    while (made.empty()) heard.wait(mutex);
    ASSERT_TRUE(made.front());
  }
  // The next one is not due yet.
  volume_.mkdir("projects/R");
  volume_.close();
  EXPECT_THAT(made, SizeIs(1));
  EXPECT_THAT(in_backups(), SizeIs(1));
}

}  // namespace
}  // namespace reprieve::test
