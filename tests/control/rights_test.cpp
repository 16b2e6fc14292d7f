// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

constexpr uid_t kAda = 30001;
constexpr uid_t kBob = 30002;
constexpr uid_t kEve = 30003;
constexpr gid_t kAdmins = 40001;

class Rights : public ControlTest {
 protected:
  Rights() {
    ada_ = files_->accounts().ensure("ada", kAda, kAda).value();
    bob_ = files_->accounts().ensure("bob", kBob, kBob).value();
    make_file(ada_, "projects/P/a", "x");
    make_file(bob_, "projects/P/a", "x");
    options_.group = kAdmins;
    mounts_.list = {{.account = "ada", .path = "/mnt/ada", .data_path = "splice", .allow_other = false},
                    {.account = "bob", .path = "/mnt/bob", .data_path = "splice", .allow_other = false}};
  }
  RawResponse ask_as(uid_t uid, gid_t gid, std::string_view method, std::string_view target,
                     std::string_view body = {}) {
    return RawClient(socket(), uid, gid).ask(method, target, body);
  }
  Account ada_;
  Account bob_;
};

TEST_F(Rights, UsersHaveTheirOwnAccount) {
  start();
  EXPECT_EQ(ask_as(kAda, kAda, "GET", "/v1/trash").status, 200);
  EXPECT_EQ(ask_as(kAda, kAda, "GET", "/v1/trash?account=ada").status, 200);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/empty/plan", R"({"account":"ada"})").status, 200);
}

TEST_F(Rights, UsersHaveNoOtherAccount) {
  start();
  for (const char* account : {"bob", "lab", "nobody"}) {
    const auto response = ask_as(kAda, kAda, "GET", std::string("/v1/trash?account=") + account);
    EXPECT_EQ(response.status, 403) << account;
    EXPECT_EQ(response.error_code(), "not_owner") << account;
  }
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/trash", R"({"paths":["/mnt/bob/projects/P"]})").status, 403);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/trash", R"({"paths":["projects/P"],"account":"bob"})").status, 403);
  EXPECT_TRUE(files_->names().resolve(bob_, "projects/P"));
}

TEST_F(Rights, StrangersMayOnlyPing) {
  start();
  EXPECT_EQ(ask_as(kEve, kEve, "GET", "/v1/ping").status, 200);
  EXPECT_EQ(ask_as(kEve, kEve, "GET", "/v1/version").status, 200);
  for (const char* target : {"/v1/trash", "/v1/stats", "/v1/mounts", "/v1/operations/1", "/v1/trash/1"}) {
    EXPECT_EQ(ask_as(kEve, kEve, "GET", target).status, 403) << target;
  }
  // Refused before the body is looked at.
  EXPECT_EQ(ask_as(kEve, kEve, "POST", "/v1/purge", "nonsense").status, 403);
}

TEST_F(Rights, ItemsOfOthersAreNotFound) {
  const auto outcome =
      files_->trash().trash_paths(bob_, {"projects/P"}, {.uid = kBob, .gid = kBob, .thread = 0, .mount = {}});
  start();
  const std::string target = "/v1/trash/" + std::to_string(outcome.at(0).id.number());
  EXPECT_EQ(ask_as(kAda, kAda, "GET", target).status, 404);
  EXPECT_EQ(ask_as(kAda, kAda, "DELETE", target).status, 404);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", target + "/restore").status, 404);
  EXPECT_EQ(ask_as(kBob, kBob, "GET", target).status, 200);
}

TEST_F(Rights, APlanIsGoodForItsAccountOnly) {
  start();
  const auto plan = ask_as(kAda, kAda, "POST", "/v1/empty/plan");
  const std::string body = "{\"token\":\"" + std::string(plan.json().at("token").as_string()) + "\"}";
  EXPECT_EQ(ask_as(kBob, kBob, "POST", "/v1/empty", body).status, 410);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/empty", body).status, 200);
}

TEST_F(Rights, RootAndTheGroupHaveAllAccounts) {
  start();
  EXPECT_EQ(ask("GET", "/v1/trash?account=ada").status, 200);
  EXPECT_EQ(ask("GET", "/v1/trash?account=none").status, 404);
  EXPECT_EQ(ask_as(kEve, kAdmins, "GET", "/v1/trash?account=bob").status, 200);
  EXPECT_EQ(
      ask_as(kEve, kAdmins, "POST", "/v1/trash", R"({"paths":["/mnt/ada/projects/P","/mnt/bob/projects/P"]})").status,
      200);
}

TEST_F(Rights, AnAmbiguousAccountIsAskedFor) {
  start();
  // Root has an account of its own.
  EXPECT_EQ(ask("GET", "/v1/trash").status, 200);
  const auto response = ask_as(kEve, kAdmins, "GET", "/v1/trash");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.error_code(), "account_needed");
  for (const char* name : {"ada", "bob", "lab"}) {
    EXPECT_NE(response.error_message().find(name), std::string::npos) << response.body;
  }
  EXPECT_EQ(ask("POST", "/v1/empty/plan?account=ada", R"({"account":"bob"})").status, 400);
}

TEST_F(Rights, OnlyOwnMountsAreShown) {
  start();
  const auto own = ask_as(kAda, kAda, "GET", "/v1/mounts").json().at("items").as_array();
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own.at(0).at("path").as_string(), "/mnt/ada");
  EXPECT_EQ(ask("GET", "/v1/mounts").json().at("items").as_array().size(), 2U);
}

TEST_F(Rights, TheCommandLineSaysWhoMayNot) {
  start();
  const auto result =
      ctl({"list", "--account", "bob"}, {.directory = "/", .environment = {}, .input = {}, .user = kAda});
  EXPECT_EQ(result.exit_code, 1) << result.describe();
  EXPECT_NE(result.err.find("bob"), std::string::npos);
}

}  // namespace
}  // namespace reprieve::test
