// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class NamespaceTest : public ::testing::Test {
 protected:
  std::optional<Errc> make(std::string_view parent, const std::string& name, mode_t mode) {
    const NewNode node{.mode = mode, .symlink_target = S_ISLNK(mode) ? "x" : ""};
    return refusal(
        volume_.names().create(volume_.account(), volume_.at(parent), EntryName::literal(name), node, process(1)));
  }
  std::optional<Errc> rename(std::string_view from, std::string_view to, RenameMode mode = RenameMode::replace) {
    return refusal(volume_.rename(from, to, mode));
  }
  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(NamespaceTest, TheAttributesOfAnInodeAreBounded) {
  volume_.write("projects/p/f", "");
  const auto set = [this](const std::string& name, std::size_t size) {
    return refusal(volume_.core().attributes().set_xattr(volume_.account(), volume_.at("projects/p/f"), name,
                                                         std::string(size, 'x'), XattrMode::set, process(1)));
  };
  int set_so_far = 0;
  while (set_so_far < 100 && !set("user." + std::to_string(set_so_far), 65536)) ++set_so_far;
  EXPECT_EQ(set_so_far, 15);  // of 16 the names are too much
  EXPECT_EQ(set("user.more", 65536), Errc::no_space);
  EXPECT_EQ(set("user.0", 65536), std::nullopt);
  EXPECT_EQ(set("user.0", 10), std::nullopt);
  EXPECT_EQ(set("user.more", 65536), std::nullopt);
  EXPECT_EQ(set("user.0", 65536), Errc::no_space);
  volume_.write("projects/p/g", "");
  volume_.set_xattr("projects/p/g", "user.other", "inode");
}

TEST_F(NamespaceTest, TheSkeletonIsThere) {
  EXPECT_THAT(volume_.children(""), ElementsAre("projects", "runs", ".trash"));
  EXPECT_EQ(volume_.attributes("").links, 5U);
  EXPECT_EQ(must(volume_.names().parent_of(volume_.account(), volume_.account().root)), volume_.account().root);
  EXPECT_EQ(volume_.attributes(".trash").mode, static_cast<mode_t>(S_IFDIR | 0700));
}

TEST_F(NamespaceTest, TheSkeletonCannotBeRemovedOrMoved) {
  volume_.mkdir("projects/p/d");
  for (const char* name : {"projects", "runs", ".trash"}) {
    EXPECT_EQ(refusal(volume_.rmdir(name)), Errc::skeleton) << name;
    EXPECT_EQ(rename(name, "projects/p/d/x"), Errc::skeleton) << name;
    EXPECT_EQ(rename(name, "projects/x"), Errc::skeleton) << name;
    EXPECT_EQ(rename(name, ".trash/x"), Errc::skeleton) << name;
    EXPECT_EQ(rename("projects/p/d", name), Errc::skeleton) << name;
    EXPECT_EQ(rename("projects/p/d", name, RenameMode::exchange), Errc::skeleton) << name;
    EXPECT_EQ(volume_.core().trash().trash_paths(volume_.account(), {name}, process(1)).at(0).code, "skeleton");
  }
}

TEST_F(NamespaceTest, NothingElseIsMadeInTheRoot) {
  for (const mode_t mode : std::initializer_list<mode_t>{S_IFDIR, S_IFREG, S_IFLNK, S_IFIFO}) {
    EXPECT_EQ(make("", "x", mode | 0700), Errc::skeleton);
    EXPECT_EQ(make("", ".Trash-1000", mode | 0700), Errc::reserved_name);
    EXPECT_EQ(make(".trash", "x", mode | 0700), Errc::in_trash);
  }
}

TEST_F(NamespaceTest, OnlyDirectoriesLiveInProjectsAndRuns) {
  for (const char* parent : {"projects", "runs"}) {
    for (const mode_t mode : std::initializer_list<mode_t>{S_IFREG, S_IFLNK, S_IFIFO})
      EXPECT_EQ(make(parent, "x", mode), Errc::wrong_place);
    EXPECT_EQ(make(parent, "x", S_IFDIR | 0755), std::nullopt);
  }
}

TEST_F(NamespaceTest, AProjectComesWithItsFolders) {
  EXPECT_THAT(volume_.children("projects/p"), ElementsAre("samples", "analyses"));
  EXPECT_EQ(volume_.attributes("projects/p").links, 4U);
  must(volume_.rmdir("projects/p"));
  EXPECT_THAT(volume_.children(".trash/p"), ElementsAre("samples", "analyses"));
}

TEST_F(NamespaceTest, AProjectWithAnythingInItIsNotEmpty) {
  volume_.write("projects/p/samples/f", "");
  EXPECT_EQ(refusal(volume_.rmdir("projects/p")), Errc::not_empty);
  must(volume_.unlink("projects/p/samples/f"));
  volume_.mkdir("projects/p/d");
  EXPECT_EQ(refusal(volume_.rmdir("projects/p")), Errc::not_empty);
}

TEST_F(NamespaceTest, AFolderBecomesWhatItsPlaceMakesOfIt) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/d/samples");
  volume_.mkdir("projects/p/d/samples/s");
  must(volume_.rename("projects/p/d", "projects/d"));
  EXPECT_THAT(volume_.children("projects/d"), UnorderedElementsAre("samples", "analyses"));
  EXPECT_EQ(volume_.trash("projects/d/samples/s").kind, ItemKind::sample);
  EXPECT_EQ(volume_.trash("projects/d").kind, ItemKind::project);
}

TEST_F(NamespaceTest, MovesKeepKindsHonest) {
  volume_.mkdir("projects/q");
  volume_.mkdir("projects/p/samples/s");
  volume_.mkdir("projects/p/analyses/a");
  volume_.mkdir("projects/p/d");
  volume_.mkdir("runs/r");
  EXPECT_EQ(rename("projects/q", "runs/q"), Errc::wrong_place);
  EXPECT_EQ(rename("projects/q", "projects/p/q"), Errc::wrong_place);
  EXPECT_EQ(rename("runs/r", "projects/r"), Errc::wrong_place);
  EXPECT_EQ(rename("runs/r", "projects/p/d/r"), Errc::wrong_place);
  EXPECT_EQ(rename("projects/p/samples/s", "projects/s"), Errc::wrong_place);
  EXPECT_EQ(rename("projects/p/samples/s", "projects/p/analyses/s"), Errc::wrong_place);
  EXPECT_EQ(rename("projects/p/samples", "projects/p/other"), Errc::wrong_place);
  EXPECT_EQ(rename("projects/p/samples/s", "projects/p/d", RenameMode::exchange), Errc::wrong_place);
  EXPECT_EQ(rename("projects/p/samples/s", "projects/q/samples/s"), std::nullopt);
  EXPECT_EQ(volume_.trash("projects/q/samples/s").kind, ItemKind::sample);
}

TEST_F(NamespaceTest, TrashContentIsReadOnly) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "bytes");
  volume_.write("projects/p/live", "");
  volume_.trash("projects/p/d");
  const InodeId file = volume_.at(".trash/d/f");
  const Account& account = volume_.account();
  AttributeService& attributes = volume_.core().attributes();
  EXPECT_EQ(volume_.read(".trash/d/f"), "bytes");
  EXPECT_EQ(make(".trash/d", "x", S_IFREG | 0600), Errc::in_trash);
  EXPECT_EQ(refusal(volume_.unlink(".trash/d/f")), Errc::in_trash);
  EXPECT_EQ(refusal(volume_.rmdir(".trash/d")), Errc::in_trash);
  EXPECT_EQ(rename(".trash/d", ".trash/e"), Errc::in_trash);
  EXPECT_EQ(rename(".trash/d/f", ".trash/f"), Errc::in_trash);
  EXPECT_EQ(rename(".trash/d/f", ".trash/d/g"), Errc::in_trash);
  EXPECT_EQ(rename("projects/p/live", ".trash/d/f"), Errc::in_trash);
  EXPECT_EQ(rename("projects/p/live", ".trash/d/f", RenameMode::exchange), Errc::in_trash);
  EXPECT_EQ(rename("projects/p/live", ".trash/d", RenameMode::exchange), Errc::invalid_argument);
  EXPECT_EQ(refusal(volume_.names().link(account, file, project_, EntryName::literal("l"), process(1))),
            Errc::in_trash);
  EXPECT_EQ(refusal(volume_.names().link(account, volume_.at("projects/p/live"), volume_.at(".trash/d"),
                                         EntryName::literal("l"), process(1))),
            Errc::in_trash);
  EXPECT_EQ(refusal(attributes.set(account, file, {.mode = 0600}, process(1))), Errc::in_trash);
  EXPECT_EQ(refusal(attributes.set(account, file, {.size = 0}, process(1))), Errc::in_trash);
  EXPECT_EQ(refusal(attributes.set_xattr(account, file, "user.x", "", XattrMode::set, process(1))), Errc::in_trash);
  EXPECT_EQ(refusal(volume_.core().content().open(account, file, O_WRONLY)), Errc::in_trash);
  EXPECT_EQ(volume_.read(".trash/d/f"), "bytes");
}

TEST_F(NamespaceTest, AnOpenFileCanBeWrittenUntilItsLastClose) {
  volume_.write("projects/p/f", "bytes");
  const InodeId file = volume_.at("projects/p/f");
  Content& content = volume_.core().content();
  {
    const OpenFile open = volume_.open_file("projects/p/f", O_RDWR);
    volume_.trash("projects/p/f");
    EXPECT_EQ(must(volume_.core().attributes().set(volume_.account(), file, {.size = 2}, process(1))).size, 2U);
    EXPECT_TRUE(content.open(volume_.account(), file, O_WRONLY));
  }
  EXPECT_EQ(refusal(content.open(volume_.account(), file, O_WRONLY)), Errc::in_trash);
  volume_.clock().advance(std::chrono::seconds(1));
  // Opened since only: reading it does not make it writable.
  const OpenFile reader = volume_.open_file(".trash/f", O_RDONLY);
  EXPECT_EQ(refusal(content.open(volume_.account(), file, O_WRONLY)), Errc::in_trash);
  EXPECT_EQ(volume_.read(".trash/f"), "by");
}

TEST_F(NamespaceTest, NamesInTheTrashAreNumberedAndStay) {
  for (int i = 0; i < 7; ++i) {
    volume_.write("projects/p/f", "");
    volume_.trash("projects/p/f");
  }
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f", "f~2", "f~3", "f~4", "f~5", "f~6", "f~7"));
  volume_.restore("f~2");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f", "f~3", "f~4", "f~5", "f~6", "f~7"));
  volume_.trash("projects/p/f");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f", "f~3", "f~4", "f~5", "f~6", "f~7", "f~2"));
}

TEST_F(NamespaceTest, MovingToTheTrashKeepsTheNameThatMvAskedFor) {
  volume_.write("projects/p/f", "");
  must(volume_.rename("projects/p/f", ".trash/other"));
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("other"));
  EXPECT_EQ(volume_.item("other").origin, "projects/p/f");
  EXPECT_EQ(volume_.restore("other").path, "projects/p/f");
}

TEST_F(NamespaceTest, WhatARenameReplacesIsKept) {
  volume_.write("projects/p/f", "old");
  volume_.write("projects/p/g", "new");
  EXPECT_EQ(rename("projects/p/g", "projects/p/f", RenameMode::no_replace), Errc::exists);
  EXPECT_EQ(rename("projects/p/g", "projects/p/f"), std::nullopt);
  EXPECT_EQ(volume_.read("projects/p/f"), "new");
  EXPECT_EQ(volume_.read(".trash/f"), "old");
}

TEST(KeepReplaced, OffDestroysWhatARenameReplaces) {
  Volume volume({.trash = {.keep_replaced = false}});
  volume.mkdir("projects/p");
  volume.write("projects/p/f", "old");
  volume.write("projects/p/g", "new");
  must(volume.rename("projects/p/g", "projects/p/f"));
  EXPECT_THAT(volume.children(".trash"), IsEmpty());
  volume.mkdir("projects/p/d");
  volume.mkdir("projects/p/e");
  must(volume.rename("projects/p/e", "projects/p/d"));
  EXPECT_THAT(volume.children(".trash"), ElementsAre("d"));
}

TEST_F(NamespaceTest, ExchangeSwapsKindsOfNode) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/d/sub");
  volume_.write("projects/p/f", "bytes");
  must(volume_.rename("projects/p/f", "projects/p/d/sub", RenameMode::exchange));
  EXPECT_EQ(volume_.read("projects/p/d/sub"), "bytes");
  EXPECT_EQ(volume_.attributes("projects/p/d").links, 2U);
  EXPECT_EQ(volume_.attributes("projects/p").links, 6U);
  EXPECT_EQ(rename("projects/p/d", "projects/p/none", RenameMode::exchange), Errc::not_found);
  volume_.mkdir("projects/p/d/deep");
  EXPECT_EQ(rename("projects/p/d", "projects/p/d/deep", RenameMode::exchange), Errc::invalid_argument);
  EXPECT_EQ(rename("projects/p/d/deep", "projects/p/d", RenameMode::exchange), Errc::invalid_argument);
}

TEST_F(NamespaceTest, PathsNameTheComponentThatIsWrong) {
  volume_.write("projects/p/f", "");
  const auto refused = [this](std::string_view path) {
    const auto found = volume_.names().resolve(volume_.account(), path);
    return found ? std::string("resolved")
                 : std::string(code_name(found.error().code)) + " " + std::string(reason_of(found.error()));
  };
  EXPECT_EQ(refused("projects/none/x"), "not_found projects/none does not exist");
  EXPECT_EQ(refused("projects/p/f/x"), "not_directory projects/p/f is not a directory");
  EXPECT_EQ(refused("/projects//p/./f/"), "resolved");
  EXPECT_EQ(refused("").substr(0, 16), "invalid_argument");
  EXPECT_EQ(refused("///").substr(0, 16), "invalid_argument");
  EXPECT_EQ(refused("projects/../runs").substr(0, 16), "invalid_argument");
  EXPECT_EQ(refused(std::string_view("projects/a\0b", 12)).substr(0, 16), "invalid_argument");
  EXPECT_EQ(refused(std::string(5000, 'x')).substr(0, 13), "name_too_long");
  EXPECT_EQ(refused("projects/" + std::string(256, 'x')).substr(0, 13), "name_too_long");
}

TEST_F(NamespaceTest, AListingResumesWhateverChangesMeanwhile) {
  for (int i = 0; i < 20; ++i) volume_.write("projects/p/f" + std::to_string(i), "");
  std::vector<std::string> seen;
  EntryId after{};
  for (int portion = 0; true; ++portion) {
    const auto entries = must(volume_.names().list(volume_.account(), project_, after, 4, Detail::types));
    if (entries.empty()) break;
    for (const ListedEntry& entry : entries) seen.push_back(entry.name.bytes());
    after = entries.back().id;
    // The one that the listing stands behind goes, and one far behind it.
    must(volume_.unlink("projects/p/" + seen.back()));
    if (portion == 0) must(volume_.unlink("projects/p/f19"));
  }
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), seen.size());
  EXPECT_EQ(seen.size(), 21U);
}

TEST_F(NamespaceTest, WhatIsMadeHasAType) {
  const InodeId project = volume_.mkdir("projects/P");
  const EntryName name = EntryName::literal("n");
  for (const mode_t mode : {mode_t{0644}, mode_t{S_IFIFO | S_IFCHR | 0644}, mode_t{S_IFREG | 0200000}}) {
    const NewNode node{.mode = mode, .umask = 0, .device = 0, .symlink_target = {}};
    EXPECT_EQ(refusal(volume_.names().create(volume_.account(), project, name, node, process(1))),
              Errc::invalid_argument);
  }
}

TEST_F(NamespaceTest, SymbolicLinksAreBounded) {
  const auto symlink = [this](const std::string& target) {
    return refusal(volume_.names().create(volume_.account(), project_, EntryName::literal("s" + target.substr(0, 1)),
                                          {.mode = S_IFLNK | 0777, .symlink_target = target}, process(1)));
  };
  EXPECT_EQ(symlink(""), Errc::not_found);
  EXPECT_EQ(symlink(std::string(4096, 'a')), Errc::name_too_long);
  EXPECT_EQ(symlink(std::string(4095, 'b')), std::nullopt);
  EXPECT_EQ(volume_.attributes("projects/p/sb").size, 4095U);
}

TEST_F(NamespaceTest, OwnAttributesAreReserved) {
  AttributeService& attributes = volume_.core().attributes();
  const auto set = [&](const std::string& name, const std::string& value) {
    return refusal(attributes.set_xattr(volume_.account(), project_, name, value, XattrMode::set, process(1)));
  };
  EXPECT_EQ(set("user.reprieve.kind", "run"), Errc::reserved_name);
  EXPECT_EQ(set("system.nfs4_acl", "x"), Errc::not_supported);
  EXPECT_EQ(set("user.big", std::string(65537, 'x')), Errc::too_large);
  EXPECT_EQ(set("user.big", std::string(65536, 'x')), std::nullopt);
  EXPECT_EQ(set("user." + std::string(250, 'x'), ""), std::nullopt);
  EXPECT_EQ(set("trusted.x", ""), std::nullopt);
  EXPECT_EQ(must(attributes.list_xattrs(volume_.account(), project_, {})).size(), 3U);
  EXPECT_EQ(must(attributes.list_xattrs(volume_.account(), project_, process(1))).size(), 2U);
  const auto neither = [&](const std::string& name) {
    return refusal(attributes.set_xattr(volume_.account(), project_, name, "", XattrMode::neither, process(1)));
  };
  EXPECT_EQ(neither("user.big"), Errc::exists);
  EXPECT_EQ(neither("user.none"), Errc::no_attribute);
}

}  // namespace
}  // namespace reprieve::test
