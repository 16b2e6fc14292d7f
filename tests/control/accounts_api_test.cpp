// SPDX-License-Identifier: Apache-2.0
// Accounts, sharing, history and undo over the socket, with the rights to each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

constexpr uid_t kAda = 30001;
constexpr uid_t kBob = 30002;
constexpr uid_t kEve = 30003;
constexpr gid_t kAdmins = 40001;

class AccountsApi : public ControlTest {
 protected:
  AccountsApi() {
    options_.group = kAdmins;
    ada_ = files_->accounts().ensure("ada", kAda, kAda).value();
    bob_ = files_->accounts().ensure("bob", kBob, kBob).value();
    make_file(ada_, "projects/P/a", "x");
  }
  RawResponse ask_as(uid_t uid, gid_t gid, std::string_view method, std::string_view target,
                     std::string_view body = {}) {
    return RawClient(socket(), uid, gid).ask(method, target, body);
  }
  RawResponse share(std::string_view role = "editor") {
    return ask_as(kAda, kAda, "POST", "/v1/share",
                  R"({"path":"projects/P","with":"bob","role":")" + std::string(role) + R"("})");
  }
  std::vector<std::string> events(uid_t uid, const std::string& query = {}) {
    const auto response = ask_as(uid, uid, "GET", "/v1/history" + query);
    EXPECT_EQ(response.status, 200) << response.body;
    std::vector<std::string> names;
    const auto body = response.json();
    for (const auto& item : body.at("items").as_array()) names.emplace_back(item.at("event").as_string());
    return names;
  }
  Account ada_;
  Account bob_;
};

TEST_F(AccountsApi, AdministeredByAdminsAlone) {
  start();
  const std::string body = R"({"name":"eve","uid":30003,"gid":30003,"quota":1048576})";
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/accounts", body).status, 403);
  EXPECT_EQ(ask_as(kEve, kEve, "POST", "/v1/accounts", body).status, 403);
  const auto added = ask_as(kEve, kAdmins, "POST", "/v1/accounts", body);
  EXPECT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(added.json().at("quota").to_number<int>(), 1048576);
  EXPECT_EQ(ask("POST", "/v1/accounts", body).status, 409);
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"no/slash","uid":1,"gid":1})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/accounts", R"({"name":"half"})").status, 400);
  EXPECT_EQ(ask_as(kEve, kEve, "GET", "/v1/account").json().at("name").as_string(), "eve");
  EXPECT_EQ(ask_as(kEve, kEve, "POST", "/v1/account", R"({"quota":0})").status, 403);
  EXPECT_EQ(ask("POST", "/v1/account", R"({"account":"eve","quota":0,"uid":30009})").status, 200);
  EXPECT_TRUE(ask("GET", "/v1/account?account=eve").json().at("quota").is_null());
  EXPECT_EQ(ask_as(kBob, kBob, "DELETE", "/v1/account?account=eve").status, 403);
  EXPECT_EQ(ask("DELETE", "/v1/account?account=eve").status, 200);
  EXPECT_EQ(ask("GET", "/v1/account?account=eve").status, 404);
}

TEST_F(AccountsApi, WhatOwnsOrIsMountedStays) {
  mounts_.list = {{.account = "bob", .path = "/mnt/bob", .data_path = "splice", .allow_other = false}};
  start();
  const auto owning = ask("DELETE", "/v1/account?account=ada");
  EXPECT_EQ(owning.status, 409);
  EXPECT_THAT(owning.error_message(), HasSubstr("1 projects"));
  EXPECT_EQ(ask("DELETE", "/v1/account?account=bob").error_code(), "in_use");
  EXPECT_EQ(ask("POST", "/v1/account", R"({"account":"bob","uid":5})").error_code(), "in_use");
  EXPECT_EQ(ask("POST", "/v1/account", R"({"account":"bob","quota":5})").status, 200);
}

TEST_F(AccountsApi, ListsShowWhatThePeerHas) {
  start();
  EXPECT_EQ(ask_as(kAda, kAda, "GET", "/v1/accounts").json().at("items").as_array().size(), 1U);
  EXPECT_EQ(ask("GET", "/v1/accounts").json().at("items").as_array().size(), 3U);
}

TEST_F(AccountsApi, SharingAndItsEnd) {
  start();
  const auto shared = share();
  EXPECT_EQ(shared.status, 200) << shared.body;
  EXPECT_EQ(shared.json().at("role").as_string(), "editor");
  EXPECT_TRUE(files_->names().resolve(bob_, "projects/P/a"));
  for (const auto& [uid, path] : {std::pair(kAda, "projects/P"), std::pair(kBob, "projects/P")}) {
    const auto shares = ask_as(uid, uid, "GET", "/v1/shares").json().at("items").as_array();
    ASSERT_EQ(shares.size(), 1U);
    EXPECT_EQ(shares.at(0).at("owner").as_string(), "ada");
    EXPECT_EQ(shares.at(0).at("with").as_string(), "bob");
    EXPECT_EQ(shares.at(0).at("path").as_string(), path);
  }
  EXPECT_EQ(ask_as(kBob, kBob, "POST", "/v1/share", R"({"path":"projects/P","with":"lab"})").error_code(), "not_yours");
  EXPECT_EQ(share("admin").status, 400);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/unshare", R"({"path":"projects/P","with":"bob","role":"viewer"})").status,
            400);
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/unshare", R"({"path":"projects/P","with":"bob"})").status, 200);
  EXPECT_FALSE(files_->names().resolve(bob_, "projects/P"));
  EXPECT_EQ(ask_as(kAda, kAda, "POST", "/v1/unshare", R"({"path":"projects/P","with":"bob"})").status, 404);
}

TEST_F(AccountsApi, TrashingWhatIsNotOwnedSaysWhatItDid) {
  start();
  share("viewer");
  const auto hidden = ask_as(kBob, kBob, "POST", "/v1/trash", R"({"paths":["projects/P/a"]})");
  EXPECT_EQ(hidden.json().at("results").at(0).at("effect").as_string(), "hide");
  const auto left = ask_as(kBob, kBob, "POST", "/v1/trash", R"({"paths":["projects/P"]})");
  EXPECT_EQ(left.json().at("results").at(0).at("effect").as_string(), "leave");
  EXPECT_TRUE(files_->names().resolve(ada_, "projects/P/a"));
  const auto undone = ask_as(kBob, kBob, "POST", "/v1/undo");
  EXPECT_EQ(undone.json().at("results").at(0).at("effect").as_string(), "rejoin") << undone.body;
  EXPECT_TRUE(files_->names().resolve(bob_, "projects/P"));
}

TEST_F(AccountsApi, WhatIsRefusedForWantOfARightIsAnEvent) {
  start();
  EXPECT_EQ(ask_as(kBob, kBob, "GET", "/v1/trash?account=ada").status, 403);
  EXPECT_EQ(ask_as(kEve, kEve, "GET", "/v1/history").status, 403);
  const auto denied = ask_as(kAda, kAda, "GET", "/v1/history?event=denied").json().at("items").as_array();
  ASSERT_EQ(denied.size(), 1U);
  EXPECT_EQ(denied.at(0).at("uid").to_number<unsigned>(), kBob);
  EXPECT_EQ(denied.at(0).at("detail").as_string(), "GET /v1/trash?account=ada");
  // What is about no account is for those who have all.
  EXPECT_EQ(ask("GET", "/v1/history?event=denied").json().at("items").as_array().size(), 2U);
}

TEST_F(AccountsApi, HistoriesAreSeparate) {
  start();
  share();
  EXPECT_THAT(events(kAda), ::testing::ElementsAre("share"));
  EXPECT_THAT(events(kBob), ::testing::IsEmpty());
  ask_as(kAda, kAda, "POST", "/v1/trash", R"({"paths":["projects/P"]})");
  EXPECT_THAT(events(kAda), ::testing::ElementsAre("share", "trash"));
  EXPECT_THAT(events(kAda, "?limit=1"), ::testing::ElementsAre("trash"));
  EXPECT_EQ(ask_as(kAda, kAda, "GET", "/v1/history?event=none").status, 400);
  EXPECT_EQ(ask_as(kBob, kBob, "GET", "/v1/history?account=ada").status, 403);
}

TEST_F(AccountsApi, TheCommandsDoTheSame) {
  start();
  const CommandOptions as_ada{.directory = "/", .environment = {}, .input = {}, .user = kAda};
  EXPECT_EQ(ctl({"account", "add", "eve", "--uid", "30003", "--gid", "30003"}).exit_code, 0);
  EXPECT_EQ(ctl({"account", "add", "no-such-user"}).exit_code, 2);
  EXPECT_EQ(ctl({"account", "add"}).exit_code, 2);
  EXPECT_EQ(ctl({"account", "add", "x", "--uid", "1", "--gid", "1"}, as_ada).exit_code, 1);
  EXPECT_THAT(ctl({"account", "list"}).out, HasSubstr("eve"));
  const auto shared = ctl({"share", "projects/P", "eve"}, as_ada);
  EXPECT_EQ(shared.out, "shared projects/P with eve as viewer, P there\n") << shared.describe();
  EXPECT_THAT(ctl({"account", "show"}, as_ada).out, HasSubstr("viewer"));
  EXPECT_THAT(ctl({"history"}, as_ada).out, HasSubstr("with eve as viewer"));
  EXPECT_EQ(ctl({"unshare", "projects/P", "eve"}, as_ada).exit_code, 0);
  EXPECT_EQ(ctl({"undo"}, as_ada).exit_code, 1);
  const auto nothing = ctl({"account", "set", "eve"});
  EXPECT_EQ(nothing.exit_code, 2) << nothing.describe();
  EXPECT_THAT(nothing.err, HasSubstr("--quota"));
  EXPECT_EQ(ctl({"account", "set", "eve", "--quota", "1G"}).exit_code, 0);
  EXPECT_THAT(ctl({"account", "show", "eve"}).out, HasSubstr("1.0 GiB"));
  EXPECT_EQ(ctl({"account", "remove", "eve"}).exit_code, 0);
}

}  // namespace
}  // namespace reprieve::test
