// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/control/control_fixture.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;

class Http : public ControlTest {
 protected:
  Http() {
    options_.limits.request_timeout = 1s;
    options_.limits.idle_timeout = 1s;
  }
  // How long another client waits for an answer now.
  std::chrono::steady_clock::duration time_of_ping() {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(ask("GET", "/v1/ping").status, 200);
    return std::chrono::steady_clock::now() - before;
  }
  // What a client gets that sends these bytes and waits.
  RawResponse answer_to(std::string_view bytes) {
    RawClient client(socket());
    client.send(bytes);
    return client.read().value_or(RawResponse());
  }
};

TEST_F(Http, AnswersAPing) {
  start();
  const auto response = ask("GET", "/v1/ping");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-type"), "application/json");
  EXPECT_EQ(response.json().at("status").as_string(), "ok");
  EXPECT_EQ(ask("GET", "/v1/version").json().at("version").as_string(), "9.8.7");
}

TEST_F(Http, KeepsTheConnection) {
  start();
  RawClient client(socket());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.ask("GET", "/v1/ping").status, 200);
}

TEST_F(Http, ClosesWhenAskedTo) {
  start();
  RawClient client(socket());
  client.send("GET /v1/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_TRUE(client.closed_within(500ms));
  RawClient old(socket());
  old.send("GET /v1/ping HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read()->status, 200);
  EXPECT_TRUE(old.closed_within(500ms));
}

TEST_F(Http, AnswersPipelinedRequestsInOrder) {
  start();
  RawClient client(socket());
  client.send("GET /v1/ping HTTP/1.1\r\n\r\nGET /v1/nothing HTTP/1.1\r\n\r\n");
  EXPECT_EQ(client.read()->status, 200);
  EXPECT_EQ(client.read()->status, 404);
  RawClient other(socket());
  other.send("GET /v1/ping HTTP/1.1\r\n\r\nGET /v1/version HTTP/1.1\r\n\r\nGET /v1/trash HTTP/1.1\r\n\r\n");
  EXPECT_NE(other.read()->body.find("uptime"), std::string::npos);
  EXPECT_NE(other.read()->body.find("9.8.7"), std::string::npos);
  EXPECT_NE(other.read()->body.find("paging"), std::string::npos);
}

TEST_F(Http, AnswersARequestThatComesInPieces) {
  start();
  RawClient client(socket());
  for (const char letter : std::string("GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n")) client.send(std::string(1, letter));
  EXPECT_EQ(client.read()->status, 200);
}

TEST_F(Http, TakesChunkedBodiesAndContinues) {
  start();
  RawClient client(socket());
  client.send(
      "POST /v1/empty/plan HTTP/1.1\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.read()->status, 100);
  client.send("2\r\n{}\r\n0\r\n\r\n");
  EXPECT_EQ(client.read()->status, 200);
}

TEST_F(Http, RefusesGarbage) {
  start();
  for (const std::string_view bytes :
       {std::string_view("\0\1\2\3\r\n\r\n", 8), std::string_view("hello\r\n\r\n"),
        std::string_view("GET /v1/ping HTTP/9.9\r\n\r\n"), std::string_view("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15),
        std::string_view("GET /v1/ping HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
        std::string_view("GET /v1/ping HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string_view("POST /v1/purge HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    const auto response = answer_to(bytes);
    EXPECT_EQ(response.status, 400) << bytes;
    EXPECT_EQ(response.error_code(), "malformed_http") << bytes;
  }
  EXPECT_EQ(answer_to("GET ../../etc/passwd HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(answer_to("GET /v1/%zz HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_LT(time_of_ping(), 1s);
}

TEST_F(Http, RefusesHugeHeaders) {
  start();
  const auto one = answer_to("GET /v1/ping HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(one.status, 431);
  EXPECT_EQ(one.error_code(), "header_too_large");
  std::string many = "GET /v1/ping HTTP/1.1\r\n";
  for (int i = 0; i < 500; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(answer_to(many + "\r\n").status, 431);
  EXPECT_EQ(answer_to("GET /v1/" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n").status, 431);
}

TEST_F(Http, RefusesHugeBodies) {
  start();
  const auto announced =
      answer_to("POST /v1/purge HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(announced.status, 413);
  EXPECT_EQ(announced.error_code(), "body_too_large");
  // A client that does not wait for the refusal still gets it.
  RawClient client(socket());
  client.request("POST", "/v1/purge", std::string(3'000'000, ' '));
  EXPECT_EQ(client.read()->status, 413);
}

TEST_F(Http, RefusesWrongMethodsAndResources) {
  start();
  const auto wrong = ask("PUT", "/v1/trash");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.headers.at("allow"), "GET, POST");
  EXPECT_EQ(wrong.error_code(), "method_not_allowed");
  EXPECT_EQ(ask("GET", "/v1/empty").headers.at("allow"), "POST");
  EXPECT_EQ(ask("BREW", "/v1/ping").status, 405);
  for (const char* target :
       {"/", "/v1", "/v1/", "/v1/trash/", "/v2/trash", "/v1/trash/1/2/3", "/v1//trash", "/v1/trashes"}) {
    const auto response = ask("GET", target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.error_code(), "unknown_resource") << target;
  }
  RawClient head(socket());
  head.send("HEAD /v1/ping HTTP/1.1\r\nConnection: close\r\n\r\n");
  head.read();
  EXPECT_TRUE(head.closed_within(500ms));
}

TEST_F(Http, RefusesWhatIsNotJson) {
  start();
  // What `curl -d` calls a form is judged by what it is.
  const std::string as_form = "POST /v1/purge HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n";
  EXPECT_EQ(answer_to(as_form + "Content-Length: 9\r\n\r\nids=1&a=b").status, 400);
  EXPECT_EQ(answer_to("POST /v1/empty/plan HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                      "Content-Length: 2\r\n\r\n{}")
                .status,
            200);
  const auto broken = ask("POST", "/v1/purge", R"({"ids":[1,})");
  EXPECT_EQ(broken.status, 400);
  EXPECT_NE(broken.error_message().find("at byte"), std::string::npos) << broken.body;
  EXPECT_EQ(ask("POST", "/v1/purge", "[1,2]").status, 400);
  EXPECT_EQ(ask("POST", "/v1/purge", "{} {}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/purge", "{\"ids\":\"\xFF\"}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/purge", std::string(100'000, '[')).status, 400);
  EXPECT_EQ(ask("GET", "/v1/trash", "{}").status, 400);
}

TEST_F(Http, SlowWritersAreSentAwayAndDelayNobody) {
  start();
  std::vector<RawClient> slow;
  for (int i = 0; i < 10; ++i) {
    slow.emplace_back(socket());
    slow.back().send(i % 2 == 0 ? "GET /v1/pi" : "POST /v1/purge HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"ids\"");
  }
  EXPECT_LT(time_of_ping(), 1s);
  for (auto& client : slow) {
    const auto response = client.read();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 408);
    EXPECT_EQ(response->error_code(), "request_timeout");
    EXPECT_TRUE(client.closed_within(2s));
  }
}

TEST_F(Http, SlowReadersAreSentAwayAndDelayNobody) {
  for (int i = 0; i < 300; ++i) trashed_file("projects/P/" + std::to_string(i) + std::string(200, 'n'));
  start();
  RawClient client(socket());
  // More than fits into a socket: the server has to wait for this client, which never reads.
  for (int i = 0; i < 60; ++i) client.request("GET", "/v1/trash?limit=1000");
  EXPECT_LT(time_of_ping(), 1s);
  EXPECT_TRUE(wait_until([&client] { return !client.send("x"); }, 10s)) << "the server still waits";
}

TEST_F(Http, IdleConnectionsAreClosed) {
  start();
  RawClient fresh(socket());
  RawClient used(socket());
  EXPECT_EQ(used.ask("GET", "/v1/ping").status, 200);
  EXPECT_TRUE(fresh.closed_within(3s));
  EXPECT_TRUE(used.closed_within(3s));
}

TEST_F(Http, LimitsTheConnectionsOfAUser) {
  options_.limits.idle_timeout = 60s;
  options_.limits.connections_per_uid = 8;
  start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(socket());
    EXPECT_EQ(clients.back().ask("GET", "/v1/ping").status, 200);
  }
  RawClient extra(socket());
  const auto refused = extra.read();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->error_code(), "too_many_connections");
  EXPECT_TRUE(extra.closed_within(500ms));
  // Another user is served.
  EXPECT_EQ(RawClient(socket(), 12345, 12345).ask("GET", "/v1/ping").status, 200);
  clients.pop_back();
  EXPECT_TRUE(wait_until([this] { return ask("GET", "/v1/ping").status == 200; }, 5s));
}

TEST_F(Http, LimitsAllConnections) {
  options_.limits.connections = 2;
  start();
  RawClient first(socket());
  RawClient second(socket(), 12345, 12345);
  EXPECT_EQ(first.ask("GET", "/v1/ping").status, 200);
  EXPECT_EQ(second.ask("GET", "/v1/ping").status, 200);
  EXPECT_EQ(RawClient(socket(), 12346, 12346).read()->status, 429);
  // Whoever is to put an end to it gets in.
  EXPECT_EQ(RawClient(socket()).ask("GET", "/v1/ping").status, 200);
}

TEST_F(Http, AClientThatHangsUpHarmsNobody) {
  // The server learns of it when it answers: until then they count.
  options_.limits.connections_per_uid = 100;
  start();
  for (int i = 0; i < 50; ++i) {
    RawClient client(socket());
    client.request("GET", "/v1/trash");
  }
  RawClient half(socket());
  half.send("GET /v1/ping HTTP/1.1\r\n\r\n");
  half.end_sending();
  EXPECT_EQ(half.read()->status, 200);
  RawClient cut(socket());
  cut.send("GET /v1/ping HTT");
  cut.end_sending();
  EXPECT_TRUE(cut.closed_within(2s));
  EXPECT_LT(time_of_ping(), 1s);
}

TEST_F(Http, StopsWithClientsConnected) {
  options_.limits.idle_timeout = 60s;
  start();
  RawClient idle(socket());
  RawClient busy(socket());
  EXPECT_EQ(busy.ask("GET", "/v1/ping").status, 200);
  const auto before = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s);
  EXPECT_TRUE(idle.closed_within(500ms));
  EXPECT_TRUE(busy.closed_within(500ms));
  EXPECT_FALSE(std::filesystem::exists(socket()));
  server_->stop();
}

TEST_F(Http, StopsWithoutEverHavingStarted) {
  auto server = control::Server::listen(*files_, mounts_, options_, *logger_);
  ASSERT_TRUE(server);
  (*server)->stop();
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(Http, ServesManyClientsAtOnce) {
  for (int i = 0; i < 20; ++i) trashed_file("projects/P/" + std::to_string(i));
  start();
  std::vector<std::thread> clients;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) {
    clients.emplace_back([this, &good] {
      RawClient client(socket());
      for (int j = 0; j < 25; ++j) good += client.ask("GET", "/v1/trash").status == 200 ? 1 : 0;
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(good, 16 * 25);
}

}  // namespace
}  // namespace reprieve::test
