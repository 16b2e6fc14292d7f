// SPDX-License-Identifier: Apache-2.0
// A store of every older schema, opened: its content is what it was, its tables are those of a new store, and what the
// newer version can do works on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "core/store/schema.h"
#include "tests/support/store_invariants.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;

class Database {
 public:
  explicit Database(const std::filesystem::path& store) { ::sqlite3_open((store / "metadata.db").c_str(), &opened_); }
  ~Database() { ::sqlite3_close(opened_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // The first column of every row.
  std::vector<std::string> ask(const std::string& sql) {
    std::vector<std::string> rows;
    char* complaint = nullptr;
    const auto keep = [](void* to, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(values[0] != nullptr ? values[0] : "");
      return 0;
    };
    EXPECT_EQ(::sqlite3_exec(opened_, sql.c_str(), keep, &rows, &complaint), SQLITE_OK)
        << (complaint != nullptr ? complaint : "");
    ::sqlite3_free(complaint);
    return rows;
  }

 private:
  sqlite3* opened_ = nullptr;
};

std::vector<std::string> tables(const std::filesystem::path& store) {
  return Database(store).ask("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name");
}

class UpgradeTest : public ::testing::TestWithParam<int> {
 protected:
  UpgradeTest() {
    volume_.close();
    fresh_ = tables(volume_.store());
    std::filesystem::remove_all(volume_.store());
    std::filesystem::create_directories(volume_.store() / "blobs/0/000");
    std::ifstream dump(std::string(FIXTURES) + "/schema-" + std::to_string(GetParam()) + ".sql");
    Database(volume_.store()).ask({std::istreambuf_iterator<char>(dump), {}});
    for (const auto& [blob, bytes] : {std::pair(12, "reads"), {13, "a note"}, {14, "data"}, {17, "inside"}}) {
      std::array<char, 32> name{};
      std::snprintf(name.data(), name.size(), "%016x", static_cast<unsigned>(blob));
      std::ofstream(volume_.store() / "blobs/0/000" / name.data()) << bytes;
    }
    volume_.reopen();
  }
  void TearDown() override {
    volume_.close();
    EXPECT_EQ(broken_invariants(volume_.store()), "");
    EXPECT_EQ(tables(volume_.store()), fresh_);
    EXPECT_THAT(Database(volume_.store()).ask("PRAGMA user_version"),
                ElementsAre(std::to_string(current_schema_version())));
  }

  Volume volume_;
  std::vector<std::string> fresh_;
};

TEST_P(UpgradeTest, ContentIsWhatItWas) {
  EXPECT_EQ(volume_.read("projects/P/samples/S/reads"), "reads");
  EXPECT_EQ(volume_.at("projects/P/d/hard"), volume_.at("projects/P/samples/S/reads"));
  EXPECT_EQ(volume_.attributes("projects/P/d/hard").links, 2U);
  EXPECT_EQ(volume_.tree("projects/P").at("d/hard").xattrs.at("user.note"), "kept");
  EXPECT_EQ(volume_.tree("projects/P").at("link").content, "note");
  EXPECT_EQ(volume_.read("runs/R/data"), "data");
  ASSERT_EQ(volume_.items().size(), 2U);
  EXPECT_EQ(volume_.item("note").origin, "projects/P/note");
  EXPECT_EQ(volume_.restore("note").state, BatchState::done);
  EXPECT_EQ(volume_.restore("tree").state, BatchState::done);
  EXPECT_EQ(volume_.read("projects/P/note"), "a note");
  EXPECT_EQ(volume_.read("projects/P/tree/inside"), "inside");
}

TEST_P(UpgradeTest, WhatIsNewerWorksOnIt) {
  FileSystem& core = volume_.core();
  volume_.write("projects/P/new", "new");
  volume_.trash("projects/P/d");
  must(core.items().set_status(volume_.account(), "runs/R", ItemStatus::failed, process(1)));
  if (GetParam() == 1) must(core.accounts().add("bob", 2000, 2000, process(1)));
  must(core.sharing().share(volume_.account(), "runs/R", "bob", Role::viewer, process(1)));
  const Account bob = must(core.accounts().find("bob"));
  EXPECT_TRUE(core.names().resolve(bob, "runs/R/data"));
  volume_.empty();
  EXPECT_EQ(volume_.items().size(), 0U);
}

TEST_P(UpgradeTest, SharesAreWhatTheyWere) {
  if (GetParam() < 2) GTEST_SKIP() << "there were none";
  FileSystem& core = volume_.core();
  const Account bob = must(core.accounts().find("bob"));
  const auto shares = must(core.sharing().list(bob));
  ASSERT_EQ(shares.size(), 2U);
  EXPECT_TRUE(core.names().resolve(bob, "projects/P~2/samples/S/reads"));
  EXPECT_EQ(refusal(core.names().resolve(bob, "projects/P~2/d")), Errc::not_found);
  EXPECT_EQ(must(core.items().describe(volume_.account(), "runs/R")).status, ItemStatus::complete);
  EXPECT_THAT(must(core.items().describe(volume_.account(), "projects/P/samples/S")).derived_from,
              ElementsAre("runs/R"));
  EXPECT_EQ(core.quotas().of(bob.id).value_or(Quota{}).limit, 1'000'000U);
  const UndoReport undone = must(core.undo().last(bob, {.uid = 2000, .gid = 2000, .thread = 50}));
  ASSERT_EQ(undone.results.size(), 1U);
  EXPECT_EQ(undone.results[0].effect, EventKind::rejoin);
  EXPECT_TRUE(core.names().resolve(bob, "runs/R/data"));
}

// Before version 8 they were in the trash of the collaborator who had deleted them.
TEST(UpgradeOfItemsTest, TheyGoToTheTrashOfTheirOwner) {
  Volume volume;
  const Account bob = must(volume.core().accounts().add("bob", 2000, 2000, process(1)));
  volume.mkdir("projects/P");
  for (const char* bytes : {"first", "second"}) {
    volume.write("projects/P/f", bytes);
    volume.trash("projects/P/f");
  }
  volume.close();
  {
    Database database(volume.store());
    for (const std::string& trigger : database.ask("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
      database.ask("DROP TRIGGER " + trigger);
    database.ask("DROP TABLE outdated_records");
    database.ask("UPDATE trash_items SET account = " + std::to_string(bob.id.number()) +
                 ", name = x'66' WHERE name <> x'66'; PRAGMA user_version = 7");
  }
  volume.reopen();
  EXPECT_THAT(must(volume.core().trash().list(bob, {})).items, ::testing::IsEmpty());
  ASSERT_EQ(volume.items().size(), 2U);
  EXPECT_EQ(volume.read(".trash/f"), "first");
  EXPECT_EQ(volume.restore(volume.items()[0].name).state, BatchState::done);
  volume.close();
  EXPECT_EQ(broken_invariants(volume.store()), "");
}

INSTANTIATE_TEST_SUITE_P(Schema, UpgradeTest, ::testing::Values(1, 2, 6));

}  // namespace
}  // namespace reprieve::test
