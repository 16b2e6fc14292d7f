// SPDX-License-Identifier: Apache-2.0
// Damage of each kind: it is told under the name of its rule, and after a repair nothing is wrong and nothing is lost.
#include "core/upkeep/checker.h"

#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <set>

#include "tests/unit/two_accounts.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kAll = 10'000;

enum class Outcome : std::uint8_t {
  whole,      // everything can still be read
  one_lost,   // but for the file whose bytes were taken away
  left_alone  // is told, and left to people
};

struct Damage {
  std::string_view rule;
  std::string_view name;  // of the case
  std::string_view sql;   // words in braces stand for what is in the store; see filled_in()
  Outcome outcome = Outcome::whole;
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.rule << ": " << damage.name; }

constexpr std::array kDamages{
    Damage{"account-folder", "unnamed", "DELETE FROM entries WHERE name = CAST('runs' AS BLOB)", Outcome::left_alone},
    Damage{"inode-number", "reused", "UPDATE sequences SET next = 5 WHERE name = 'inode'"},
    Damage{"inode-kind", "file", "UPDATE inodes SET kind = 0 WHERE id = {d}", Outcome::left_alone},
    Damage{"symlink-target", "none", "UPDATE inodes SET target = NULL WHERE id = {link}", Outcome::left_alone},
    Damage{"inode-owner", "nobody", "UPDATE inodes SET owner = 99 WHERE id = {g}"},
    Damage{"inode-owner", "of_a_tree", "UPDATE inodes SET owner = 99 WHERE id IN ({d}, {e}, {g})"},
    Damage{"inode-unnamed", "file", "DELETE FROM entries WHERE inode = {f}"},
    Damage{"inode-unnamed", "directory", "DELETE FROM entries WHERE inode = {d}"},
    Damage{"inode-unnamed", "sample", "DELETE FROM entries WHERE inode = {S}"},
    Damage{"inode-unnamed", "samples",
           "DELETE FROM entries WHERE inode = (SELECT parent FROM entries WHERE inode = {S})"},
    Damage{"inode-unnamed", "project", "DELETE FROM entries WHERE inode = {P}"},
    Damage{"inode-unnamed", "run", "DELETE FROM entries WHERE inode = {R}"},
    Damage{"directory-cycle", "two", "UPDATE entries SET parent = {e} WHERE inode = {d}"},
    Damage{"item-at-home", "twice", "INSERT INTO entries VALUES ({projects}, 1, x'51', {P}, NULL, NULL)"},
    Damage{"item-at-home", "never", "DELETE FROM entries WHERE inode = {P} AND role IS NULL"},
    Damage{"file-links", "too_many", "UPDATE inodes SET links = 7 WHERE id = {f}"},
    Damage{"directory-links", "too_few", "UPDATE inodes SET links = 0 WHERE id = {d}"},
    Damage{"entry-number", "reused", "UPDATE sequences SET next = 3 WHERE name = 'entry'"},
    Damage{"entry-name", "slash", "UPDATE entries SET name = x'612f62' WHERE inode = {f}"},
    Damage{"entry-name", "empty", "UPDATE entries SET name = x'' WHERE inode = {d}"},
    Damage{"entry-inode", "file", "DELETE FROM inodes WHERE id = {f}"},
    Damage{"entry-inode", "directory", "DELETE FROM inodes WHERE id = {d}"},
    Damage{"entry-inode", "trashed", "DELETE FROM inodes WHERE id = {t}"},
    Damage{"entry-directory", "nowhere", "UPDATE entries SET parent = 777777 WHERE inode = {f}"},
    Damage{"entry-directory", "in_a_file", "UPDATE entries SET parent = {f} WHERE inode = {d}"},
    Damage{"entry-mark", "no_item", "UPDATE entries SET item = 999 WHERE inode = {f}"},
    Damage{"entry-mark", "lost_item", "DELETE FROM trash_items"},
    Damage{"entry-place", "at_the_top", "UPDATE entries SET parent = {root} WHERE inode = {f}"},
    Damage{"entry-place", "folder_among_projects", "UPDATE entries SET parent = {projects} WHERE inode = {d}"},
    Damage{"entry-owner", "other", "UPDATE inodes SET owner = {bob} WHERE id = {d}"},
    Damage{"entry-role", "other", "UPDATE entries SET role = 1 WHERE role = 2"},
    Damage{"entry-role", "not_shared", "UPDATE entries SET role = 1 WHERE inode = {R}"},
    Damage{"entry-role", "no_grant", "DELETE FROM grants"},
    Damage{
        "entry-of-trashed", "project",
        "INSERT INTO trash_items (id, account, name, kind, parent, entry, inode, origin, session, deleted_by, uid,"
        " deleted, parent_modified_before, parent_modified_after) SELECT 1000, i.owner, x'50', 2, e.parent, e.id, i.id,"
        " x'50', (SELECT max(id) FROM sessions), i.owner, 0, 0, 0, 0 FROM entries e JOIN inodes i ON"
        " i.id = e.inode WHERE i.id = {P} AND e.role IS NULL;"
        " UPDATE sequences SET next = 1001 WHERE name = 'event';"
        " UPDATE entries SET item = 1000 WHERE inode = {P} AND role IS NULL;"
        " UPDATE inodes SET links = links - 1 WHERE id = {projects}"},
    Damage{"item-number", "reused", "UPDATE sequences SET next = 1 WHERE name = 'event'"},
    Damage{"item-entry", "gone", "DELETE FROM entries WHERE inode = {t}"},
    Damage{"item-account", "gone", "UPDATE trash_items SET account = 99"},
    Damage{"item-owner", "in_another_trash", "UPDATE trash_items SET account = {bob}"},
    Damage{"item-session", "gone", "DELETE FROM sessions", Outcome::left_alone},
    Damage{"xattr-inode", "gone", "INSERT INTO xattrs VALUES (777777, x'78', x'76')"},
    Damage{"grant-item", "of_a_file", "INSERT INTO grants VALUES ({f}, {bob}, 1, 1, x'66', 0)"},
    Damage{"grant-account", "gone", "INSERT INTO grants VALUES ({P}, 99, 1, 1, x'50', 0)"},
    Damage{"grant-entry", "gone", "DELETE FROM entries WHERE role IS NOT NULL"},
    Damage{"hidden-entry", "gone", "INSERT INTO hidden_entries SELECT {bob}, {P}, 999999, max(id), 1, 0 FROM sessions"},
    Damage{"hidden-share", "none",
           "INSERT INTO hidden_entries SELECT {bob}, {R}, (SELECT id FROM entries WHERE inode = {r}), max(id), 1, 0"
           " FROM sessions"},
    Damage{"hidden-session", "gone",
           "INSERT INTO hidden_entries SELECT {bob}, {P}, (SELECT id FROM entries WHERE inode = {f}), 999, 1, 0"},
    Damage{"derivation-items", "gone", "INSERT INTO derivations VALUES ({S}, 777777)"},
    Damage{"doomed-blob", "of_a_file", "INSERT INTO doomed_blobs VALUES ({f})"},
    Damage{"outcome-key", "gone", "INSERT INTO idempotency_outcomes VALUES (7, 1, x'')"},
    Damage{"plan-account", "gone",
           "INSERT INTO empty_plans (token, account, uid, expires, items) VALUES (x'', 99, 0, 0, x'')"},
    Damage{"file-blob", "gone", "", Outcome::one_lost},
    Damage{"blob-inode", "stray", ""},
    Damage{"blob-type", "directory", "", Outcome::left_alone},
    Damage{"lost-mark", "found", "INSERT INTO xattrs VALUES ({f}, CAST('trusted.reprieve.lost' AS BLOB), x'76')"},
};

class CheckerTest : public TwoAccounts, public ::testing::WithParamInterface<Damage> {
 protected:
  CheckerTest() {
    volume_.write("projects/P/f", "bytes of f");
    volume_.mkdir("projects/P/d");
    volume_.mkdir("projects/P/d/e");
    volume_.write("projects/P/d/e/g", "bytes of g");
    volume_.symlink("projects/P/link", "f");
    volume_.mkdir("projects/P/samples/S");
    volume_.write("projects/P/samples/S/s", "bytes of s");
    volume_.mkdir("runs/R");
    volume_.write("runs/R/r", "bytes of r");
    volume_.mkdir("projects/P/t");
    volume_.write("projects/P/t/u", "bytes of u");
    volume_.trash("projects/P/t");
    bob_writes("projects/P/of_bob", "bytes of bob");
    must(core().items().associate(lab(), "projects/P/samples/S", {"runs/R"}, process(1)));
  }
  void TearDown() override {
    volume_.close();
    if (GetParam().outcome == Outcome::left_alone) return;
    EXPECT_EQ(broken_invariants(volume_.store()), "");
  }

  SQLite::Database database() {
    return SQLite::Database((volume_.store() / "metadata.db").string(), SQLite::OPEN_READWRITE);
  }
  std::int64_t number(const std::string& query) {
    auto opened = database();
    return opened.execAndGet(query).getInt64();
  }
  std::int64_t inode_named(const std::string& name) {
    return number("SELECT inode FROM entries WHERE name = CAST('" + name + "' AS BLOB) AND role IS NULL");
  }
  std::string filled_in(std::string sql) {
    for (std::size_t open = sql.find('{'); open != std::string::npos; open = sql.find('{')) {
      const std::size_t close = sql.find('}', open);
      const std::string word = sql.substr(open + 1, close - open - 1);
      const std::int64_t value = word == "bob"        ? bob_.id.number()
                                 : word == "root"     ? lab().root.number()
                                 : word == "projects" ? lab().projects.number()
                                                      : inode_named(word);
      sql.replace(open, close - open + 1, std::to_string(value));
    }
    return sql;
  }
  fs::path blob(std::int64_t number) {
    char text[64];
    std::snprintf(text, sizeof text, "blobs/%llx/%03llx/%016llx", static_cast<unsigned long long>(number) >> 20,
                  (static_cast<unsigned long long>(number) >> 10) & 0x3ff, static_cast<unsigned long long>(number));
    return volume_.store() / text;
  }

  void plant(const Damage& damage) {
    if (damage.rule == "file-blob") {
      fs::remove(blob(inode_named("f")));
    } else if (damage.rule == "blob-type") {
      fs::remove(blob(inode_named("f")));
      fs::create_directory(blob(inode_named("f")));
    } else if (damage.rule == "blob-inode") {
      // Of a file that was made and is gone.
      const std::int64_t gone = number("SELECT next FROM sequences WHERE name = 'inode'");
      database().exec("UPDATE sequences SET next = " + std::to_string(gone + 1) +
                      " WHERE name IN ('inode', 'blob_tail')");
      fs::create_directories(blob(gone).parent_path());
      std::ofstream(blob(gone)) << "bytes of nobody";
    } else {
      const std::string sql = filled_in(std::string(damage.sql));
      auto opened = database();
      opened.exec(sql);
    }
  }

  void collect(const Account& account, InodeId directory, std::set<std::string>& contents) {
    for (const ListedEntry& entry : must(core().names().list(account, directory, {}, kAll, Detail::attributes))) {
      const InodeId inode = entry.attributes.inode;
      if (S_ISDIR(entry.attributes.mode)) collect(account, inode, contents);
      if (!S_ISREG(entry.attributes.mode)) continue;
      const auto file = core().content().open(account, inode, O_RDONLY);
      if (file) contents.insert(Volume::read(*file));
    }
  }
  // Of all files that any account can read, in its tree or in its trash.
  std::set<std::string> contents() {
    std::set<std::string> found;
    for (const Account& account : must(core().accounts().all())) collect(account, account.root, found);
    return found;
  }

  CheckReport check(CheckMode mode = CheckMode::find) {
    return must(check_closed_store(volume_.store(), mode, volume_.clock()));
  }
  static std::string told(const CheckReport& report) {
    std::string lines;
    for (const Finding& finding : report.findings) {
      lines += finding.rule + " " + finding.account + ":" + finding.path + " inode " +
               std::to_string(finding.subject.inode.number()) + ": " + finding.message + "; " + finding.repaired + "\n";
    }
    return lines;
  }
  static bool names(const CheckReport& report, std::string_view rule) {
    return std::ranges::count(report.findings, rule, &Finding::rule) > 0;
  }
};

TEST_P(CheckerTest, IsToldAndRepaired) {
  const Damage& damage = GetParam();
  std::set<std::string> expected = contents();
  ASSERT_EQ(expected.size(), 6U);
  volume_.close();
  EXPECT_EQ(told(check()), "");
  plant(damage);

  const CheckReport before = check();
  EXPECT_TRUE(names(before, damage.rule)) << told(before);
  EXPECT_EQ(before.repaired, 0U);
  EXPECT_EQ(told(check()), told(before)) << "looking changes nothing";

  const CheckReport repaired = check(CheckMode::repair);
  if (damage.outcome == Outcome::left_alone) {
    EXPECT_LT(repaired.repaired, repaired.found) << told(repaired);
    EXPECT_TRUE(names(check(), damage.rule));
    return;
  }
  EXPECT_EQ(repaired.repaired, repaired.found) << told(repaired);
  EXPECT_EQ(told(check()), "") << told(repaired);

  volume_.open();
  if (damage.outcome == Outcome::one_lost) expected.erase("bytes of f");
  if (damage.rule == "blob-inode") expected.insert("bytes of nobody");
  EXPECT_EQ(contents(), expected) << told(repaired);
  const auto events =
      must(core().history().list(std::nullopt, {.kind = EventKind::repair, .since = {}, .limit = kAll}));
  EXPECT_EQ(events.size(), repaired.repaired);
  // What was put right can be worked with.
  volume_.mkdir("projects/more");
}

std::string case_name(const ::testing::TestParamInfo<Damage>& info) {
  std::string name = std::string(info.param.rule) + "_" + std::string(info.param.name);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Damages, CheckerTest, ::testing::ValuesIn(kDamages), case_name);

// A way up from each directory to the top takes minutes here.
TEST(DeepTree, IsCheckedInShortTimeAlsoWhereItIsOneCycle) {
  constexpr int kDepth = 20'000;
  Volume volume;
  volume.mkdir("projects/P");
  volume.mkdir("projects/P/a");
  const InodeId lowest = volume.at("projects/P/a");
  for (int depth = 1; depth < kDepth; ++depth) {
    volume.mkdir("projects/P/b");
    must(volume.rename("projects/P/a", "projects/P/b/a"));
    must(volume.rename("projects/P/b", "projects/P/a"));
  }
  const InodeId highest = volume.at("projects/P/a");
  volume.close();
  const auto check = [&volume](CheckMode mode) {
    const CheckReport report = must(check_closed_store(volume.store(), mode, volume.clock()));
    EXPECT_LT(report.took, std::chrono::minutes(1));
    return report;
  };
  EXPECT_EQ(check(CheckMode::find).found, 0U);

  SQLite::Database((volume.store() / "metadata.db").string(), SQLite::OPEN_READWRITE)
      .exec("UPDATE entries SET parent = " + std::to_string(lowest.number()) +
            " WHERE inode = " + std::to_string(highest.number()));
  const CheckReport report = check(CheckMode::find);
  EXPECT_EQ(std::ranges::count(report.findings, "directory-cycle", &Finding::rule), 1);
  check(CheckMode::repair);
  EXPECT_EQ(broken_invariants(volume.store()), "");
}

}  // namespace
}  // namespace reprieve::test
