// SPDX-License-Identifier: Apache-2.0
// Status, associations, modes of deleting, explain and figures on the socket and in reprievectl.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/control/protocol/field_reader.h"
#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kEve = 30003;

class ItemsApi : public ControlTest {
 protected:
  ItemsApi() {
    make_file("runs/R/reads", "ACGT");
    make_folder("projects/P/samples/S");
    make_folder("projects/P/analyses/A");
  }
  RawResponse set_status(const std::string& path, const std::string& status) {
    return ask("POST", "/v1/status", R"({"path":")" + path + R"(","status":")" + status + R"("})");
  }
  RawResponse associate(const std::string& path, const std::string& source) {
    return ask("POST", "/v1/associate", R"({"path":")" + path + R"(","sources":[")" + source + R"("]})");
  }
  RawResponse trash_as(const std::string& path, const std::string& more) {
    return ask("POST", "/v1/trash", R"({"paths":[")" + path + "\"]," + more + "}");
  }
  // S comes from R, and A uses S.
  void associate_all() {
    EXPECT_EQ(associate("projects/P/samples/S", "runs/R").status, 200);
    EXPECT_EQ(associate("projects/P/analyses/A", "projects/P/samples/S").status, 200);
  }
  static std::string text(const boost::json::value& value) { return boost::json::serialize(value); }
};

TEST_F(ItemsApi, ShowsAndSetsAStatus) {
  start();
  const auto set = set_status("runs/R", "running");
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_EQ(set.json().at("status").as_string(), "running");
  const auto shown = ask("GET", "/v1/status?path=runs/R").json();
  EXPECT_EQ(text(shown), R"({"path":"runs/R","kind":"run","owner":"lab","role":"owner","status":"running",)"
                         R"("filesDeleted":false,"places":["runs/R"],"derivedFrom":[],"madeFromIt":[]})");
  EXPECT_TRUE(ask("GET", "/v1/status?path=projects/P").json().at("status").is_null());
  EXPECT_EQ(set_status("runs/R", "asleep").error_code(), "invalid_argument");
  EXPECT_EQ(set_status("projects/P", "running").error_code(), "invalid_argument");
  EXPECT_EQ(set_status("runs/none", "running").error_code(), "not_found");
  EXPECT_EQ(ask("POST", "/v1/status", R"({"path":"runs/R"})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("GET", "/v1/status").error_code(), "invalid_argument");
}

TEST_F(ItemsApi, WhatRunsIsTrashedByForceAlone) {
  start();
  set_status("runs/R", "running");
  const auto refused = trash_as("runs/R", R"("mode":"item")");
  EXPECT_EQ(refused.status, 409) << refused.body;
  EXPECT_EQ(refused.error_code(), "running");
  EXPECT_EQ(refused.json().at("error").at("errno").as_string(), "EBUSY");
  EXPECT_EQ(trash_as("runs/R", R"("force":true)").status, 200);
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(ItemsApi, AssociatesAndDissociates) {
  start();
  const auto made = associate("projects/P/samples/S", "runs/R");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(text(made.json().at("derivedFrom")), R"(["runs/R"])");
  EXPECT_EQ(text(ask("GET", "/v1/status?path=runs/R").json().at("madeFromIt")), R"(["projects/P/samples/S"])");
  EXPECT_EQ(associate("runs/R", "projects/P/samples/S").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/associate", R"({"path":"runs/R"})").error_code(), "invalid_argument");
  const std::string body = R"({"path":"projects/P/samples/S","sources":["runs/R"]})";
  EXPECT_EQ(text(ask("POST", "/v1/dissociate", body).json().at("derivedFrom")), "[]");
  EXPECT_EQ(ask("POST", "/v1/dissociate", body).status, 404);
}

TEST_F(ItemsApi, TrashesAndRestoresAGroup) {
  start();
  associate_all();
  const auto trashed = trash_as("runs/R", R"("mode":"with-associated")");
  EXPECT_EQ(trashed.status, 200) << trashed.body;
  const auto results = trashed.json().at("results").as_array();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].at("path").as_string(), "runs/R");
  EXPECT_EQ(results[1].at("path").as_string(), "projects/P/samples/S");
  const auto first = results[0].at("id").as_int64();
  const auto items = ask("GET", "/v1/trash").json().at("items").as_array();
  ASSERT_EQ(items.size(), 3U);
  for (const auto& item : items) {
    EXPECT_EQ(item.at("together").as_int64(), first);
    EXPECT_EQ(item.at("mode").as_string(), "with-associated");
  }
  const auto second = results[1].at("id").as_int64();
  EXPECT_EQ(ask("POST", "/v1/trash/" + std::to_string(second) + "/restore").json().at("results").as_array().size(), 1U);
  const auto rest = ask("POST", "/v1/trash/" + std::to_string(first) + "/restore");
  EXPECT_EQ(rest.status, 200) << rest.body;
  EXPECT_EQ(rest.json().at("results").as_array().size(), 2U);
  EXPECT_TRUE(exists("projects/P/analyses/A"));
}

TEST_F(ItemsApi, TrashesTheFilesAlone) {
  start();
  const auto trashed = trash_as("runs/R", R"("mode":"files-only")");
  EXPECT_EQ(trashed.status, 200) << trashed.body;
  EXPECT_TRUE(exists("runs/R"));
  EXPECT_FALSE(exists("runs/R/reads"));
  EXPECT_TRUE(ask("GET", "/v1/status?path=runs/R").json().at("filesDeleted").as_bool());
  const auto item = ask("GET", "/v1/trash").json().at("items").at(0);
  EXPECT_EQ(item.at("kind").as_string(), "run");
  EXPECT_EQ(text(item.at("includes")), R"(["FILEDATA"])");
  EXPECT_EQ(ask("POST", "/v1/restore", R"({"all":true})").status, 200);
  EXPECT_TRUE(exists("runs/R/reads"));
}

TEST_F(ItemsApi, Explains) {
  start();
  set_status("projects/P/analyses/A", "running");
  const auto response = ask("POST", "/v1/explain", R"({"paths":["runs/R","projects/P","projects/none"]})");
  EXPECT_EQ(response.status, 200) << response.body;
  const auto results = response.json().at("results").as_array();
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0].at("action").as_string(), "trash");
  EXPECT_EQ(results[0].at("files").to_number<int>(), 1);
  EXPECT_EQ(results[0].at("bytes").to_number<int>(), 4);
  EXPECT_EQ(results[1].at("action").as_string(), "refuse");
  EXPECT_EQ(results[1].at("error").at("code").as_string(), "running");
  EXPECT_TRUE(results[2].at("action").is_null());
  EXPECT_EQ(results[2].at("error").at("code").as_string(), "not_found");
  EXPECT_EQ(trash_count(), 0U);
}

TEST_F(ItemsApi, ExplainsTheModesOfADeletion) {
  start();
  associate_all();
  const auto explained = [this](const std::string& path, const std::string& mode) {
    const auto response = ask("POST", "/v1/explain", R"({"paths":[")" + path + R"("],"mode":")" + mode + R"("})");
    EXPECT_EQ(response.status, 200) << response.body;
    return response.json().at("results").at(0).as_object();
  };
  const auto group = explained("runs/R", "with-associated");
  EXPECT_EQ(group.at("action").as_string(), "trash");
  EXPECT_EQ(text(group.at("group")), R"(["projects/P/samples/S","projects/P/analyses/A"])");
  EXPECT_EQ(group.at("folders").to_number<int>(), 3);
  EXPECT_EQ(group.at("files").to_number<int>(), 1);
  EXPECT_EQ(text(explained("runs/R", "item").at("group")), "[]");
  EXPECT_EQ(explained("projects/P", "with-associated").at("error").at("code").as_string(), "invalid_argument");
  EXPECT_EQ(explained("runs/R", "files-only").at("action").as_string(), "trash");
  EXPECT_EQ(explained("projects/P/analyses/A", "files-only").at("error").at("code").as_string(), "not_found");
  EXPECT_EQ(explained("projects/P", "files-only").at("error").at("code").as_string(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/explain", R"({"paths":["runs/R"],"mode":"all"})").status, 400);
  // What runs holds up the group as it does the deletion.
  set_status("projects/P/analyses/A", "running");
  EXPECT_EQ(explained("runs/R", "with-associated").at("error").at("code").as_string(), "running");
  EXPECT_EQ(explained("runs/R", "item").at("action").as_string(), "trash");
  EXPECT_EQ(trash_count(), 0U);
  EXPECT_EQ(ctl({"explain", "--mode", "files-only", "runs/R"}).out,
            "runs/R would stay, and what it holds go to the trash: run with 1 file, 1 folder, 4 B\n");
  set_status("projects/P/analyses/A", "complete");
  const auto told = ctl({"explain", "--mode", "with-associated", "runs/R"});
  EXPECT_NE(told.out.find(", together with projects/P/samples/S, projects/P/analyses/A\n"), std::string::npos)
      << told.describe();
}

TEST_F(ItemsApi, AnUndoNamesItemsByNameAndPlacesByPath) {
  start();
  const auto id = trash_as("runs/R", R"("force":true)").json().at("results").at(0).at("id").as_int64();
  EXPECT_EQ(ask("POST", "/v1/trash/" + std::to_string(id) + "/restore").status, 200);
  const auto again = ask("POST", "/v1/undo").json().at("results").at(0);
  EXPECT_EQ(again.at("state").as_string(), "done") << text(again);
  EXPECT_EQ(again.at("effect").as_string(), "trash");
  EXPECT_EQ(again.at("name").as_string(), "R");
  EXPECT_EQ(again.at("path").as_string(), "runs/R");
}

TEST_F(ItemsApi, WhatRunsIsTrashedAgainByForceAlone) {
  start();
  EXPECT_EQ(ctl({"trash", "runs/R"}).exit_code, 0);
  EXPECT_EQ(ctl({"restore", "--all"}).exit_code, 0);
  set_status("runs/R", "running");
  const auto refused = ctl({"undo"});
  EXPECT_EQ(refused.exit_code, 1) << refused.describe();
  EXPECT_TRUE(exists("runs/R"));
  EXPECT_EQ(ask("POST", "/v1/undo", R"({"mode":"item"})").status, 400);
  const auto forced = ctl({"undo", "--force"});
  EXPECT_EQ(forced.exit_code, 0) << forced.describe();
  EXPECT_EQ(forced.out, "trashed runs/R again, as .trash/R\n");
  EXPECT_FALSE(exists("runs/R"));
}

TEST_F(ItemsApi, FiguresOfTheAccount) {
  trashed_file("projects/P/gone", "12345");
  static_cast<void>(files_->quotas().set(lab_.id, 1000));
  start();
  const auto account = ask("GET", "/v1/stats").json().at("account");
  EXPECT_EQ(text(account), R"({"name":"lab","quota":1000,"used":9,"beingDestroyed":0,"trash":{"items":1,"bytes":5},)"
                           R"("projects":{"owned":1,"shared":0},"runs":{"owned":1,"shared":0}})");
  const auto shown = ctl({"stats", "--account", "lab"});
  EXPECT_EQ(shown.exit_code, 0) << shown.describe();
  EXPECT_NE(shown.out.find("1 owned, 0 shared"), std::string::npos) << shown.out;
}

TEST_F(ItemsApi, PutsASampleIntoAnotherProject) {
  make_folder("projects/Q");
  start();
  const auto added = ask("POST", "/v1/add-to", R"({"project":"projects/Q","path":"projects/P/samples/S"})");
  EXPECT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(text(added.json().at("places")), R"(["projects/P/samples/S","projects/Q/samples/S"])");
  EXPECT_TRUE(exists("projects/Q/samples/S"));
  EXPECT_EQ(ctl({"add-to", "projects/Q", "projects/P/samples/S"}).exit_code, 1);
  EXPECT_EQ(trash_as("projects/P/samples/S", R"("mode":"item")").status, 200);
  const auto again = ctl({"add-to", "projects/P", "projects/Q/samples/S"});
  EXPECT_EQ(again.out, "projects/Q/samples/S: sample, in 2 projects\n") << again.describe();
  EXPECT_EQ(ask("POST", "/v1/add-to", R"({"path":"projects/P/samples/S"})").error_code(), "invalid_argument");
}

// What is answered for an element takes a thousand times the bytes that ask for it.
TEST_F(ItemsApi, AListHasAnEnd) {
  start();
  const auto list = [](std::size_t count, const std::string& element) {
    std::string text = "[" + element;
    for (std::size_t i = 1; i < count; ++i) text += "," + element;
    return text + "]";
  };
  constexpr std::size_t kMost = protocol::FieldReader::kMostInList;
  const std::vector<std::pair<std::string, std::string>> requests = {
      {"/v1/explain", R"({"paths":LIST})"},
      {"/v1/trash", R"({"paths":LIST})"},
      {"/v1/restore", R"({"ids":LIST})"},
      {"/v1/purge", R"({"ids":LIST})"},
      {"/v1/associate", R"({"path":"runs/R","sources":LIST})"},
      {"/v1/dissociate", R"({"path":"runs/R","sources":LIST})"}};
  for (const auto& [resource, body] : requests) {
    SCOPED_TRACE(resource);
    const std::string element = body.find("ids") == std::string::npos ? R"("a")" : "9";
    std::string too_long = body;
    too_long.replace(body.find("LIST"), 4, list(kMost + 1, element));
    const auto refused = ask("POST", resource, too_long);
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.error_code(), "invalid_argument");
    EXPECT_THAT(refused.error_message(), HasSubstr(std::to_string(kMost)));
  }
  const auto answered = ask("POST", "/v1/explain", R"({"paths":)" + list(kMost, R"("runs/R")") + "}");
  EXPECT_EQ(answered.status, 200);
  EXPECT_EQ(answered.json().at("results").as_array().size(), kMost);
}

TEST_F(ItemsApi, StrangersHaveNoRight) {
  start();
  EXPECT_EQ(RawClient(socket(), kEve, kEve).ask("GET", "/v1/status?path=runs/R").status, 403);
  for (const char* resource : {"/v1/status", "/v1/associate", "/v1/dissociate", "/v1/explain", "/v1/add-to"}) {
    EXPECT_EQ(RawClient(socket(), kEve, kEve).ask("POST", resource, "{}").status, 403) << resource;
  }
}

TEST_F(ItemsApi, Commands) {
  start();
  EXPECT_EQ(ctl({"associate", "projects/P/samples/S", "runs/R"}).exit_code, 0);
  EXPECT_EQ(ctl({"associate", "projects/P/analyses/A", "projects/P/samples/S"}).exit_code, 0);
  const auto shown = ctl({"status", "projects/P/samples/S"});
  EXPECT_EQ(shown.out, "projects/P/samples/S: sample, derived from runs/R\n") << shown.describe();
  const auto running = ctl({"status", "runs/R", "running"});
  EXPECT_EQ(running.out, "runs/R: run, running\n") << running.describe();
  EXPECT_EQ(ctl({"status", "runs/R", "asleep"}).exit_code, 2);
  EXPECT_EQ(ctl({"status", "projects/P", "running"}).exit_code, 1);

  const auto explained = ctl({"explain", "runs/R", "projects/P"});
  EXPECT_EQ(explained.exit_code, 0) << explained.describe();
  EXPECT_NE(explained.out.find("runs/R would be refused: "), std::string::npos) << explained.out;
  EXPECT_NE(explained.out.find("(rm -r takes everything else in it before it fails)"), std::string::npos);
  EXPECT_NE(explained.out.find("projects/P would go to the trash: project with 0 files, 5 folders"), std::string::npos)
      << explained.out;
  EXPECT_EQ(ctl({"explain", "runs/none"}).exit_code, 1);
  EXPECT_EQ(ctl({"explain", "runs/none", "runs/R"}).exit_code, 4);

  EXPECT_EQ(ctl({"trash", "runs/R"}).exit_code, 1);
  const auto group = ctl({"trash", "--mode", "with-associated", "--force", "runs/R"});
  EXPECT_EQ(group.exit_code, 0) << group.describe();
  EXPECT_EQ(trash_count(), 3U);
  const auto items = boost::json::parse(ctl({"list", "--json", "--name", "S"}).out).as_array();
  const auto restored = ctl({"restore", "--together", std::to_string(items.at(0).at("id").as_int64())});
  EXPECT_EQ(restored.exit_code, 0) << restored.describe();
  EXPECT_EQ(trash_count(), 0U);
  EXPECT_EQ(ctl({"dissociate", "projects/P/samples/S", "runs/R"}).exit_code, 0);
  EXPECT_EQ(ctl({"dissociate", "projects/P/samples/S", "runs/R"}).exit_code, 1);
  EXPECT_EQ(ctl({"associate", "projects/P/samples/S"}).exit_code, 2);
  EXPECT_EQ(ctl({"trash", "--mode", "everything", "runs/R"}).exit_code, 2);
}

}  // namespace
}  // namespace reprieve::test
