// SPDX-License-Identifier: Apache-2.0
// Events over the socket: what there is, what comes, who may hear of it, and that nobody has to wait for a watcher.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <thread>

#include "daemon/control/listening_socket.h"
#include "tests/control/control_fixture.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr uid_t kAda = 30001;
constexpr uid_t kEve = 30003;

std::vector<boost::json::value> lines_of(const std::string& text) {
  std::vector<boost::json::value> lines;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(boost::json::parse(text.substr(begin, end - begin)));
  }
  return lines;
}

// "EVENT PATH" of each line.
std::vector<std::string> told(const std::string& text) {
  std::vector<std::string> events;
  for (const auto& line : lines_of(text)) {
    events.push_back(std::string(line.at("event").as_string()) + " " + std::string(line.at("path").as_string()));
  }
  return events;
}

// A client that has asked to be told.
class Watcher {
 public:
  Watcher(const std::filesystem::path& socket, const std::string& query = {}) : client_(socket) { begin(query); }
  Watcher(const std::filesystem::path& socket, uid_t uid, const std::string& query = {}) : client_(socket, uid, uid) {
    begin(query);
  }

  [[nodiscard]] const RawResponse& head() const { return head_; }
  RawClient& client() { return client_; }
  // Events until there are so many, or none come for ten seconds.
  std::vector<std::string> next(std::size_t count) {
    std::vector<std::string> events;
    while (events.size() < count) {
      const auto chunk = client_.read_chunk();
      if (!chunk || chunk->empty()) break;
      for (std::string& event : told(*chunk)) events.push_back(std::move(event));
    }
    return events;
  }

 private:
  void begin(const std::string& query) {
    client_.request("GET", "/v1/events?follow=true" + query);
    head_ = client_.read().value_or(RawResponse());
  }
  RawClient client_;
  RawResponse head_;
};

class EventsApi : public ControlTest {
 protected:
  EventsApi() { ada_ = files_->accounts().ensure("ada", kAda, kAda).value(); }
  // Everything that there is, in one text.
  std::string all(const std::string& query) {
    RawClient client(socket());
    client.request("GET", "/v1/events" + query);
    EXPECT_EQ(client.read().value_or(RawResponse()).status, 200);
    std::string text;
    for (auto chunk = client.read_chunk(); chunk && !chunk->empty(); chunk = client.read_chunk()) text += *chunk;
    // The connection is kept.
    EXPECT_EQ(client.ask("GET", "/v1/ping").status, 200);
    return text;
  }
  std::int64_t newest() { return files_->history().newest().value().number(); }
  Account ada_;
};

TEST_F(EventsApi, WhatThereIsIsToldInLines) {
  start();
  const auto begin = newest();
  for (int i = 0; i < 300; ++i) trashed_file("projects/P/" + std::to_string(i));
  const std::string text = all("?since=" + std::to_string(begin));
  const auto lines = lines_of(text);
  ASSERT_EQ(lines.size(), 300U);
  EXPECT_EQ(told(text).front(), "trash projects/P/0");
  EXPECT_EQ(told(text).back(), "trash projects/P/299");
  EXPECT_EQ(lines[7].at("seq"), lines[7].at("item"));
  EXPECT_EQ(told(all("?since=" + std::to_string(lines[297].at("seq").as_int64()))).size(), 2U);
  EXPECT_EQ(told(all("")).size(), told(all("?since=0")).size());
}

TEST_F(EventsApi, WhatHappensIsToldToEveryWatcherWithinASecond) {
  start();
  Watcher one(socket());
  Watcher other(socket());
  EXPECT_EQ(one.head().status, 200);
  EXPECT_EQ(one.head().headers.at("transfer-encoding"), "chunked");
  EXPECT_EQ(one.head().headers.at("content-type"), "application/jsonl");
  EXPECT_EQ(one.head().headers.at("reprieve-since"), std::to_string(newest()));
  for (int round = 0; round < 3; ++round) {
    const std::string path = "projects/P/" + std::to_string(round);
    const auto before = std::chrono::steady_clock::now();
    trashed_file(path);
    EXPECT_THAT(one.next(1), ElementsAre("trash " + path));
    EXPECT_THAT(other.next(1), ElementsAre("trash " + path));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 1s);
  }
}

TEST_F(EventsApi, AWatcherGoesOnWhereAnotherStopped) {
  start();
  const auto begin = newest();
  const auto first = trashed_file("projects/P/a");
  trashed_file("projects/P/b");
  Watcher watcher(socket(), "&since=" + std::to_string(first));
  EXPECT_THAT(watcher.next(1), ElementsAre("trash projects/P/b"));
  ask("POST", "/v1/trash/" + std::to_string(first) + "/restore");
  EXPECT_THAT(watcher.next(1), ElementsAre("restore projects/P/a"));
  Watcher late(socket(), "&since=" + std::to_string(begin));
  EXPECT_THAT(late.next(3), ElementsAre("trash projects/P/a", "trash projects/P/b", "restore projects/P/a"));
}

TEST_F(EventsApi, WatchersHearOfTheirOwnAccount) {
  start();
  Watcher ada(socket(), kAda);
  Watcher named(socket(), "&account=ada");
  Watcher all(socket());
  trashed_file("projects/P/a");
  ASSERT_TRUE(files_->accounts().set("ada", {.uid = {}, .gid = {}, .quota = 1U << 20}, {.uid = 0}));
  EXPECT_THAT(ada.next(1), ElementsAre("account_set "));
  EXPECT_THAT(named.next(1), ElementsAre("account_set "));
  EXPECT_THAT(all.next(2), ElementsAre("trash projects/P/a", "account_set "));
  EXPECT_EQ(Watcher(socket(), kAda, "&account=lab").head().status, 403);
  EXPECT_EQ(Watcher(socket(), kEve).head().status, 403);
}

TEST_F(EventsApi, WhoLosesItsAccountHearsNoMore) {
  start();
  Watcher watcher(socket(), kAda);
  ASSERT_TRUE(files_->accounts().set("ada", {.uid = kEve, .gid = kEve, .quota = {}}, {.uid = 0}));
  EXPECT_THAT(watcher.next(1), ElementsAre());
  EXPECT_TRUE(watcher.client().closed_within(1s));
}

TEST_F(EventsApi, WhatCannotBeAskedForIsRefused) {
  start();
  EXPECT_EQ(ask("GET", "/v1/events?since=x").status, 400);
  EXPECT_EQ(ask("GET", "/v1/events?follow=yes").status, 400);
  EXPECT_EQ(ask("GET", "/v1/events?limit=1").status, 400);
  EXPECT_EQ(ask("GET", "/v1/events?since=" + std::to_string(newest() + 1)).status, 400);
  RawClient old(socket());
  old.send("GET /v1/events HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read().value_or(RawResponse()).error_code(), "malformed_http");
}

TEST_F(EventsApi, NobodyWaitsForAWatcherThatDoesNotRead) {
  options_.limits.watchers_per_uid = 8;
  start();
  // More than the sockets' buffers hold.
  const std::string long_name(200, 'n');
  for (int i = 0; i < 3000; ++i) trashed_file("projects/P/" + long_name + std::to_string(i));
  std::vector<std::unique_ptr<Watcher>> idle;
  for (int i = 0; i < 6; ++i) idle.push_back(std::make_unique<Watcher>(socket(), "&since=0"));
  Watcher watcher(socket());
  const auto before = std::chrono::steady_clock::now();
  trashed_file("projects/P/a");
  EXPECT_THAT(watcher.next(1), ElementsAre("trash projects/P/a"));
  EXPECT_EQ(ask("GET", "/v1/ping").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  // It has missed nothing.
  EXPECT_GT(idle.front()->next(3001).size(), 3000U);
}

TEST_F(EventsApi, ThereAreOnlySoManyWatchers) {
  options_.limits.watchers_per_uid = 2;
  options_.limits.watchers = 3;
  start();
  auto one = std::make_unique<Watcher>(socket());
  const Watcher two(socket());
  const Watcher third(socket());
  EXPECT_EQ(third.head().status, 429);
  EXPECT_EQ(third.head().error_code(), "too_many_connections");
  const Watcher ada(socket(), kAda);
  EXPECT_EQ(ada.head().status, 200);
  EXPECT_EQ(Watcher(socket(), kAda).head().status, 429);
  EXPECT_EQ(ask("GET", "/v1/ping").status, 200);
  // Who hangs up makes room, also when nothing happens.
  one.reset();
  EXPECT_TRUE(wait_until([&] { return Watcher(socket()).head().status == 200; }));
}

TEST_F(EventsApi, WhoDoesNotReadKeepsNobodyOut) {
  options_.limits.watchers_per_uid = 2;
  options_.limits.watcher_timeout = 200ms;
  start();
  Watcher reads(socket());
  Watcher stopped(socket());
  ASSERT_EQ(stopped.head().status, 200);
  // More than the socket's buffers hold. Read meanwhile: a slow machine may take longer than is waited.
  const std::string long_name(200, 'n');
  for (int i = 0; i < 3000; ++i) {
    trashed_file("projects/P/" + long_name + std::to_string(i));
    if (i % 100 == 99) {
      EXPECT_EQ(reads.next(100).size(), 100U);
    }
  }
  std::unique_ptr<Watcher> next;
  EXPECT_TRUE(wait_until([&] {
    next = std::make_unique<Watcher>(socket());
    return next->head().status == 200;
  }));
  EXPECT_LT(stopped.next(3000).size(), 3000U);
  // Who reads is not sent away, though nothing happens for longer.
  EXPECT_FALSE(reads.client().closed_within(600ms));
  trashed_file("projects/P/a");
  EXPECT_THAT(reads.next(1), ElementsAre("trash projects/P/a"));
  EXPECT_THAT(next->next(1), ElementsAre("trash projects/P/a"));
}

TEST_F(EventsApi, StoppingEndsTheAnswer) {
  start();
  Watcher watcher(socket());
  Watcher idle(socket());
  trashed_file("projects/P/a");
  EXPECT_THAT(watcher.next(1), ElementsAre("trash projects/P/a"));
  std::thread stop([&] { server_->stop(); });
  const auto end = watcher.client().read_chunk();
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, "");
  EXPECT_TRUE(watcher.client().closed_within(1s));
  stop.join();
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_F(EventsApi, WatchGoesOnWithTheNextDaemon) {
  start();
  const auto output = directory_.path() / "told";
  ChildProcess watch({REPRIEVECTL, "--socket", socket().native(), "watch", "--since", "0"}, {}, output);
  trashed_file("projects/P/first");
  EXPECT_TRUE(wait_until([&] { return content_of(output).find("projects/P/first item") != std::string::npos; }));
  server_->stop();
  server_.reset();
  trashed_file("projects/P/second");
  start();
  EXPECT_TRUE(wait_until([&] { return content_of(output).find("projects/P/second item") != std::string::npos; }));
  watch.signal(SIGINT);
  EXPECT_EQ(watch.finish().exit_code, 0);
  const std::string told = content_of(output);
  EXPECT_EQ(told.find("projects/P/first"), told.rfind("projects/P/first")) << told;
}

TEST_F(EventsApi, WatchTellsWhyItIsRefused) {
  start();
  EXPECT_EQ(ctl({"watch", "--since", "99999999"}).exit_code, 1);
  EXPECT_EQ(ctl({"watch", "--since", "x"}).exit_code, 2);
  server_->stop();
  server_.reset();
  EXPECT_EQ(ctl({"watch"}).exit_code, 3);
}

// A daemon that is killed when it has accepted the first request; another one comes.
TEST_F(EventsApi, ARequestIsSentAgain) {
  const auto item = trashed_file("projects/P/a");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"ping"}, {"history"}, {"empty", "--dry-run"}, {"restore", "--account", "lab", std::to_string(item)}}) {
    auto dying = control::ListeningSocket::bind(socket(), std::nullopt, 0600);
    ASSERT_TRUE(dying);
    std::thread next([&] {
      {
        const FileDescriptor listening(dying->release_descriptor());
        const FileDescriptor accepted(::accept(listening.get(), nullptr, nullptr));
        std::filesystem::remove(socket());
      }
      start();
    });
    const CommandResult result = ctl(arguments);
    next.join();
    EXPECT_EQ(result.exit_code, 0) << result.describe();
    server_->stop();
    server_.reset();
  }
  EXPECT_EQ(trash_count(), 0U);
}

}  // namespace
}  // namespace reprieve::test
