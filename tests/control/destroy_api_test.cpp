// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>

#include "tests/control/control_fixture.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

class DestroyApi : public ControlTest {
 protected:
  static std::string token_of(const RawResponse& plan) { return std::string(plan.json().at("token").as_string()); }
  RawResponse execute(const std::string& token) { return ask("POST", "/v1/empty", "{\"token\":\"" + token + "\"}"); }
};

TEST_F(DestroyApi, ThePlanShowsItemsAndTotals) {
  trashed_file("projects/P/a", "12345");
  trashed_file("projects/P/b", "678");
  start();
  const auto response = ask("POST", "/v1/empty/plan");
  EXPECT_EQ(response.status, 200) << response.body;
  const auto plan = response.json();
  EXPECT_EQ(plan.at("items").as_array().size(), 2U);
  EXPECT_EQ(plan.at("kept").as_array().size(), 0U);
  EXPECT_EQ(plan.at("total").at("items").to_number<int>(), 2);
  EXPECT_EQ(plan.at("total").at("files").to_number<int>(), 2);
  EXPECT_EQ(plan.at("total").at("bytes").to_number<int>(), 8);
  EXPECT_EQ(plan.at("total").at("exclusiveBytes").to_number<int>(), 8);
  EXPECT_TRUE(plan.at("expires").is_string());
  EXPECT_EQ(trash_count(), 2U) << "a plan destroys nothing";
}

TEST_F(DestroyApi, DestroysExactlyThePlan) {
  trashed_file("projects/P/planned");
  const auto restored = trashed_file("projects/P/restored");
  start();
  const std::string token = token_of(ask("POST", "/v1/empty/plan", "{}"));
  trashed_file("projects/P/later");
  ASSERT_EQ(ask("POST", "/v1/trash/" + std::to_string(restored) + "/restore").status, 200);

  const auto response = execute(token);
  EXPECT_EQ(response.status, 207) << "one was skipped: " << response.body;
  std::map<std::string, std::string> states;
  const auto body = response.json();
  for (const auto& result : body.at("results").as_array()) {
    states[std::string(result.at("name").as_string())] = result.at("state").as_string();
  }
  EXPECT_EQ(states, (std::map<std::string, std::string>{{"planned", "done"}, {"restored", "skipped"}}));
  EXPECT_EQ(trash_count(), 1U);
  EXPECT_TRUE(exists("projects/P/restored"));
}

TEST_F(DestroyApi, ATokenIsGoodForOneUse) {
  trashed_file("projects/P/a");
  start();
  const std::string token = token_of(ask("POST", "/v1/empty/plan"));
  EXPECT_EQ(execute(token).status, 200);
  EXPECT_EQ(execute(token).status, 410);
  EXPECT_EQ(execute("0123").error_code(), "plan_expired");
  EXPECT_EQ(ask("POST", "/v1/empty").status, 400);
  EXPECT_EQ(ask("POST", "/v1/empty", R"({"token":17})").status, 400);
}

TEST_F(DestroyApi, PlansWithAFilter) {
  trashed_file("projects/P/a");
  trashed_file("projects/P/b");
  start();
  const auto plan = ask("POST", "/v1/empty/plan", R"({"filter":{"name":"b"}})");
  EXPECT_EQ(plan.json().at("items").as_array().size(), 1U);
  EXPECT_EQ(execute(token_of(plan)).status, 200);
  EXPECT_EQ(trash_count(), 1U);
  EXPECT_EQ(ask("POST", "/v1/empty/plan", R"({"filter":{"colour":"red"}})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/empty/plan", R"({"name":"b"})").status, 400)
      << "a filter in the wrong place must not be lost";
}

TEST_F(DestroyApi, PurgesSingleItems) {
  const auto a = std::to_string(trashed_file("projects/P/a"));
  const auto b = std::to_string(trashed_file("projects/P/b"));
  start();
  EXPECT_EQ(ask("DELETE", "/v1/trash/" + a).status, 200);
  EXPECT_EQ(ask("POST", "/v1/purge", "{\"ids\":[" + b + "," + a + "]}").status, 207);
  EXPECT_EQ(trash_count(), 0U);
}

TEST_F(DestroyApi, TheOperationCanBeFollowed) {
  const auto id = std::to_string(trashed_file("projects/P/a", "12345"));
  start();
  const auto purged = ask("DELETE", "/v1/trash/" + id);
  const auto operation = std::to_string(purged.json().at("operation").as_int64());
  EXPECT_TRUE(wait_until([&] {
    const auto response = ask("GET", "/v1/operations/" + operation);
    return response.status != 200 || response.json().at("state").as_string() == "done";
  }));
  const auto response = ask("GET", "/v1/operations/" + operation);
  ASSERT_EQ(response.status, 200) << response.body;
  for (const char* name : {"id", "state", "done", "total", "bytes", "bytesTotal", "rate", "seconds"}) {
    EXPECT_TRUE(response.json().as_object().contains(name)) << name;
  }
}

TEST_F(DestroyApi, Stats) {
  trashed_file("projects/P/a");
  start();
  const auto stats = ask("GET", "/v1/stats");
  EXPECT_EQ(stats.status, 200) << stats.body;
  EXPECT_EQ(stats.json().at("trashItems").to_number<int>(), 1);
  EXPECT_EQ(stats.json().at("accounts").to_number<int>(), 1);
  EXPECT_GT(stats.json().at("diskTotal").to_number<std::uint64_t>(), 0U);
}

TEST_F(DestroyApi, Mounts) {
  mounts_.list = {{.account = "lab",
                   .path = "/mnt/l\xE4"
                           "b",
                   .data_path = "passthrough",
                   .allow_other = true}};
  start();
  const auto mount = ask("GET", "/v1/mounts").json().at("items").as_array().at(0);
  EXPECT_EQ(mount.at("account").as_string(), "lab");
  EXPECT_EQ(mount.at("pathHex").as_string(), "2f6d6e742f6ce462");
  EXPECT_EQ(mount.at("dataPath").as_string(), "passthrough");
  EXPECT_TRUE(mount.at("allowOther").as_bool());
}

}  // namespace
}  // namespace reprieve::test
