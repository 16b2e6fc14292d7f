// SPDX-License-Identifier: Apache-2.0
// A run trashed together with what was made from it, in two projects of which one is renamed and the other trashed
// before the group comes back.
#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Run R; in each of the projects A and B a sample of it and an analysis of that.
class Groups : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    write_file(run_folder() / "data", "data of R");
    for (const std::string name : {"A", "B"}) {
      std::filesystem::create_directory(mount() / "projects" / name);
      const std::string sample = "projects/" + name + "/samples/S" + name;
      const std::string analysis = "projects/" + name + "/analyses/N" + name;
      for (const std::string& item : {sample, analysis}) {
        std::filesystem::create_directory(mount() / item);
        write_file(mount() / item / "f", item);
      }
      ctl({"associate", sample, "runs/R"});
      ctl({"associate", analysis, sample});
    }
    write_file(mount() / "projects/A/samples/SA/more", "not only one");
  }
};

TEST_F(Groups, EachMemberComesBackOrSaysWhyNot) {
  const TreeSnapshot samples = snapshot(mount() / "projects/A/samples");
  const TreeSnapshot analyses = snapshot(mount() / "projects/A/analyses");
  const TreeSnapshot run = snapshot(run_folder());
  ctl({"trash", "--mode", "with-associated", "runs/R"});
  EXPECT_THAT(trash_names(), UnorderedElementsAre("R", "SA", "NA", "SB", "NB"));
  succeed({"mv", mount() / "projects/A", mount() / "projects/renamed"});
  succeed({"rm", "-r", mount() / "projects/B"});
  const std::string group = id_of("R");
  const auto line = [&](const std::string& name) { return id_of(name) + " (" + name + ")"; };
  const std::string sa = line("SA");
  const std::string na = line("NA");
  const std::string sb = line("SB");
  const std::string nb = line("NB");

  const CommandResult restored = ctl({"restore", group}, 4);
  EXPECT_THAT(restored.out, HasSubstr("restored " + group + " (R) to runs/R\n"));
  EXPECT_THAT(restored.out, HasSubstr("restored " + sa + " to projects/renamed/samples/SA\n"));
  EXPECT_THAT(restored.out, HasSubstr("restored " + na + " to projects/renamed/analyses/NA\n"));
  EXPECT_EQ(std::count(restored.out.begin(), restored.out.end(), '\n'), 3) << restored.out;
  EXPECT_THAT(restored.err, HasSubstr(sb + ": "));
  EXPECT_THAT(restored.err, HasSubstr("(projects/B/samples)"));
  EXPECT_THAT(restored.err, HasSubstr(nb + ": "));
  EXPECT_THAT(restored.err, HasSubstr("(projects/B/analyses)"));
  EXPECT_THAT(restored.err, Not(HasSubstr("renamed")));
  EXPECT_EQ(std::count(restored.err.begin(), restored.err.end(), '\n'), 2) << restored.err;

  EXPECT_EQ(differences(samples, snapshot(mount() / "projects/renamed/samples")), "");
  EXPECT_EQ(differences(analyses, snapshot(mount() / "projects/renamed/analyses")), "");
  EXPECT_EQ(differences(run, snapshot(run_folder())), "");
  EXPECT_THAT(trash_names(), UnorderedElementsAre("B", "SB", "NB"));
}

TEST_F(Groups, WhatWasLeftComesBackAfterItsProject) {
  ctl({"trash", "--mode", "with-associated", "runs/R"});
  succeed({"rm", "-r", mount() / "projects/B"});
  ctl({"restore", id_of("R")}, 4);
  // What is left is restored by one of its own, once its parent is back.
  ctl({"restore", id_of("SB")}, 1);
  ctl({"restore", id_of("B")});
  ctl({"restore", id_of("SB"), id_of("NB")});
  EXPECT_EQ(read_file(mount() / "projects/B/samples/SB/f"), "projects/B/samples/SB");
  EXPECT_EQ(read_file(mount() / "projects/B/analyses/NB/f"), "projects/B/analyses/NB");
  EXPECT_THAT(trash_names(), IsEmpty());
}

TEST_F(Groups, JsonNamesEveryMember) {
  ctl({"trash", "--mode", "with-associated", "runs/R"});
  succeed({"rm", "-r", mount() / "projects/B"});
  const CommandResult restored = ctl({"restore", "--json", id_of("R")}, 4);
  const boost::json::array results = boost::json::parse(restored.out).at("results").as_array();
  std::vector<std::string> told;
  for (const boost::json::value& result : results) {
    const auto& object = result.as_object();
    const auto* error = object.if_contains("error");
    told.push_back(std::string(object.at("name").as_string()) + " " +
                   std::string(error != nullptr ? error->at("code").as_string() : object.at("path").as_string()));
  }
  EXPECT_THAT(told, UnorderedElementsAre("R runs/R", "SA projects/A/samples/SA", "NA projects/A/analyses/NA",
                                         "SB parent_in_trash", "NB parent_in_trash"));
}

}  // namespace
}  // namespace reprieve::test
