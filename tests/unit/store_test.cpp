// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "core/store/schema.h"
#include "core/store/store.h"
#include "core/upkeep/checker.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

using Files = std::map<std::string, std::string>;

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void put_bytes(const std::filesystem::path& file, std::size_t offset, std::string_view bytes) {
  std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Every file in the store's directory but the blobs.
Files files_in(const std::filesystem::path& store) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    if (entry.is_regular_file()) files[entry.path().filename().string()] = bytes_of(entry.path());
  }
  return files;
}

Result<std::unique_ptr<FileSystem>> open_store(const std::filesystem::path& store) {
  static const KernelClock clock;
  return FileSystem::open({.store = {.path = store}}, clock);
}

// A store with a few hundred files that can be damaged. `database` is closed and written back, `log` still has its log,
// as after a crash.
class RefusedStoreTest : public ::testing::Test {
 protected:
  RefusedStoreTest() {
    volume_.mkdir("projects/p");
    for (int i = 0; i < 300; ++i) volume_.symlink("projects/p/" + std::to_string(i), std::string(200, 'x'));
    volume_.reopen();
    volume_.symlink("projects/p/late", "x");
    std::filesystem::copy(volume_.store(), log_, std::filesystem::copy_options::recursive);
    volume_.close();
    std::filesystem::copy(volume_.store(), database_, std::filesystem::copy_options::recursive);
  }

  // Refused for this reason, and not a byte is changed.
  static void expect_refused(const std::filesystem::path& store, Errc code, const std::string& reason = {}) {
    const Files before = files_in(store);
    const auto opened = open_store(store);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().reason;
    EXPECT_THAT(opened.error().reason, HasSubstr(reason));
    const Files after = files_in(store);
    EXPECT_EQ(before.size(), after.size());
    for (const auto& [name, bytes] : after) {
      EXPECT_TRUE(before.contains(name)) << name << " was made, " << bytes.size() << " bytes";
      EXPECT_TRUE(!before.contains(name) || before.at(name) == bytes) << name << " was changed";
    }
  }

  Volume volume_;
  std::filesystem::path database_ = volume_.directory() / "database";
  std::filesystem::path log_ = volume_.directory() / "log";
};

constexpr std::size_t kUserVersion = 60;
constexpr std::size_t kApplicationId = 68;

TEST(Store, IsMadeOnFirstUseForItsOwnerAlone) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "new" / "store";
  must(open_store(path));
  for (const char* name : {"", "metadata.db", "blobs"}) {
    struct stat status {};
    ASSERT_EQ(::stat((path / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 077, 0U) << name;
  }
  const std::string header = bytes_of(path / "metadata.db");
  EXPECT_EQ(header.substr(kApplicationId, 4), "RPRV");
  EXPECT_EQ(static_cast<unsigned char>(header.at(kUserVersion + 3)), current_schema_version());
}

// What a database that is put in the place of this one would be taken to have in its log.
TEST(Store, AStopLeavesAnEmptyLogThatTheNextStartTakes) {
  Volume volume;
  const auto log = volume.store() / "metadata.db-wal";
  const auto inode_of = [&log] {
    struct stat status {};
    EXPECT_EQ(::stat(log.c_str(), &status), 0);
    return status.st_ino;
  };
  const auto inode = inode_of();
  for (int round = 0; round < 3; ++round) {
    volume.mkdir("projects/p" + std::to_string(round));
    for (int i = 0; i < 2000; ++i) volume.symlink("projects/p" + std::to_string(round) + "/" + std::to_string(i), "x");
    EXPECT_GT(std::filesystem::file_size(log), 0U);
    volume.close();
    EXPECT_EQ(std::filesystem::file_size(log), 0U);
    must(check_closed_store(volume.store(), CheckMode::find, volume.clock()));
    EXPECT_EQ(std::filesystem::file_size(log), 0U);
    volume.open();
    EXPECT_EQ(inode_of(), inode);
  }
}

TEST(Store, SaysWhatTheSystemSaysWhenTheLogCannotBeOpened) {
  Volume volume;
  volume.close();
  std::filesystem::remove(volume.store() / "metadata.db-wal");
  std::filesystem::create_directory(volume.store() / "metadata.db-wal");
  const auto refused = FileSystem::open(volume.settings(), volume.clock(), volume.processes());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().reason, HasSubstr("unable to open database file: Is a directory"));
}

TEST(Store, KeepsEverythingOverARestart) {
  Volume volume;
  volume.mkdir("projects/p");
  volume.write("projects/p/f", "bytes");
  volume.mkdir("projects/p/samples/s");
  volume.set_xattr("projects/p/f", "user.note", "kept");
  volume.trash("projects/p/samples/s");
  const TreeState before = volume.tree("projects");
  const TreeState trash_before = volume.tree(".trash/s");
  volume.reopen();
  EXPECT_EQ(volume.tree("projects"), before);
  EXPECT_EQ(volume.tree(".trash/s"), trash_before);
  EXPECT_EQ(volume.item("s").kind, ItemKind::sample);
}

TEST(Store, ACrashLosesNothingThatWasAcknowledged) {
  Volume volume;
  volume.mkdir("projects/p");
  volume.write("projects/p/f", "bytes");
  volume.trash("projects/p/f");
  const auto copy = volume.directory() / "crashed";
  std::filesystem::copy(volume.store(), copy, std::filesystem::copy_options::recursive);
  const auto core = must(open_store(copy));
  const Account account = must(core->accounts().find("lab"));
  const auto items = must(core->trash().list(account, {})).items;
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].name, "f");
  EXPECT_EQ(items[0].figures->bytes, 5U);
}

TEST(Store, AnUnfinishedFirstStartIsFinished) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "metadata.db");
  std::filesystem::create_directory(directory.path() / "blobs");
  EXPECT_TRUE(open_store(directory.path()));
  EXPECT_TRUE(open_store(directory.path()));
}

TEST(Store, ASecondProcessIsRefused) {
  const TemporaryDirectory directory;
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(done[1]);
    const auto holder = open_store(directory.path());
    char byte = holder ? '+' : '-';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    // Until the parent closes its end.
    ::_exit(::read(done[0], &byte, 1) == 0 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, '+');
  const std::string before = bytes_of(directory.path() / "metadata.db");
  const auto opened = open_store(directory.path());
  EXPECT_EQ(refusal(opened), Errc::store_locked);
  EXPECT_EQ(bytes_of(directory.path() / "metadata.db"), before);
  for (const int end : {ready[0], ready[1], done[0], done[1]}) ::close(end);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(open_store(directory.path()));
}

TEST_F(RefusedStoreTest, TheCopiesThemselvesAreGood) {
  EXPECT_TRUE(open_store(database_));
  EXPECT_TRUE(open_store(log_));
}

TEST_F(RefusedStoreTest, ANewerVersion) {
  for (const auto& store : {database_, log_}) {
    put_bytes(store / "metadata.db", kUserVersion, std::string_view("\0\0\1\0", 4));
    expect_refused(store, Errc::store_newer, "256");
  }
}

TEST_F(RefusedStoreTest, SomebodyElsesDatabase) {
  for (const auto& store : {database_, log_}) {
    put_bytes(store / "metadata.db", kApplicationId, "GPKG");
    expect_refused(store, Errc::store_damaged, "not a store");
  }
}

TEST_F(RefusedStoreTest, SomebodyElsesDatabaseWithoutAnyMark) {
  for (const auto& store : {database_, log_}) {
    put_bytes(store / "metadata.db", kUserVersion, std::string_view("\0\0\0\0", 4));
    put_bytes(store / "metadata.db", kApplicationId, std::string_view("\0\0\0\0", 4));
    expect_refused(store, Errc::store_damaged, "not a store");
  }
}

TEST_F(RefusedStoreTest, NoDatabaseAtAll) {
  for (const std::string& content : {std::string("hello"), std::string(5000, 'x'), std::string(5000, '\0')}) {
    std::ofstream(database_ / "metadata.db", std::ios::binary) << content;
    expect_refused(database_, Errc::store_damaged, "not an SQLite database");
  }
}

TEST_F(RefusedStoreTest, CutOff) {
  for (const auto& store : {database_, log_}) {
    const auto file = store / "metadata.db";
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    expect_refused(store, Errc::store_damaged);
    std::filesystem::resize_file(file, 50);
    expect_refused(store, Errc::store_damaged);
  }
}

TEST_F(RefusedStoreTest, APageInTheMiddleIsGarbage) {
  for (const auto& store : {database_, log_}) {
    const auto file = store / "metadata.db";
    const std::size_t middle = std::filesystem::file_size(file) / 2 / 1024 * 1024;
    put_bytes(file, middle, std::string(8 * 1024, '\xa5'));
    expect_refused(store, Errc::store_damaged, "damaged");
  }
}

TEST_F(RefusedStoreTest, BlobsAreMissing) {
  for (const auto& store : {database_, log_}) {
    std::filesystem::remove_all(store / "blobs");
    expect_refused(store, Errc::store_damaged, "blobs is missing");
    EXPECT_FALSE(std::filesystem::exists(store / "blobs"));
  }
}

TEST_F(RefusedStoreTest, MetadataIsMissing) {
  volume_.open();
  const InodeId file = volume_.write("projects/p/f", "bytes");
  volume_.close();
  // A new database would give out the numbers of the blobs that are there, and have them removed.
  std::filesystem::resize_file(volume_.store() / "metadata.db", 0);
  expect_refused(volume_.store(), Errc::store_damaged, "metadata.db is missing or empty");
  std::filesystem::remove(volume_.store() / "metadata.db");
  expect_refused(volume_.store(), Errc::store_damaged, "metadata.db is missing or empty");
  EXPECT_TRUE(volume_.blobs().contains(file.number()));
}

TEST_F(RefusedStoreTest, ASymbolicLinkInPlaceOfTheDatabase) {
  std::filesystem::rename(database_ / "metadata.db", database_ / "elsewhere.db");
  std::filesystem::create_symlink("elsewhere.db", database_ / "metadata.db");
  EXPECT_FALSE(open_store(database_));
}

// Else nothing would be flushed until somebody calls fsync(2).
TEST(Store, TellsOfWhatWasCommittedBeforeAnybodyListened) {
  const TemporaryDirectory directory;
  const auto store = must(Store::open(directory.path() / "metadata.db"));
  int woken = 0;
  must(store->write([](Transaction& tx) -> Result<void> {
    tx.purges.doom(InodeId(1000));
    return {};
  }));
  store->on_dirty([&woken] { ++woken; });
  EXPECT_EQ(woken, 1);
}

}  // namespace
}  // namespace reprieve::test
