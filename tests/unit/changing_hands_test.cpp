// SPDX-License-Identifier: Apache-2.0
// What lies in a directory is its owner's, whatever an editor deletes, moves and takes back; else the editor would get
// hold of what its owner puts there later. The fixture holds the store against the rules at the end of each case.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>

#include <SQLiteCpp/SQLiteCpp.h>

#include "tests/unit/sharing_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ChangingHandsTest : public SharingTest {
 protected:
  ChangingHandsTest() {
    share(Role::editor);
    bob_makes("projects/own");
  }
  // A file of bob's with names in both directories, of which the first one is deleted.
  void bob_leaves_one_of_two_names(const std::string& first, const std::string& second) {
    must(bob_creates(first));
    must(bob_links(first, second));
    must(bob_unlinks(first));
  }
  void bob_trashes(const std::string& path) {
    must(core().names().rename(bob_, parent_of(path), name_of(path), bob_.trash, name_of(path), RenameMode::replace,
                               bobs(5)));
  }
  // The owner writes there, and all of bob's ways to destroy it are tried.
  void expect_safe(const std::string& directory) {
    volume_.write(directory + "/data", "the only copy");
    if (bob_sees(directory)) static_cast<void>(bob_renames(directory, "projects/own/taken"));
    static_cast<void>(core().trash().trash_paths(bob_, {directory}, bobs(6)));
    for (const TrashItem& item : bobs_items()) must(core().empty_plans().purge(bob_, {item.id}, bobs(6)));
    volume_.reopen();
    const TreeState all = volume_.tree("");
    const bool is_there =
        std::ranges::any_of(all, [](const auto& node) { return node.second.content == "the only copy"; });
    bool is_in_trash = false;
    for (const TrashItem& item : volume_.items()) is_in_trash |= item.figures && item.figures->files > 0;
    EXPECT_TRUE(is_there || is_in_trash);
  }
};

TEST_F(ChangingHandsTest, WhatTakesThePlaceBringsItsOtherNameAlong) {
  bob_leaves_one_of_two_names("projects/P/d/x", "projects/P/e/x");
  must(bob_renames("projects/P/e/x", "projects/P/d/x"));
  const auto undone = must(core().undo().last(bob_, bobs(6)));
  EXPECT_EQ(undone.results.at(0).code, code_name(Errc::exists)) << undone.results.at(0).reason;
  EXPECT_EQ(volume_.attributes("projects/P/d/x").uid, 1000U);
}

TEST_F(ChangingHandsTest, ASampleThatTakesItsOwnPlace) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  bob_makes("projects/P/samples/S");
  must(core().items().add_to(volume_.account(), "projects/Q", "projects/P/samples/S", process(1)));
  must(bob_rmdirs("projects/P/samples/S"));
  must(bob_renames("projects/Q/samples/S", "projects/P/samples/S"));
  must(core().undo().last(bob_, bobs(6)));
  expect_safe("projects/P/samples/S");
}

TEST_F(ChangingHandsTest, WhatIsFoldedBackIntoADirectoryThatIsHidden) {
  bob_makes("projects/P/e/made");
  bob_leaves_one_of_two_names("projects/P/d/x", "projects/P/e/made/x");
  bob_trashes("projects/P/e/made");
  must(bob_unlinks("projects/P/d/g"));
  must(bob_rmdirs("projects/P/d"));
  EXPECT_THAT(volume_.children("projects/P/d"), UnorderedElementsAre("g"));
  // It is bob's, and in its trash.
  EXPECT_EQ(bobs_items().size(), 2U);
}

TEST_F(ChangingHandsTest, ADirectoryThatIsFoldedBackIntoOneThatIsHidden) {
  bob_makes("projects/P/e/s");
  bob_makes("projects/P/made");
  bob_leaves_one_of_two_names("projects/P/e/s/x", "projects/P/made/x");
  bob_trashes("projects/P/made");
  must(bob_rmdirs("projects/P/e/s"));
  must(bob_rmdirs("projects/P/e"));
  must(core().undo().last(bob_, bobs(6)));
  if (volume_.exists("projects/P/e/s")) expect_safe("projects/P/e/s");
}

TEST_F(ChangingHandsTest, WhatIsFoldedIntoADirectoryThatGoesToTheOwner) {
  bob_makes("projects/P/D");
  bob_makes("projects/P/D/s");
  bob_makes("projects/P/made");
  volume_.write("projects/P/D/x", "the owner's");
  bob_leaves_one_of_two_names("projects/P/D/s/f", "projects/P/made/f");
  bob_trashes("projects/P/made");
  must(bob_rmdirs("projects/P/D/s"));
  must(bob_unlinks("projects/P/D/x"));
  must(bob_rmdirs("projects/P/D"));
  EXPECT_EQ(volume_.restore("D").state, BatchState::done);
  EXPECT_EQ(volume_.read("projects/P/D/x"), "the owner's");
  if (volume_.exists("projects/P/D/s")) expect_safe("projects/P/D/s");
}

TEST_F(ChangingHandsTest, WhatMakesWayForATreeAndHasNamesOfWhatIsInIt) {
  bob_makes("projects/P/T");
  bob_makes("projects/P/m");
  bob_leaves_one_of_two_names("projects/P/T/x", "projects/P/m/x");
  must(bob_renames("projects/P/m", "projects/own/m"));
  if (bob_renames("projects/own/m", "projects/P/T")) {
    expect_safe("projects/P/T");
  } else {
    EXPECT_TRUE(bob_sees("projects/own/m/x"));
    EXPECT_TRUE(volume_.exists("projects/P/T"));
  }
}

TEST_F(ChangingHandsTest, WhatAnotherMadeInAnEditorsDirectoryStaysInItsItem) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  bob_makes("projects/P/D");
  bob_makes("projects/P/D/t");
  volume_.write("projects/P/D/f", "the owner's");
  volume_.write("projects/P/D/t/g", "the owner's");
  EXPECT_EQ(refusal(bob_links("projects/P/D/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D/f", "projects/Q/f")), Errc::not_yours);
  EXPECT_EQ(refusal(bob_renames("projects/P/D/t", "projects/Q/t")), Errc::not_yours);
  must(bob_renames("projects/P/D/f", "projects/P/e/f"));
  bob_makes("projects/P/own");
  must(bob_creates("projects/P/own/x"));
  must(bob_renames("projects/P/own", "projects/Q/own"));
}

TEST_F(ChangingHandsTest, FoldersOfSamplesAreNoEditorsOwn) {
  must(volume_.rmdir("projects/P/samples"));
  bob_makes("projects/P/made");
  must(bob_renames("projects/P/made", "projects/P/samples"));
  volume_.mkdir("projects/P/samples/S");
  must(bob_rmdirs("projects/P/samples/S"));
  EXPECT_TRUE(volume_.exists("projects/P/samples/S"));
  EXPECT_THAT(volume_.items(), ::testing::SizeIs(1));  // samples/ itself
}

TEST_F(ChangingHandsTest, AnEditorsReplacingDestroysOnlyItsOwn) {
  volume_.close();
  volume_.settings().trash.keep_replaced = false;
  volume_.open();
  bob_makes("projects/P/D");
  volume_.write("projects/P/D/f", "the owner's");
  must(bob_creates("projects/P/new"));
  must(bob_renames("projects/P/new", "projects/P/D/f"));
  EXPECT_EQ(volume_.items().size(), 1U);
}

TEST_F(ChangingHandsTest, ADirectoryThatStaysDoesNotGoBackInTime) {
  must(bob_creates("projects/P/d/x"));
  must(bob_unlinks("projects/P/d/x"));
  must(bob_unlinks("projects/P/d/g"));
  volume_.set_xattr("projects/P/d", "user.key", "value");
  const Timestamp changed = volume_.attributes("projects/P/d").changed;
  must(bob_rmdirs("projects/P/d"));
  EXPECT_GE(volume_.attributes("projects/P/d").changed, changed);
}

TEST_F(ChangingHandsTest, AGroupOfAnEditorsStaysTogetherInEachTrash) {
  volume_.mkdir("projects/Q");
  share(Role::editor, "projects/Q");
  must(core().names().create(bob_, target("runs").inode, EntryName::literal("R"), {.mode = S_IFDIR | 0755}, bobs(5)));
  bob_makes("projects/P/samples/S");
  must(core().items().add_to(volume_.account(), "projects/Q", "projects/P/samples/S", process(1)));
  must(core().items().associate(bob_, "projects/P/samples/S", {"runs/R"}, bobs(5)));
  const auto outcomes = core().trash().trash_paths(bob_, {"runs/R"}, bobs(6), {.mode = TrashMode::with_associated});
  EXPECT_EQ(outcomes.size(), 3U);
  EXPECT_THAT(volume_.items(), IsEmpty());
  std::set<TrashItemId> leaders;
  for (const TrashItem& item : bobs_items()) leaders.insert(item.together);
  EXPECT_EQ(leaders.size(), 1U);
}

// Two accounts do anything in few places, so that much of it meets. Afterwards all rules hold, and nothing that the
// owner made, and never destroyed, is gone or another's.
class AnythingByTwo : public ::testing::TestWithParam<unsigned> {};

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t bound) { return random_() % bound; }
  template <typename List>
  const auto& of(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::mt19937 random_;
};

struct Two {
  Volume volume;
  Account bob;
  std::set<std::int64_t> made_by_owner;
  std::ostringstream log;

  Two() {
    volume.mkdir("projects/P");
    volume.mkdir("projects/Q");
    bob = must(volume.core().accounts().add("bob", kBob, kBob, process(1)));
    for (const char* project : {"projects/P", "projects/Q"})
      must(volume.core().sharing().share(volume.account(), project, "bob", Role::editor, process(1)));
    must(volume.core().names().create(bob, bob.projects, EntryName::literal("own"), {.mode = S_IFDIR | 0755},
                                      {.uid = kBob, .gid = kBob, .thread = 50}));
  }
};

struct Place {
  InodeId directory;
  EntryName name;
};

std::optional<Place> any_place(Two& two, Chance& chance, const Account& account) {
  static constexpr std::array kDirectories{"projects/P",     "projects/P/a",       "projects/P/b", "projects/P/a/b",
                                           "projects/Q",     "projects/Q/a",       "projects/own", "projects/own/a",
                                           "projects/own/b", "projects/P/samples", ".trash",       ".trash/a",
                                           ".trash/b"};
  static constexpr std::array kNames{"a", "b", "c"};
  const std::string directory = chance.of(kDirectories);
  const std::string name = chance.of(kNames);
  two.log << ' ' << directory << '/' << name;
  const auto found = two.volume.core().names().resolve(account, directory);
  if (!found) return std::nullopt;
  return Place{found->inode, EntryName::literal(name)};
}

void do_anything(Two& two, Chance& chance) {
  FileSystem& core = two.volume.core();
  const bool is_owner = chance.below(3) == 0;
  const Account& account = is_owner ? two.volume.account() : two.bob;
  const uid_t user = is_owner ? 1000 : kBob;
  const int number = static_cast<int>((is_owner ? 1 : 4) + chance.below(2));
  const Caller by{.uid = user, .gid = user, .thread = number * 10};
  two.volume.clock().advance(std::chrono::seconds(chance.below(2)));
  two.log << account.name << ' ' << number;
  const auto at = [&] { return any_place(two, chance, account); };
  const auto child = [&](const std::optional<Place>& place) -> std::optional<InodeId> {
    const auto seen = place ? core.names().lookup(account, place->directory, place->name) : fail(Errc::not_found);
    return seen ? std::optional(seen->inode) : std::nullopt;
  };
  switch (chance.below(12)) {
    case 0:
    case 1: {
      two.log << " create";
      const auto place = at();
      const auto made = place ? core.content().create(account, place->directory, place->name, 0644, O_RDWR, by)
                              : Result<CreatedFile>(fail(Errc::not_found));
      if (made && is_owner) two.made_by_owner.insert(made->attributes.inode.number());
      break;
    }
    case 2:
    case 3: {
      two.log << " mkdir";
      const auto place = at();
      if (place)
        static_cast<void>(core.names().create(account, place->directory, place->name, {.mode = S_IFDIR | 0755}, by));
      break;
    }
    case 4:
    case 5: {
      two.log << " link";
      const auto from = child(at());
      const auto to = at();
      if (from && to) static_cast<void>(core.names().link(account, *from, to->directory, to->name, by));
      break;
    }
    case 6: {
      two.log << " unlink";
      const auto place = at();
      if (place) static_cast<void>(core.names().unlink(account, place->directory, place->name, by));
      break;
    }
    case 7: {
      two.log << " rmdir";
      const auto place = at();
      if (place) static_cast<void>(core.names().rmdir(account, place->directory, place->name, by));
      break;
    }
    case 8:
    case 9: {
      two.log << " rename";
      const auto from = at();
      const auto to = at();
      const auto mode = chance.below(6) == 0 ? RenameMode::exchange : RenameMode::replace;
      if (from && to)
        static_cast<void>(core.names().rename(account, from->directory, from->name, to->directory, to->name, mode, by));
      break;
    }
    case 10: {
      two.log << " undo";
      static_cast<void>(core.undo().last(account, by));
      break;
    }
    default: {
      const auto items = must(core.trash().list(account, {})).items;
      if (items.empty()) break;
      const TrashItem& item = chance.of(items);
      two.log << " restore or purge " << item.name;
      const bool purges = !is_owner && chance.below(2) == 0;
      constexpr std::array kCollisions{OnCollision::fail, OnCollision::rename, OnCollision::replace};
      if (purges) {
        static_cast<void>(core.empty_plans().purge(account, {item.id}, by));
      } else {
        const RestoreOptions options{
            .on_collision = chance.of(kCollisions), .recreate_parents = chance.below(2) == 0, .to = {}};
        static_cast<void>(core.trash().restore(account, {item.id}, options, by));
      }
    }
  }
  two.log << '\n';
}

TEST_P(AnythingByTwo, LeavesTheOwnerItsOwn) {
  const char* const wanted = std::getenv("REPRIEVE_SEQUENCES");
  const unsigned sequences = wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : 8;
  for (unsigned sequence = 0; sequence < sequences; ++sequence) {
    const unsigned seed = GetParam() * 100'000 + sequence;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    Two two;
    for (int i = 0; i < 80; ++i) do_anything(two, chance);
    const AccountId owner = two.volume.account().id;
    two.volume.close();
    ASSERT_EQ(broken_invariants(two.volume.store()), "") << two.log.str();
    const SQLite::Database database((two.volume.store() / "metadata.db").string());
    SQLite::Statement left(database, "SELECT id FROM inodes WHERE owner = ?1");
    left.bind(1, owner.number());
    std::set<std::int64_t> owned;
    while (left.executeStep()) owned.insert(left.getColumn(0).getInt64());
    for (const std::int64_t made : two.made_by_owner)
      ASSERT_TRUE(owned.contains(made)) << made << '\n' << two.log.str();
  }
}

INSTANTIATE_TEST_SUITE_P(Part, AnythingByTwo, ::testing::Range(0U, 8U));

}  // namespace
}  // namespace reprieve::test
