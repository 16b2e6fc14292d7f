// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class RestoreTest : public ::testing::Test {
 protected:
  // Expects success and returns the path that the item has now.
  std::string restored(std::string_view name, const RestoreOptions& options = {}) {
    const BatchOutcome outcome = volume_.restore(name, options);
    EXPECT_EQ(outcome.state, BatchState::done) << outcome.code << ": " << outcome.reason;
    EXPECT_EQ(outcome.subject, name);
    return outcome.path;
  }
  // Expects a refusal that changes nothing, and returns its code.
  std::string refused(std::string_view name, const RestoreOptions& options = {}) {
    const TreeState before = volume_.tree("projects");
    const auto items = volume_.children(".trash");
    const BatchOutcome outcome = volume_.restore(name, options);
    EXPECT_EQ(outcome.state, BatchState::failed);
    EXPECT_FALSE(outcome.reason.empty());
    EXPECT_EQ(volume_.tree("projects"), before);
    EXPECT_EQ(volume_.children(".trash"), items);
    return outcome.code;
  }
  void replace_f() {
    volume_.write("projects/p/f", "old");
    volume_.trash("projects/p/f");
    volume_.write("projects/p/f", "new");
  }

  Volume volume_;
  InodeId project_ = volume_.mkdir("projects/p");
};

TEST_F(RestoreTest, GoesBackToWhereItWas) {
  volume_.write("projects/p/f", "bytes");
  const TreeState before = volume_.tree("projects");
  volume_.trash("projects/p/f");
  EXPECT_EQ(restored("f"), "projects/p/f");
  EXPECT_EQ(volume_.tree("projects"), before);
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
}

TEST_F(RestoreTest, CollisionFails) {
  replace_f();
  EXPECT_EQ(refused("f"), "exists");
  EXPECT_EQ(volume_.read("projects/p/f"), "new");
}

TEST_F(RestoreTest, CollisionSkips) {
  replace_f();
  const BatchOutcome outcome = volume_.restore("f", {.on_collision = OnCollision::skip});
  EXPECT_EQ(outcome.state, BatchState::skipped);
  EXPECT_FALSE(outcome.reason.empty());
  EXPECT_EQ(volume_.read("projects/p/f"), "new");
  EXPECT_EQ(volume_.read(".trash/f"), "old");
}

TEST_F(RestoreTest, CollisionRenames) {
  replace_f();
  volume_.write("projects/p/f~2", "another");
  EXPECT_EQ(restored("f", {.on_collision = OnCollision::rename}), "projects/p/f~3");
  EXPECT_EQ(volume_.read("projects/p/f~3"), "old");
  EXPECT_EQ(volume_.read("projects/p/f"), "new");
}

TEST_F(RestoreTest, CollisionReplacesIntoTheTrash) {
  replace_f();
  EXPECT_EQ(restored("f", {.on_collision = OnCollision::replace}), "projects/p/f");
  EXPECT_EQ(volume_.read("projects/p/f"), "old");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("f~2"));
  EXPECT_EQ(volume_.read(".trash/f~2"), "new");
}

TEST_F(RestoreTest, ReplacingADirectoryThatIsNotEmptyKeepsItWhole) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/old", "");
  volume_.trash("projects/p/d");
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/new", "");
  restored("d", {.on_collision = OnCollision::replace});
  EXPECT_THAT(volume_.children("projects/p/d"), ElementsAre("old"));
  EXPECT_THAT(volume_.children(".trash/d~2"), ElementsAre("new"));
}

TEST_F(RestoreTest, ARenamedParentIsStillTheParent) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  must(volume_.unlink("projects/p/d/f"));
  must(volume_.rename("projects/p/d", "projects/p/e"));
  EXPECT_EQ(volume_.item("f").origin, "projects/p/d/f");
  EXPECT_EQ(restored("f"), "projects/p/e/f");
}

TEST_F(RestoreTest, AMovedParentIsStillTheParent) {
  volume_.mkdir("projects/q");
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  must(volume_.unlink("projects/p/d/f"));
  must(volume_.rename("projects/p/d", "projects/q/d"));
  volume_.mkdir("projects/p/d");  // at the old path, but not the parent
  EXPECT_EQ(restored("f"), "projects/q/d/f");
}

class ParentGoneTest : public RestoreTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    volume_.mkdir("projects/p/d");
    volume_.mkdir("projects/p/d/e");
    volume_.write("projects/p/d/e/f", "bytes");
    must(volume_.unlink("projects/p/d/e/f"));
    volume_.trash("projects/p/d");
    if (purged()) volume_.purge("d");
  }
  [[nodiscard]] static bool purged() { return GetParam(); }
};

TEST_P(ParentGoneTest, FailsWithTheReason) {
  EXPECT_EQ(refused("f"), purged() ? "parent_purged" : "parent_in_trash");
  EXPECT_THAT(volume_.restore("f").reason, HasSubstr("projects/p/d/e"));
}

TEST_P(ParentGoneTest, ParentsAreRecreated) {
  EXPECT_EQ(restored("f", {.recreate_parents = true}), "projects/p/d/e/f");
  EXPECT_EQ(volume_.read("projects/p/d/e/f"), "bytes");
  EXPECT_EQ(volume_.attributes("projects/p/d").uid, 1000U);
}

TEST_P(ParentGoneTest, GoesToADirectoryOfChoice) {
  volume_.mkdir("projects/q");
  EXPECT_EQ(restored("f", {.to = "projects/q"}), "projects/q/f");
  EXPECT_EQ(volume_.read("projects/q/f"), "bytes");
}

TEST_P(ParentGoneTest, RecreatingMeetsAFile) {
  volume_.write("projects/p/d", "in the way");
  EXPECT_EQ(refused("f", {.recreate_parents = true}), "not_directory");
}

TEST_P(ParentGoneTest, RecreatesKindsByPlace) {
  volume_.mkdir("projects/p/samples/s");
  volume_.write("projects/p/samples/s/reads", "");
  must(volume_.unlink("projects/p/samples/s/reads"));
  volume_.trash("projects/p");
  if (purged()) volume_.purge("p");
  EXPECT_EQ(restored("reads", {.recreate_parents = true}), "projects/p/samples/s/reads");
  EXPECT_EQ(volume_.trash("projects/p/samples/s").kind, ItemKind::sample);
  EXPECT_THAT(volume_.children("projects/p"), UnorderedElementsAre("samples", "analyses"));
  EXPECT_EQ(volume_.trash("projects/p").kind, ItemKind::project);
}

INSTANTIATE_TEST_SUITE_P(Restore, ParentGoneTest, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "purged" : "trashed"; });

TEST_F(RestoreTest, ParentsBeyondMeasureAreRefused) {
  std::string path = "projects/p";
  for (int depth = 0; depth < 700; ++depth) volume_.mkdir(path += "/d");
  volume_.write(path + "/f", "");
  must(volume_.unlink(path + "/f"));
  volume_.trash("projects/p/d");
  EXPECT_EQ(refused("f", {.recreate_parents = true}), "name_too_long");
  EXPECT_EQ(restored("f", {.to = "projects/p"}), "projects/p/f");
}

TEST_F(RestoreTest, ToANewPlaceTakesTheKindOfThePlace) {
  volume_.mkdir("projects/p/d");
  volume_.trash("projects/p/d");
  EXPECT_EQ(restored("d", {.to = "/projects/p/samples/"}), "projects/p/samples/d");
  EXPECT_EQ(volume_.trash("projects/p/samples/d").kind, ItemKind::sample);
}

TEST_F(RestoreTest, AWrongPlaceForTheKindIsRefused) {
  volume_.mkdir("projects/p/samples/s");
  volume_.mkdir("projects/p/d");
  volume_.mkdir("runs/r");
  volume_.write("projects/p/f", "");
  volume_.trash("projects/p/samples/s");
  volume_.trash("runs/r");
  volume_.trash("projects/p/f");
  EXPECT_EQ(refused("s", {.to = "projects/p/d"}), "wrong_place");
  EXPECT_EQ(refused("s", {.to = "projects/p/analyses"}), "wrong_place");
  EXPECT_EQ(refused("s", {.to = "runs"}), "wrong_place");
  EXPECT_EQ(refused("r", {.to = "projects"}), "wrong_place");
  EXPECT_EQ(refused("f", {.to = "projects"}), "wrong_place");
  EXPECT_EQ(refused("f", {.to = ""}), "skeleton");
  EXPECT_EQ(refused("f", {.to = "/"}), "skeleton");
  EXPECT_EQ(refused("f", {.to = ".trash"}), "in_trash");
  EXPECT_EQ(refused("f", {.to = ".trash/s"}), "in_trash");
  EXPECT_EQ(refused("f", {.to = "projects/none"}), "not_found");
  EXPECT_EQ(refused("f", {.to = "../x"}), "invalid_argument");
  EXPECT_EQ(restored("s"), "projects/p/samples/s");
}

TEST_F(RestoreTest, ToSomethingThatIsNoDirectory) {
  volume_.write("projects/p/f", "");
  volume_.write("projects/p/g", "");
  volume_.trash("projects/p/f");
  EXPECT_EQ(refused("f", {.to = "projects/p/g"}), "not_directory");
  EXPECT_EQ(refused("f", {.to = "projects/p/g/h"}), "not_directory");
}

TEST_F(RestoreTest, ABatchRestoresParentsFirstAndGoesOnPastFailures) {
  volume_.mkdir("projects/p/d");
  volume_.write("projects/p/d/f", "");
  volume_.write("projects/p/g", "");
  const TrashItemId file = volume_.trash("projects/p/d/f").id;
  const TrashItemId other = volume_.trash("projects/p/g").id;
  const TrashItemId directory = volume_.trash("projects/p/d").id;
  volume_.write("projects/p/g", "in the way");
  const auto outcomes =
      volume_.core().trash().restore(volume_.account(), {file, other, TrashItemId(999), directory}, {}, process(1));
  ASSERT_EQ(outcomes.size(), 4U);
  const auto outcome_of = [&](TrashItemId id) {
    return *std::find_if(outcomes.begin(), outcomes.end(), [id](const BatchOutcome& o) { return o.id == id; });
  };
  EXPECT_EQ(outcome_of(directory).state, BatchState::done);
  EXPECT_EQ(outcome_of(file).path, "projects/p/d/f");
  EXPECT_EQ(outcome_of(other).code, "exists");
  EXPECT_EQ(outcome_of(other).errno_symbol, "EEXIST");
  EXPECT_EQ(outcome_of(TrashItemId(999)).code, "not_found");
}

TEST_F(RestoreTest, AnotherAccountsItemsAreNotFound) {
  volume_.write("projects/p/f", "");
  const TrashItemId id = volume_.trash("projects/p/f").id;
  const Account other = must(volume_.core().accounts().ensure("other", 1001, 1001));
  EXPECT_EQ(volume_.core().trash().restore(other, {id}, {}, process(1)).at(0).code, "not_found");
  EXPECT_EQ(must(volume_.core().trash().list(other, {})).total, 0U);
}

TEST_F(RestoreTest, PartOfAnItemByMoving) {
  volume_.mkdir("projects/p/d");
  volume_.mkdir("projects/p/d/sub");
  volume_.write("projects/p/d/sub/f", "12345");
  volume_.write("projects/p/d/g", "123");
  volume_.trash("projects/p/d");
  EXPECT_EQ(volume_.item("d").figures->bytes, 8U);
  const Timestamp modified = volume_.attributes(".trash/d").modified;
  must(volume_.rename(".trash/d/sub", "projects/p/back"));
  EXPECT_EQ(volume_.read("projects/p/back/f"), "12345");
  const TrashItem left = volume_.item("d");
  EXPECT_EQ(left.figures->bytes, 3U);
  EXPECT_EQ(left.figures->folders, 1U);
  EXPECT_EQ(volume_.attributes(".trash/d").links, 2U);
  EXPECT_EQ(volume_.attributes(".trash/d").modified, modified);
}

TEST_F(RestoreTest, AProjectComesBackWithItsFoldersAndNoOthers) {
  volume_.mkdir("projects/p/samples/s");
  const TreeState before = volume_.tree("projects/p");
  volume_.trash("projects/p");
  restored("p");
  EXPECT_EQ(volume_.tree("projects/p"), before);
}

TEST_F(RestoreTest, OneNameOfAHardLink) {
  volume_.write("projects/p/f", "bytes");
  volume_.link("projects/p/f", "projects/p/g");
  volume_.trash("projects/p/f");
  EXPECT_EQ(volume_.attributes("projects/p/g").links, 1U);
  EXPECT_EQ(restored("f"), "projects/p/f");
  EXPECT_EQ(volume_.attributes("projects/p/g").links, 2U);
  EXPECT_EQ(volume_.at("projects/p/f"), volume_.at("projects/p/g"));
}

TEST_F(RestoreTest, TwiceIsNotFound) {
  volume_.write("projects/p/f", "");
  const TrashItemId id = volume_.trash("projects/p/f").id;
  restored("f");
  EXPECT_EQ(volume_.core().trash().restore(volume_.account(), {id}, {}, process(1)).at(0).code, "not_found");
}

}  // namespace
}  // namespace reprieve::test
