// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

class TrashApi : public ControlTest {
 protected:
  boost::json::array list(const std::string& query) {
    const auto response = ask("GET", "/v1/trash?" + query);
    EXPECT_EQ(response.status, 200) << query << ": " << response.body;
    return response.json().at("items").as_array();
  }
  // The field that a request is refused for.
  void expect_refused(std::string_view method, std::string_view target, std::string_view body, std::string_view named) {
    const auto response = ask(method, target, body);
    EXPECT_EQ(response.status, 400) << target << " " << body;
    EXPECT_EQ(response.error_code(), "invalid_argument") << target << " " << body;
    EXPECT_NE(response.error_message().find(named), std::string::npos) << response.body;
  }
  static boost::json::value only_result(const RawResponse& response) {
    const auto results = response.json().at("results").as_array();
    EXPECT_EQ(results.size(), 1U) << response.body;
    return results.at(0);
  }
};

TEST_F(TrashApi, ListsAnItemAsDocumented) {
  make_file("projects/P/a.txt", "12345");
  make_file("projects/P/sub/b.txt", "678");
  const auto id = trash("projects/P");
  start();
  const auto response = ask("GET", "/v1/trash");
  const auto body = response.json();
  const auto& item = body.at("items").as_array().at(0).as_object();
  EXPECT_EQ(item.at("id").as_int64(), id);
  EXPECT_EQ(item.at("name").as_string(), "P");
  EXPECT_EQ(item.at("kind").as_string(), "project");
  EXPECT_EQ(item.at("origin").as_string(), "projects/P");
  EXPECT_EQ(item.at("account").as_string(), "lab");
  EXPECT_EQ(boost::json::serialize(item.at("deletedBy")), R"({"account":"lab","uid":0})");
  EXPECT_TRUE(item.at("dateDeleted").as_string().ends_with("Z"));
  EXPECT_EQ(item.at("files").to_number<int>(), 2);
  EXPECT_EQ(item.at("bytes").to_number<int>(), 8);
  EXPECT_EQ(item.at("exclusiveBytes").to_number<int>(), 8);
  EXPECT_FALSE(item.at("held").as_bool());
  EXPECT_TRUE(item.at("expiresAt").is_null());
  EXPECT_EQ(boost::json::serialize(item.at("includes")), R"(["FILEDATA","METADATA"])");
  EXPECT_EQ(boost::json::serialize(body.at("paging")),
            R"({"displayedCount":1,"totalCount":1,"offset":0,"limit":100,"sortBy":"DateDeleted","sortDir":"Desc"})");
}

TEST_F(TrashApi, ShowsAnItemWithItsCounts) {
  make_file("projects/P/a.txt");
  make_folder("projects/P/samples/S");
  const auto id = trash("projects/P");
  start();
  const auto response = ask("GET", "/v1/trash/" + std::to_string(id));
  EXPECT_EQ(response.status, 200) << response.body;
  const auto counts = response.json().at("counts");
  EXPECT_EQ(counts.at("file").to_number<int>(), 1);
  EXPECT_EQ(counts.at("sample").to_number<int>(), 1);
  EXPECT_EQ(counts.at("project").to_number<int>(), 1);
}

TEST_F(TrashApi, Filters) {
  trashed_file("projects/P/small.txt", "1");
  trashed_file("projects/P/large.txt", std::string(1000, 'x'));
  make_folder("projects/Q");
  trash("projects/Q");
  start();
  EXPECT_EQ(list("kind=project").size(), 1U);
  EXPECT_EQ(list("kind=file").size(), 2U);
  EXPECT_EQ(list("kind=run").size(), 0U);
  EXPECT_EQ(list("name=*.txt").size(), 2U);
  EXPECT_EQ(list("name=l%61rge*").size(), 1U);
  EXPECT_EQ(list("origin=projects/P/*").size(), 2U);
  EXPECT_EQ(list("minBytes=500").size(), 1U);
  EXPECT_EQ(list("deletedBy=lab").size(), 3U);
  EXPECT_EQ(ask("GET", "/v1/trash?deletedBy=nobody").error_code(), "not_found");
  EXPECT_EQ(list("since=1h").size(), 3U);
  EXPECT_EQ(list("until=1h").size(), 0U);
  EXPECT_EQ(list("since=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00%2B01:00").size(), 3U);
  EXPECT_EQ(list("account=lab&kind=file&name=large*").size(), 1U);
  const std::string session(list("kind=project").at(0).at("session").as_string());
  EXPECT_EQ(list("session=" + session).size(), 3U);
}

TEST_F(TrashApi, SortsAndPages) {
  trashed_file("projects/P/b", "1");
  trashed_file("projects/P/c", "333");
  trashed_file("projects/P/a", "22");
  start();
  const auto names = [this](const std::string& query) {
    std::string text;
    for (const auto& item : list(query)) text += std::string(item.at("name").as_string());
    return text;
  };
  EXPECT_EQ(names("sortBy=Name&sortDir=Asc"), "abc");
  EXPECT_EQ(names("sortBy=TotalSize"), "cab");
  EXPECT_EQ(names("sortBy=DateDeleted&sortDir=Asc"), "bca");
  EXPECT_EQ(names("sortBy=Name&sortDir=Asc&offset=1&limit=1"), "b");
  EXPECT_EQ(names("offset=17"), "");
}

TEST_F(TrashApi, RefusesBadParameters) {
  start();
  expect_refused("GET", "/v1/trash?colour=red", {}, "colour");
  expect_refused("GET", "/v1/trash?limit=0", {}, "limit");
  expect_refused("GET", "/v1/trash?limit=1001", {}, "limit");
  expect_refused("GET", "/v1/trash?limit=-1", {}, "limit");
  expect_refused("GET", "/v1/trash?offset=many", {}, "offset");
  expect_refused("GET", "/v1/trash?limit=99999999999999999999999", {}, "limit");
  expect_refused("GET", "/v1/trash?kind=pizza", {}, "kind");
  expect_refused("GET", "/v1/trash?since=yesterday", {}, "since");
  expect_refused("GET", "/v1/trash?sortBy=Colour", {}, "sortBy");
  expect_refused("GET", "/v1/trash?sortDir=up", {}, "sortDir");
  expect_refused("GET", "/v1/trash?session=x", {}, "session");
  expect_refused("GET", "/v1/trash?name=a%00b", {}, "name");
  expect_refused("GET", "/v1/trash?limit=1&limit=2", {}, "limit");
  expect_refused("GET", "/v1/ping?x=1", {}, "x");
  expect_refused("POST", "/v1/purge?ids=1", R"({"ids":[1]})", "ids");
}

TEST_F(TrashApi, RefusesBadIds) {
  start();
  for (const char* id : {"0", "-1", "x", "1x", "99999999999999999999", "%00", "1%2F2"}) {
    EXPECT_EQ(ask("GET", std::string("/v1/trash/") + id).status, 400) << id;
  }
  for (const auto& [method, target] :
       {std::pair{"GET", "/v1/trash/999"}, std::pair{"DELETE", "/v1/trash/999"},
        std::pair{"POST", "/v1/trash/999/restore"}, std::pair{"GET", "/v1/operations/999"}}) {
    const auto response = ask(method, target);
    EXPECT_EQ(response.status, 404) << target << response.body;
    EXPECT_EQ(response.error_code(), "not_found") << target;
  }
  EXPECT_EQ(ask("POST", "/v1/purge", R"({"ids":[999]})").status, 404);
}

TEST_F(TrashApi, TrashesPaths) {
  make_file("projects/P/a");
  make_file("projects/P/b");
  start();
  const auto response = ask("POST", "/v1/trash", R"({"paths":["projects/P/a","/projects//P/./b"],"mode":"item"})");
  EXPECT_EQ(response.status, 207) << "the second path is absolute and in no mount";
  const auto one = ask("POST", "/v1/trash", R"({"paths":["projects//P/./b"]})");
  EXPECT_EQ(one.status, 200) << one.body;
  const auto result = only_result(one);
  EXPECT_EQ(result.at("state").as_string(), "done");
  EXPECT_EQ(result.at("name").as_string(), "b");
  EXPECT_EQ(result.at("path").as_string(), "projects//P/./b");
  EXPECT_GT(result.at("id").as_int64(), 0);
  EXPECT_FALSE(exists("projects/P/a"));
  EXPECT_FALSE(exists("projects/P/b"));
}

TEST_F(TrashApi, AbsolutePathsCountFromTheMountPoint) {
  make_file("projects/P/a");
  make_file("projects/P/b");
  mounts_.list = {{.account = "lab", .path = "/mnt", .data_path = "splice", .allow_other = false},
                  {.account = "lab", .path = "/mnt/lab", .data_path = "splice", .allow_other = false}};
  start();
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["/mnt/lab/projects/P/a"]})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["/mnt/projects/P/b"]})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["/mntlab/projects/P"]})").status, 404);
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["/mnt/lab/"]})").error_code(), "skeleton");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["/mnt/lab/../../etc"]})").status, 400);
  EXPECT_TRUE(exists("projects/P"));
}

TEST_F(TrashApi, NamesThatAreNoUtf8) {
  make_file("projects/P/caf\xE9");
  start();
  const auto trashed = ask("POST", "/v1/trash", R"({"paths":[{"hex":"70726f6a656374732f502f636166e9"}]})");
  EXPECT_EQ(trashed.status, 200) << trashed.body;
  EXPECT_EQ(only_result(trashed).at("nameHex").as_string(), "636166e9");
  const auto item = list("").at(0);
  EXPECT_EQ(item.at("name").as_string(), "caf\xEF\xBF\xBD");
  EXPECT_EQ(item.at("nameHex").as_string(), "636166e9");
  EXPECT_EQ(item.at("originHex").as_string(), "70726f6a656374732f502f636166e9");
  EXPECT_EQ(list("name=caf%E9").size(), 1U);
}

TEST_F(TrashApi, RefusesBadPaths) {
  start();
  const std::string longest(5000, 'x');
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["projects/../../etc"]})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["a\u0000b"]})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":[""]})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":[17]})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":[]})").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", "{}").error_code(), "invalid_argument");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["projects/)" + longest + "\"]}").error_code(), "name_too_long");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["projects/none"]})").error_code(), "not_found");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["."]})").error_code(), "skeleton");
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"paths":["projects"]})").error_code(), "skeleton");
  const auto error = ask("POST", "/v1/trash", R"({"paths":["projects/none"]})").json().at("error");
  EXPECT_EQ(error.at("path").as_string(), "projects/none");
  EXPECT_EQ(error.at("errno").as_string(), "ENOENT");
}

TEST_F(TrashApi, RefusesOtherModes) {
  start();
  expect_refused("POST", "/v1/trash", R"({"paths":["projects/P"],"mode":"all"})", "mode");
}

TEST_F(TrashApi, RestoresOne) {
  const auto id = trashed_file("projects/P/a");
  start();
  const auto response = ask("POST", "/v1/trash/" + std::to_string(id) + "/restore");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(only_result(response).at("path").as_string(), "projects/P/a");
  EXPECT_TRUE(exists("projects/P/a"));
  EXPECT_EQ(ask("POST", "/v1/trash/" + std::to_string(id) + "/restore").status, 404);
}

TEST_F(TrashApi, RestoresSelections) {
  const auto a = trashed_file("projects/P/a");
  trashed_file("projects/P/b");
  trashed_file("runs/R/c");
  const auto d = trashed_file("projects/P/d");
  start();
  EXPECT_EQ(ask("POST", "/v1/restore", "{\"ids\":[" + std::to_string(a) + "]}").status, 200);
  EXPECT_EQ(ask("POST", "/v1/restore", R"({"filter":{"name":"b"}})").status, 200);
  EXPECT_EQ(trash_count(), 2U);
  EXPECT_EQ(ask("POST", "/v1/restore", "{\"ids\":[" + std::to_string(d) + ",999]}").status, 207);
  EXPECT_EQ(ask("POST", "/v1/restore", R"({"all":true})").status, 200);
  EXPECT_EQ(trash_count(), 0U);
  EXPECT_EQ(ask("POST", "/v1/restore", R"({"all":true})").json().at("results").as_array().size(), 0U);
  EXPECT_EQ(ask("POST", "/v1/restore", R"({"session":"9999"})").status, 404);
}

TEST_F(TrashApi, RestoresASession) {
  trashed_file("projects/P/a");
  trashed_file("projects/P/b");
  start();
  const std::string session(list("").at(0).at("session").as_string());
  const auto response = ask("POST", "/v1/restore", "{\"session\":\"" + session + "\"}");
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(exists("projects/P/a"));
  EXPECT_TRUE(exists("projects/P/b"));
}

TEST_F(TrashApi, Collisions) {
  const auto id = std::to_string(trashed_file("projects/P/a", "old"));
  make_file("projects/P/a", "new");
  start();
  const std::string target = "/v1/trash/" + id + "/restore";
  const auto refused = ask("POST", target);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.error_code(), "exists");
  EXPECT_EQ(ask("POST", target, R"({"onCollision":"skip"})").status, 207);
  EXPECT_EQ(ask("POST", target, R"({"onCollision":"explode"})").status, 400);
  const auto renamed = ask("POST", target, R"({"onCollision":"rename"})");
  EXPECT_EQ(renamed.status, 200) << renamed.body;
  EXPECT_NE(only_result(renamed).at("path").as_string(), "projects/P/a");
}

TEST_F(TrashApi, RestoresElsewhere) {
  const auto id = std::to_string(trashed_file("projects/P/a"));
  make_folder("projects/Q/in");
  mounts_.list = {{.account = "lab", .path = "/mnt/lab", .data_path = "splice", .allow_other = false}};
  start();
  const std::string target = "/v1/trash/" + id + "/restore";
  EXPECT_EQ(ask("POST", target, R"({"to":"../etc"})").status, 400);
  EXPECT_EQ(ask("POST", target, R"({"to":"projects/none"})").status, 404);
  EXPECT_EQ(ask("POST", target, R"({"to":"/mnt/lab/projects/Q/in"})").status, 200);
  EXPECT_TRUE(exists("projects/Q/in/a"));
}

TEST_F(TrashApi, ADryRunOfARestoreChangesNothing) {
  const auto id = trashed_file("projects/P/a", "old");
  make_file("projects/P/sub/b");
  trash("projects/P/sub/b");
  trash("projects/P/sub");
  start();
  const std::string before = ask("GET", "/v1/trash").body;
  const std::string history = ask("GET", "/v1/history").body;
  const auto all = ask("POST", "/v1/restore", R"({"all":true,"dryRun":true})");
  EXPECT_EQ(all.status, 200) << all.body;
  const auto results = all.json().at("results").as_array();
  ASSERT_EQ(results.size(), 3U);
  // As the folder would be back by then.
  EXPECT_EQ(results[0].at("path").as_string(), "projects/P/sub");
  EXPECT_EQ(results[1].at("path").as_string(), "projects/P/sub/b");
  EXPECT_EQ(results[2].at("path").as_string(), "projects/P/a");
  const std::string one = "/v1/trash/" + std::to_string(id) + "/restore";
  EXPECT_EQ(only_result(ask("POST", one, R"({"dryRun":true})")).at("path").as_string(), "projects/P/a");
  EXPECT_EQ(ask("GET", "/v1/trash").body, before);
  EXPECT_EQ(ask("GET", "/v1/history").body, history);
  EXPECT_FALSE(exists("projects/P/a"));
  EXPECT_FALSE(exists("projects/P/sub"));
}

TEST_F(TrashApi, ADryRunSeesWhatTheItemsBeforeWouldHaveTaken) {
  for (const char* content : {"1", "2", "3"}) trashed_file("projects/P/a", content);
  start();
  const auto dry = ask("POST", "/v1/restore", R"({"all":true,"dryRun":true,"onCollision":"rename"})").json();
  const auto real = ask("POST", "/v1/restore", R"({"all":true,"onCollision":"rename"})").json();
  EXPECT_EQ(boost::json::serialize(dry), boost::json::serialize(real));
  for (int i = 0; i < 3; ++i) trashed_file("projects/Q/b");
  const auto refused = ask("POST", "/v1/restore", R"({"all":true,"dryRun":true})");
  EXPECT_EQ(refused.status, 207) << refused.body;
  const auto fails = [](const boost::json::value& result) { return result.at("state").as_string() == "failed"; };
  const auto results = refused.json().at("results").as_array();
  EXPECT_EQ(std::count_if(results.begin(), results.end(), fails), 2);
  EXPECT_EQ(trash_count(), 3U);
}

TEST_F(TrashApi, AParentThatIsGone) {
  make_file("projects/P/sub/a");
  make_file("projects/P/sub/b");
  const auto id = std::to_string(trash("projects/P/sub/a"));
  trash("projects/P/sub");
  start();
  const std::string target = "/v1/trash/" + id + "/restore";
  EXPECT_EQ(ask("POST", target).error_code(), "parent_in_trash");
  const auto made = ask("POST", target, R"({"recreateParents":true})");
  EXPECT_EQ(made.status, 200) << made.body;
  EXPECT_TRUE(exists("projects/P/sub/a"));
}

}  // namespace
}  // namespace reprieve::test
