// SPDX-License-Identifier: Apache-2.0
// A store that cannot be served is refused with a clear message and stays as it was, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::map<std::string, std::string> bytes_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    all[entry.path()] = entry.is_regular_file() ? read_file(entry.path()) : "";
  return all;
}

class StoreRefusal : public MountTest {
 protected:
  // A store with something in it and no daemon.
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    make_rich_tree(project() / "tree");
    succeed({"rm", "-r", project() / "tree"});
    for (int i = 0; i < 300; ++i) write_file(project() / ("file" + std::to_string(i)), "x");
    ASSERT_EQ(daemon_->stop(), 0);
  }
  void TearDown() override {}

  [[nodiscard]] std::filesystem::path database() const { return daemon_->store() / "metadata.db"; }

  void overwrite(std::streamoff offset, const std::string& bytes) const {
    std::fstream file(database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  template <typename Matcher>
  void expect_refused(const Matcher& message) const {
    const auto before = bytes_of(daemon_->store());
    const std::size_t logged = daemon_->log().size();
    EXPECT_FALSE(daemon_->start());
    EXPECT_FALSE(daemon_->running());
    EXPECT_EQ(daemon_->stop(), 1);
    EXPECT_THAT(daemon_->log().substr(logged), message);
    EXPECT_FALSE(is_mount_point(daemon_->mount()));
    const auto after = bytes_of(daemon_->store());
    for (const auto& [path, bytes] : after) {
      if (bytes.empty() && path == database().string() + "-wal") continue;  // SQLite makes it before it reads anything
      const auto known = before.find(path);
      EXPECT_TRUE(known != before.end() && known->second == bytes) << path << " is new or was changed";
    }
    for (const auto& [path, bytes] : before) EXPECT_TRUE(after.contains(path)) << path << " is gone";
  }
};

TEST_F(StoreRefusal, ThatAnotherProcessHolds) {
  ASSERT_TRUE(daemon_->start());
  const std::filesystem::path elsewhere = directory_.path() / "elsewhere";
  std::filesystem::create_directory(elsewhere);
  const std::string before = read_file(database());
  const CommandResult second = run({REPRIEVED_PATH, "--store", daemon_->store(), "--mount", "lab=" + elsewhere.string(),
                                    "--socket", directory_.path() / "second.sock"});
  EXPECT_EQ(second.exit_code, 1) << second.describe();
  EXPECT_THAT(second.err, HasSubstr("another process"));
  EXPECT_FALSE(is_mount_point(elsewhere));
  EXPECT_TRUE(before == read_file(database()));
  write_file(project() / "still", "served");
  EXPECT_EQ(read_file(project() / "still"), "served");
}

TEST_F(StoreRefusal, OfANewerSchema) {
  overwrite(60, std::string("\x00\x01\x00\x00", 4));  // user_version
  expect_refused(HasSubstr("schema version"));
}

TEST_F(StoreRefusal, OfAnotherProgram) {
  overwrite(68, std::string("\0\0\0\0", 4));  // application_id
  expect_refused(AnyOf(HasSubstr("not a"), HasSubstr("damaged")));
}

TEST_F(StoreRefusal, ThatIsNoDatabase) {
  overwrite(0, "This is a letter to my grandmother, and no database at all.");
  expect_refused(AnyOf(HasSubstr("not a"), HasSubstr("damaged")));
}

TEST_F(StoreRefusal, ThatIsCutShort) {
  std::filesystem::resize_file(database(), std::filesystem::file_size(database()) / 2);
  expect_refused(HasSubstr("damaged"));
}

TEST_F(StoreRefusal, ThatHasAScribbledPage) {
  constexpr std::streamoff kPage = 4096;
  overwrite(3 * kPage, std::string(kPage, '\x5a'));
  expect_refused(HasSubstr("damaged"));
}

TEST_F(StoreRefusal, WithoutItsBlobs) {
  std::filesystem::rename(daemon_->store() / "blobs", directory_.path() / "blobs");
  expect_refused(HasSubstr("blobs"));
}

TEST_F(StoreRefusal, ThatIsAFile) {
  std::filesystem::rename(daemon_->store(), directory_.path() / "kept");
  write_file(daemon_->store(), "a file");
  EXPECT_FALSE(daemon_->start());
  EXPECT_EQ(daemon_->stop(), 1);
  EXPECT_EQ(read_file(daemon_->store()), "a file");
}

TEST_F(StoreRefusal, ButNotOneThatIsSound) {
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_TRUE(std::filesystem::exists(trash() / "tree/plain"));
  EXPECT_EQ(daemon_->stop(), 0);
}

}  // namespace
}  // namespace reprieve::test
