// SPDX-License-Identifier: Apache-2.0
// Requests with an idempotency key over HTTP: sent again they are carried out once, whoever was there to hear of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

constexpr std::string_view kKey = "00112233445566778899aabbccddeeff";

class RepeatedRequests : public ControlTest {
 protected:
  RepeatedRequests() { make_file("projects/P/a"); }
  void must_add(const std::string& name, uid_t uid) {
    const Account account = files_->accounts().ensure(name, uid, static_cast<gid_t>(uid)).value();
    for (const char* file : {"projects/P/f", "projects/P/g"}) make_file(account, file, "x");
  }
  // `headers` are lines, each with its end.
  static std::string request(std::string_view method, std::string_view target, std::string_view headers,
                             std::string_view body) {
    std::string text(method);
    text.append(" ").append(target).append(" HTTP/1.1\r\nHost: x\r\n").append(headers);
    return text.append("Content-Length: " + std::to_string(body.size()) + "\r\n\r\n").append(body);
  }
  static std::string keyed(std::string_view key) { return "Idempotency-Key: " + std::string(key) + "\r\n"; }
  RawResponse send(std::string_view method, std::string_view target, std::string_view headers,
                   std::string_view body = {}) {
    RawClient client(socket());
    client.send(request(method, target, headers, body));
    return client.read().value_or(RawResponse());
  }
  RawResponse trash_a(std::string_view key) {
    return send("POST", "/v1/trash", keyed(key), R"({"account":"lab","paths":["projects/P/a"]})");
  }
};

TEST_F(RepeatedRequests, HaveTheAnswerOfTheFirst) {
  start();
  const RawResponse first = trash_a(kKey);
  ASSERT_EQ(first.status, 200) << first.body;
  make_file("projects/P/a");
  const RawResponse again = trash_a(kKey);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_TRUE(exists("projects/P/a"));
  EXPECT_EQ(trash_count(), 1U);
  // Another key is another request.
  EXPECT_NE(trash_a("another-key-0123456789").body, first.body);
  EXPECT_EQ(trash_count(), 2U);
}

TEST_F(RepeatedRequests, WithoutAKeyAreRequestsOfTheirOwn) {
  start();
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"account":"lab","paths":["projects/P/a"]})").status, 200);
  EXPECT_EQ(ask("POST", "/v1/trash", R"({"account":"lab","paths":["projects/P/a"]})").status, 404);
}

TEST_F(RepeatedRequests, AreAnsweredAlsoWhereNobodyHeardTheFirst) {
  start();
  {
    RawClient client(socket());
    client.send(request("POST", "/v1/trash", keyed(kKey), R"({"account":"lab","paths":["projects/P/a"]})"));
  }
  EXPECT_EQ(trash_a(kKey).status, 200);
  EXPECT_EQ(trash_count(), 1U);
}

// Many at a time, as fast as they come.
TEST_F(RepeatedRequests, AreNotCarriedOutTwiceAtATime) {
  start();
  std::vector<std::thread> clients;
  std::array<RawResponse, 16> answers;
  for (RawResponse& answer : answers) clients.emplace_back([&] { answer = trash_a(kKey); });
  for (std::thread& client : clients) client.join();
  for (const RawResponse& answer : answers) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, answers[0].body);
  }
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(RepeatedRequests, MustBeTheSame) {
  start();
  ASSERT_EQ(trash_a(kKey).status, 200);
  for (const char* body : {R"({"account":"lab","paths":["projects/P/b"]})", R"({"paths":["projects/P/a"]})", ""}) {
    const RawResponse other = send("POST", "/v1/trash", keyed(kKey), body);
    EXPECT_TRUE(other.status == 422 || other.error_code() == "invalid_argument") << other.body;
  }
  const RawResponse other = send("POST", "/v1/purge", keyed(kKey), R"({"account":"lab","ids":[1]})");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.error_code(), "key_reused");
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(RepeatedRequests, KeysMustBeValid) {
  start();
  for (const std::string& headers : {keyed("short"), keyed(""), keyed("has spaces in it, this one"),
                                     keyed(std::string(65, 'x')), keyed(kKey) + keyed("another-key-0123456789")}) {
    const RawResponse response = send("POST", "/v1/trash", headers, R"({"account":"lab","paths":["projects/P/a"]})");
    EXPECT_EQ(response.status, 400) << headers;
    EXPECT_EQ(response.error_code(), "invalid_argument");
  }
  EXPECT_TRUE(exists("projects/P/a"));
  // What only looks needs none.
  EXPECT_EQ(send("GET", "/v1/trash", keyed("short")).status, 200);
}

TEST_F(RepeatedRequests, AKeyIsItsUsers) {
  must_add("ann", 1001);
  must_add("ben", 1002);
  start();
  const auto trash = [this](uid_t uid, std::string_view path) {
    RawClient client(socket(), uid, static_cast<gid_t>(uid));
    client.send(request("POST", "/v1/trash", keyed(kKey), R"({"paths":[")" + std::string(path) + R"("]})"));
    return client.read().value_or(RawResponse());
  };
  EXPECT_EQ(trash(1001, "projects/P/f").status, 200);
  EXPECT_EQ(trash(1002, "projects/P/g").status, 200) << "the key of another user is in the way";
  EXPECT_EQ(trash(1001, "projects/P/f").status, 200);
  EXPECT_EQ(trash(1001, "projects/P/g").status, 422);
}

}  // namespace
}  // namespace reprieve::test
