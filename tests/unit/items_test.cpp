// SPDX-License-Identifier: Apache-2.0
// What items carry besides names and bytes: status and its guard, associations, the modes of deleting, user.reprieve.*.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ItemsTest : public ::testing::Test {
 protected:
  ItemsTest() {
    volume_.mkdir("runs/R");
    volume_.write("runs/R/reads", "ACGT");
    volume_.mkdir("runs/R/lanes");
    volume_.write("runs/R/lanes/1", "lane");
    volume_.mkdir("projects/P");
    volume_.mkdir("projects/Q");
    volume_.mkdir("projects/P/samples/S");
    volume_.mkdir("projects/Q/samples/T");
    volume_.mkdir("projects/P/analyses/A");
  }
  Result<ItemDescription> set_status(const std::string& path, ItemStatus status) {
    return volume_.core().items().set_status(volume_.account(), path, status, process(1));
  }
  Result<ItemDescription> associate(const std::string& derived, const std::vector<std::string>& sources) {
    return volume_.core().items().associate(volume_.account(), derived, sources, process(1));
  }
  Result<ItemDescription> add_to(const std::string& project, const std::string& sample) {
    return volume_.core().items().add_to(volume_.account(), project, sample, process(1));
  }
  // S and T come from R, and A uses S.
  void associate_all() {
    must(associate("projects/P/samples/S", {"runs/R"}));
    must(associate("projects/Q/samples/T", {"runs/R"}));
    must(associate("projects/P/analyses/A", {"projects/P/samples/S"}));
  }
  std::vector<BatchOutcome> trash(const std::string& path, const TrashHow& how) {
    return volume_.core().trash().trash_paths(volume_.account(), {path}, process(1), how);
  }
  std::vector<BatchOutcome> restore(TrashItemId id, const RestoreOptions& options = {}) {
    return volume_.core().trash().restore(volume_.account(), {id}, options, process(1));
  }
  ItemDescription describe(const std::string& path) {
    return must(volume_.core().items().describe(volume_.account(), path));
  }
  Result<std::string> xattr(std::string_view path, const std::string& name) {
    return volume_.core().attributes().get_xattr(volume_.account(), volume_.at(path), "user.reprieve." + name);
  }
  Result<void> set_xattr(std::string_view path, const std::string& name, const std::string& value,
                         XattrMode mode = XattrMode::set) {
    return volume_.core().attributes().set_xattr(volume_.account(), volume_.at(path), "user.reprieve." + name, value,
                                                 mode, process(1));
  }
  static constexpr TrashHow kGroup{.mode = TrashMode::with_associated};
  static constexpr TrashHow kFiles{.mode = TrashMode::files_only};

  Volume volume_;
};

TEST_F(ItemsTest, OnlyRunsAndAnalysesHaveAStatus) {
  EXPECT_TRUE(set_status("runs/R", ItemStatus::complete));
  EXPECT_TRUE(set_status("projects/P/analyses/A", ItemStatus::failed));
  EXPECT_EQ(describe("runs/R").status, ItemStatus::complete);
  for (const char* path : {"projects/P", "projects/P/samples/S", "runs/R/lanes", "runs/R/reads", "runs"}) {
    EXPECT_EQ(refusal(set_status(path, ItemStatus::running)), Errc::invalid_argument) << path;
  }
  volume_.trash("runs/R");
  EXPECT_EQ(refusal(set_status(".trash/R", ItemStatus::running)), Errc::in_trash);
  volume_.reopen();
  EXPECT_EQ(describe("projects/P/analyses/A").status, ItemStatus::failed);
}

TEST_F(ItemsTest, WhatRunsAndWhatHoldsItIsNotDeleted) {
  must(set_status("projects/P/analyses/A", ItemStatus::running));
  EXPECT_EQ(refusal(volume_.rmdir("projects/P/analyses/A")), Errc::running);
  EXPECT_EQ(refusal(volume_.rename("projects/P/analyses/A", ".trash/A")), Errc::running);
  EXPECT_EQ(refusal(volume_.rename("projects/P", ".trash/P")), Errc::running);
  volume_.mkdir("projects/P/analyses/B");
  EXPECT_EQ(refusal(volume_.rename("projects/P/analyses/B", "projects/P/analyses/A")), Errc::running);
  for (const char* path : {"projects/P/analyses/A", "projects/P", "projects/P/analyses"}) {
    EXPECT_EQ(trash(path, {}).at(0).code, "running") << path;
  }
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  // Neither its neighbours nor what it writes are guarded.
  EXPECT_TRUE(volume_.rmdir("projects/P/samples/S"));
  volume_.write("projects/P/analyses/A/scratch", "x");
  EXPECT_TRUE(volume_.unlink("projects/P/analyses/A/scratch"));

  EXPECT_EQ(trash("projects/P", {.guard = Guard::force}).at(0).state, BatchState::done);
  // What runs in the trash holds up nothing.
  EXPECT_EQ(restore(volume_.item("P").id).at(0).state, BatchState::done);
  EXPECT_EQ(trash("projects/P/analyses/A", {.guard = Guard::force}).at(0).state, BatchState::done);
  EXPECT_EQ(trash("projects/P", {}).at(0).state, BatchState::done);
}

TEST_F(ItemsTest, AStatusThatIsOverGuardsNothing) {
  must(set_status("runs/R", ItemStatus::running));
  must(set_status("runs/R", ItemStatus::aborted));
  EXPECT_EQ(trash("runs/R", {}).at(0).state, BatchState::done);
}

TEST_F(ItemsTest, SamplesComeFromRunsAndAnalysesFromSamples) {
  associate_all();
  EXPECT_TRUE(associate("projects/P/samples/S", {"runs/R"})) << "again";
  EXPECT_THAT(describe("projects/P/samples/S").derived_from, ElementsAre("runs/R"));
  EXPECT_THAT(describe("projects/P/samples/S").made_from_it, ElementsAre("projects/P/analyses/A"));
  EXPECT_EQ(refusal(associate("runs/R", {"projects/P/samples/S"})), Errc::invalid_argument);
  EXPECT_EQ(refusal(associate("projects/P/analyses/A", {"runs/R"})), Errc::invalid_argument);
  EXPECT_EQ(refusal(associate("projects/P/samples/S", {"projects/P/samples/S"})), Errc::invalid_argument);
  EXPECT_EQ(refusal(associate("projects/P/samples/S", {"runs/none"})), Errc::not_found);
  auto& items = volume_.core().items();
  EXPECT_TRUE(items.dissociate(volume_.account(), "projects/P/samples/S", {"runs/R"}, process(1)));
  EXPECT_EQ(refusal(items.dissociate(volume_.account(), "projects/P/samples/S", {"runs/R"}, process(1))),
            Errc::not_found);
  EXPECT_THAT(describe("projects/P/samples/S").derived_from, IsEmpty());
}

TEST_F(ItemsTest, AssociationsLastThroughTheTrashAndEndWithAPurge) {
  associate_all();
  volume_.trash("runs/R");
  EXPECT_THAT(describe("projects/P/samples/S").derived_from, ElementsAre(".trash/R"));
  EXPECT_EQ(restore(volume_.item("R").id).at(0).state, BatchState::done);
  EXPECT_THAT(describe("projects/P/samples/S").derived_from, ElementsAre("runs/R"));
  volume_.trash("runs/R");
  volume_.empty();
  EXPECT_THAT(describe("projects/P/samples/S").derived_from, IsEmpty());
}

TEST_F(ItemsTest, ARunGoesWithWhatWasMadeFromIt) {
  associate_all();
  const auto outcomes = trash("runs/R", kGroup);
  ASSERT_EQ(outcomes.size(), 4U);
  EXPECT_EQ(outcomes[0].subject, "runs/R");
  EXPECT_THAT(volume_.children(".trash"), UnorderedElementsAre("R", "S", "T", "A"));
  for (const TrashItem& item : volume_.items()) {
    EXPECT_EQ(item.together, outcomes[0].id) << item.name;
    EXPECT_EQ(item.mode, TrashMode::with_associated);
  }
  // The first stands for all.
  EXPECT_EQ(restore(outcomes[0].id).size(), 4U);
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  EXPECT_TRUE(volume_.exists("projects/P/analyses/A"));
}

TEST_F(ItemsTest, AnyOfAGroupComesBackAloneOrTogether) {
  associate_all();
  trash("runs/R", kGroup);
  EXPECT_EQ(restore(volume_.item("S").id).size(), 1U);
  EXPECT_THAT(volume_.children(".trash"), UnorderedElementsAre("R", "T", "A"));
  EXPECT_EQ(restore(volume_.item("T").id, {.together = true}).size(), 3U);
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
}

TEST_F(ItemsTest, AGroupIsRestoredAsFarAsItsPlacesAreThere) {
  associate_all();
  const TrashItemId first = trash("runs/R", kGroup).at(0).id;
  must(volume_.rename("projects/P", "projects/P2"));
  volume_.trash("projects/Q");
  std::map<std::string, std::string> found;
  for (const BatchOutcome& outcome : restore(first)) {
    found[outcome.subject] = outcome.state == BatchState::done ? outcome.path : outcome.code;
  }
  const std::map<std::string, std::string> expected{
      {"R", "runs/R"}, {"S", "projects/P2/samples/S"}, {"A", "projects/P2/analyses/A"}, {"T", "parent_in_trash"}};
  EXPECT_EQ(found, expected);
}

TEST_F(ItemsTest, ASampleGoesWithItsAnalyses) {
  associate_all();
  EXPECT_EQ(trash("projects/P/samples/S", kGroup).size(), 2U);
  EXPECT_THAT(volume_.children(".trash"), UnorderedElementsAre("S", "A"));
  EXPECT_EQ(trash("projects/P", kGroup).at(0).code, "invalid_argument");
}

TEST_F(ItemsTest, AGroupWithARunningMemberStays) {
  associate_all();
  must(set_status("projects/P/analyses/A", ItemStatus::running));
  EXPECT_EQ(trash("runs/R", kGroup).at(0).code, "running");
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  EXPECT_EQ(trash("runs/R", {.mode = TrashMode::with_associated, .guard = Guard::force}).size(), 4U);
}

TEST_F(ItemsTest, ALargeGroupGoesWhole) {
  for (int i = 0; i < 600; ++i) {
    const std::string sample = "projects/P/samples/" + std::to_string(i);
    volume_.mkdir(sample);
    must(associate(sample, {"runs/R"}));
  }
  const auto outcomes = trash("runs/R", kGroup);
  EXPECT_EQ(outcomes.size(), 601U);
  EXPECT_THAT(volume_.children("projects/P/samples"), ElementsAre("S"));
  EXPECT_EQ(restore(outcomes[0].id).size(), 601U);
}

TEST_F(ItemsTest, FilesGoWithoutTheirRun) {
  const TreeState before = volume_.tree("runs/R");
  const auto outcome = trash("runs/R", kFiles).at(0);
  ASSERT_EQ(outcome.state, BatchState::done) << outcome.reason;
  EXPECT_TRUE(volume_.exists("runs/R"));
  EXPECT_THAT(volume_.children("runs/R"), IsEmpty());
  EXPECT_TRUE(describe("runs/R").files_deleted);
  const TrashItem item = volume_.item("R");
  EXPECT_EQ(item.kind, ItemKind::run);
  EXPECT_EQ(item.mode, TrashMode::files_only);
  EXPECT_EQ(item.origin, "runs/R");
  EXPECT_EQ(item.figures->files, 2U);
  EXPECT_EQ(volume_.read(".trash/R/lanes/1"), "lane");
  EXPECT_EQ(trash("runs/R", kFiles).at(0).code, "not_found");

  EXPECT_EQ(restore(outcome.id).at(0).path, "runs/R");
  EXPECT_EQ(volume_.tree("runs/R"), before);
  EXPECT_FALSE(describe("runs/R").files_deleted);
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
}

TEST_F(ItemsTest, FilesComeBackByAMoveOntoTheirRun) {
  const TreeState before = volume_.tree("runs/R");
  trash("runs/R", kFiles);
  must(volume_.rename(".trash/R", "runs/R"));
  EXPECT_EQ(volume_.tree("runs/R"), before);
  trash("runs/R", kFiles);
  must(volume_.rename(".trash/R", "runs/R/R"));
  EXPECT_EQ(volume_.tree("runs/R"), before);
}

TEST_F(ItemsTest, FilesAndTheirRunInTheTrashAreTwoItems) {
  const TreeState before = volume_.tree("runs/R");
  const TrashItemId files = trash("runs/R", kFiles).at(0).id;
  // The same process removes the run itself.
  must(volume_.rmdir("runs/R"));
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("R", "R~2"));
  EXPECT_EQ(restore(files).at(0).code, "parent_in_trash");
  must(volume_.rename(".trash/R~2", "runs/R2"));
  EXPECT_EQ(restore(files).at(0).path, "runs/R2");
  EXPECT_EQ(volume_.children("runs/R2").size(), before.size() - 2);
}

TEST_F(ItemsTest, FilesOutliveAPurgedRun) {
  const TrashItemId files = trash("runs/R", kFiles).at(0).id;
  must(volume_.rmdir("runs/R"));
  volume_.purge("R~2");
  EXPECT_EQ(restore(files).at(0).code, "parent_purged");
  EXPECT_EQ(restore(files, {.recreate_parents = true}).at(0).path, "runs/R");
  EXPECT_EQ(describe("runs/R").kind, ItemKind::run);
  EXPECT_EQ(volume_.read("runs/R/reads"), "ACGT");
}

TEST_F(ItemsTest, FilesMeetNewOnesOfTheirNames) {
  const TrashItemId files = trash("runs/R", kFiles).at(0).id;
  volume_.write("runs/R/reads", "new");
  EXPECT_EQ(restore(files).at(0).code, "exists");
  EXPECT_EQ(volume_.read("runs/R/reads"), "new");
  EXPECT_EQ(restore(files, {.on_collision = OnCollision::skip}).at(0).state, BatchState::skipped);
  EXPECT_TRUE(volume_.exists("runs/R/lanes/1"));
  EXPECT_THAT(volume_.children(".trash/R"), ElementsAre("reads"));
  EXPECT_EQ(restore(files, {.on_collision = OnCollision::rename}).at(0).state, BatchState::done);
  EXPECT_EQ(volume_.read("runs/R/reads~2"), "ACGT");
  EXPECT_EQ(volume_.attributes("runs/R").links, 3U);
}

TEST_F(ItemsTest, OnlyRunsAndAnalysesAreEmptiedOfTheirFiles) {
  EXPECT_EQ(trash("projects/P", kFiles).at(0).code, "invalid_argument");
  must(set_status("runs/R", ItemStatus::running));
  EXPECT_EQ(trash("runs/R", kFiles).at(0).code, "running");
}

TEST_F(ItemsTest, LiveItemsTellOfThemselves) {
  associate_all();
  EXPECT_EQ(must(xattr("runs/R", "kind")), "run");
  EXPECT_EQ(must(xattr("projects/P/samples/S", "kind")), "sample");
  EXPECT_EQ(must(xattr("runs/R/reads", "kind")), "file");
  EXPECT_EQ(must(xattr("projects", "kind")), "folder");
  EXPECT_EQ(must(xattr("runs/R", "owner")), "lab");
  EXPECT_EQ(must(xattr("runs/R", "role")), "owner");
  EXPECT_EQ(must(xattr("projects/P/samples/S", "derived_from")), "runs/R");
  EXPECT_EQ(refusal(xattr("runs/R", "status")), Errc::no_attribute);
  EXPECT_EQ(refusal(xattr("runs/R", "id")), Errc::no_attribute);
  EXPECT_EQ(refusal(xattr("runs/R", "colour")), Errc::no_attribute);
  EXPECT_THAT(must(volume_.core().attributes().list_xattrs(volume_.account(), volume_.at("runs/R"), {})), IsEmpty());
}

TEST_F(ItemsTest, StatusAndSourcesAreSetAsAttributes) {
  must(set_xattr("runs/R", "status", "running"));
  EXPECT_EQ(must(xattr("runs/R", "status")), "running");
  EXPECT_EQ(trash("runs/R", {}).at(0).code, "running");
  EXPECT_EQ(refusal(set_xattr("runs/R", "status", "complete", XattrMode::create)), Errc::exists);
  EXPECT_EQ(refusal(set_xattr("runs/R", "status", "asleep")), Errc::invalid_argument);
  EXPECT_EQ(refusal(set_xattr("runs/R", "kind", "project")), Errc::reserved_name);
  EXPECT_EQ(refusal(set_xattr("runs/R", "mine", "x")), Errc::reserved_name);

  volume_.mkdir("runs/R2");
  must(set_xattr("projects/P/samples/S", "derived_from", "runs/R\nruns/R2\n"));
  EXPECT_EQ(must(xattr("projects/P/samples/S", "derived_from")), "runs/R\nruns/R2");
  EXPECT_EQ(refusal(set_xattr("projects/P/samples/S", "derived_from", "runs/none")), Errc::not_found);
  EXPECT_EQ(must(xattr("projects/P/samples/S", "derived_from")), "runs/R\nruns/R2") << "a refusal changes nothing";
  auto& attributes = volume_.core().attributes();
  const auto remove = [&](std::string_view path, const std::string& name) {
    return attributes.remove_xattr(volume_.account(), volume_.at(path), "user.reprieve." + name, process(1));
  };
  EXPECT_TRUE(remove("projects/P/samples/S", "derived_from"));
  EXPECT_EQ(refusal(remove("projects/P/samples/S", "derived_from")), Errc::no_attribute);
  EXPECT_TRUE(remove("runs/R", "status"));
  EXPECT_EQ(refusal(remove("runs/R", "status")), Errc::no_attribute);
  EXPECT_EQ(refusal(remove("runs/R", "kind")), Errc::reserved_name);
}

TEST_F(ItemsTest, TrashedItemsTellOfTheirDeletion) {
  const TrashItem item = volume_.trash("runs/R");
  EXPECT_EQ(must(xattr(".trash/R", "id")), std::to_string(item.id.number()));
  EXPECT_EQ(must(xattr(".trash/R", "kind")), "run");
  EXPECT_EQ(must(xattr(".trash/R", "origin")), "runs/R");
  EXPECT_TRUE(must(xattr(".trash/R", "deleted_at")).ends_with("Z"));
  EXPECT_EQ(must(xattr(".trash/R", "deleted_by")), "lab");
  EXPECT_EQ(must(xattr(".trash/R", "files")), "2");
  EXPECT_EQ(must(xattr(".trash/R", "bytes")), "8");
  EXPECT_EQ(must(xattr(".trash/R", "session")), std::to_string(item.session.number()));
  EXPECT_EQ(must(xattr(".trash/R", "held")), "false");
  EXPECT_EQ(refusal(xattr(".trash/R", "expires_at")), Errc::no_attribute) << "nothing expires";
  EXPECT_EQ(refusal(xattr(".trash/R", "owner")), Errc::no_attribute);
  EXPECT_EQ(refusal(xattr(".trash/R/reads", "id")), Errc::no_attribute) << "a part is no item";
  EXPECT_EQ(refusal(set_xattr(".trash/R", "status", "complete")), Errc::in_trash);
}

TEST_F(ItemsTest, ASampleInTwoProjectsIsOneSample) {
  volume_.write("projects/P/samples/S/f", "bytes");
  must(add_to("projects/Q", "projects/P/samples/S"));
  EXPECT_EQ(volume_.at("projects/Q/samples/S"), volume_.at("projects/P/samples/S"));
  volume_.write("projects/Q/samples/S/g", "more");
  EXPECT_EQ(volume_.read("projects/P/samples/S/g"), "more");
  EXPECT_THAT(describe("projects/P/samples/S").places, ElementsAre("projects/P/samples/S", "projects/Q/samples/S"));
  EXPECT_EQ(volume_.attributes("projects/Q/samples").links, 4U);

  EXPECT_EQ(refusal(add_to("projects/Q", "projects/P/samples/S")), Errc::exists);
  EXPECT_EQ(refusal(add_to("projects/Q", "runs/R")), Errc::wrong_place);
  EXPECT_EQ(refusal(add_to("runs/R", "projects/P/samples/S")), Errc::wrong_place);
  volume_.mkdir("projects/P/samples/T");
  EXPECT_EQ(refusal(add_to("projects/Q", "projects/P/samples/T")), Errc::exists) << "the name is taken";
}

TEST_F(ItemsTest, DeletingASampleInOneProjectLeavesTheOther) {
  volume_.write("projects/P/samples/S/f", "bytes");
  volume_.mkdir("projects/P/samples/S/sub");
  volume_.write("projects/P/samples/S/sub/g", "more");
  must(add_to("projects/Q", "projects/P/samples/S"));
  const TreeState before = volume_.tree("projects/P/samples/S");
  volume_.remove_tree("projects/Q/samples/S");
  EXPECT_FALSE(volume_.exists("projects/Q/samples/S"));
  EXPECT_EQ(volume_.tree("projects/P/samples/S"), before);
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("S"));
  EXPECT_EQ(volume_.item("S").figures->bytes, 9U);
  EXPECT_EQ(volume_.item("S").figures->exclusive_bytes, 0U);
  EXPECT_EQ(volume_.restore("S").path, "projects/Q/samples/S");
  EXPECT_EQ(volume_.tree("projects/Q/samples/S"), before);
}

TEST_F(ItemsTest, ASampleIsDestroyedWithItsLastPlace) {
  volume_.write("projects/P/samples/S/f", "bytes");
  must(add_to("projects/Q", "projects/P/samples/S"));
  volume_.trash("projects/P/samples/S");
  volume_.empty();
  EXPECT_EQ(volume_.read("projects/Q/samples/S/f"), "bytes");

  must(add_to("projects/P", "projects/Q/samples/S"));
  volume_.trash("projects/P/samples/S");
  volume_.trash("projects/Q");
  EXPECT_EQ(volume_.item("Q").figures->exclusive_bytes, 0U);
  const EmptyPlan both = must(volume_.core().empty_plans().plan(volume_.account(), {}, process(1)));
  EXPECT_EQ(both.total.bytes, 5U);
  EXPECT_EQ(both.total.exclusive_bytes, 5U) << "both places go";
  volume_.purge("Q");
  EXPECT_EQ(volume_.read(".trash/S/f"), "bytes");
  EXPECT_EQ(volume_.item("S").figures->exclusive_bytes, 5U) << "it is the last place now";
  volume_.empty();
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
  EXPECT_EQ(must(volume_.core().figures(volume_.account())).used, 8U) << "only the run is left";
}

TEST_F(ItemsTest, AGroupTakesASampleFromAllItsProjects) {
  must(associate("projects/P/samples/S", {"runs/R"}));
  must(add_to("projects/Q", "projects/P/samples/S"));
  const auto outcomes = trash("runs/R", kGroup);
  EXPECT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(restore(outcomes[0].id).size(), 3U);
  EXPECT_TRUE(volume_.exists("projects/P/samples/S"));
  EXPECT_TRUE(volume_.exists("projects/Q/samples/S"));
}

TEST_F(ItemsTest, ExplainsWhatADeletionWouldDo) {
  auto& items = volume_.core().items();
  const auto explained = [&](const std::string& path) { return must(items.explain(volume_.account(), path)); };
  EXPECT_FALSE(explained("runs/R").refusal);
  EXPECT_EQ(explained("runs/R").figures.files, 2U);
  EXPECT_EQ(explained("runs/R").figures.bytes, 8U);
  must(set_status("projects/P/analyses/A", ItemStatus::running));
  EXPECT_EQ(explained("projects/P").refusal->code, Errc::running);
  EXPECT_EQ(explained("projects").refusal->code, Errc::skeleton);
  volume_.trash("runs/R");
  EXPECT_EQ(explained(".trash/R").refusal->code, Errc::in_trash);
  EXPECT_EQ(refusal(items.explain(volume_.account(), "runs/none")), Errc::not_found);
  EXPECT_TRUE(volume_.exists("projects/P")) << "nothing happens";
}

}  // namespace
}  // namespace reprieve::test
