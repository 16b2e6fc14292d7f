// SPDX-License-Identifier: Apache-2.0
// One user takes all that one user can take; others are served meanwhile.
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "tests/control/control_fixture.h"

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;

constexpr uid_t kGreedy = 12345;
constexpr uid_t kOther = 12346;

class Exhaustion : public ControlTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be several users";
    greedy_ = files_->accounts().ensure("greedy", kGreedy, kGreedy).value();
    other_ = files_->accounts().ensure("other", kOther, kOther).value();
    make_file(other_, "projects/P/f", "x");
    start();
  }

  // The longest that another user waits for answers of three kinds.
  std::chrono::milliseconds longest_wait() {
    std::chrono::milliseconds longest{0};
    for (int round = 0; round < 10; ++round) {
      for (const char* const target : {"/v1/ping", "/v1/trash", "/v1/stats"}) {
        const auto before = std::chrono::steady_clock::now();
        EXPECT_EQ(RawClient(socket(), kOther, kOther).ask("GET", target).status, 200) << target;
        const auto waited = std::chrono::steady_clock::now() - before;
        longest = std::max(longest, std::chrono::ceil<std::chrono::milliseconds>(waited));
      }
    }
    return longest;
  }

  Account greedy_;
  Account other_;
};

TEST_F(Exhaustion, OfConnections) {
  std::vector<RawClient> held;
  for (int i = 0; i < 300; ++i) {
    held.emplace_back(socket(), kGreedy, kGreedy);
    held.back().send("POST /v1/trash HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n{");
  }
  EXPECT_LT(longest_wait(), 3s);
}

TEST_F(Exhaustion, OfOperationsAndNames) {
  for (int i = 0; i < 300; ++i) make_file(greedy_, "projects/P/" + std::to_string(i) + std::string(240, 'x'), "x");
  const Caller caller{.uid = kGreedy, .gid = kGreedy, .thread = ::getpid(), .mount = {}};
  for (int i = 0; i < 300; ++i) {
    const std::string path = "projects/P/" + std::to_string(i) + std::string(240, 'x');
    ASSERT_EQ(files_->trash().trash_paths(greedy_, {path}, caller).at(0).state, BatchState::done);
  }
  // Each as large as a request may be: a pattern that takes long, and paths that lead nowhere.
  const std::string pattern = R"({"filter":{"name":")" + std::string(1'000'000, '?') + R"("}})";
  const std::string paths = R"({"paths":["projects/)" + std::string(900'000, 'y') + R"("]})";
  std::atomic<bool> over = false;
  std::vector<std::thread> greedy;
  for (int i = 0; i < 8; ++i) {
    greedy.emplace_back([&, i] {
      while (!over) {
        RawClient client(socket(), kGreedy, kGreedy);
        static_cast<void>(
            client.ask("POST", i % 2 == 0 ? "/v1/empty/plan" : "/v1/trash", i % 2 == 0 ? pattern : paths));
      }
    });
  }
  EXPECT_LT(longest_wait(), 10s);
  over = true;
  for (std::thread& thread : greedy) thread.join();
}

TEST_F(Exhaustion, APatternIsOnlySoLong) {
  const auto ask_for = [&](std::size_t length) {
    const std::string body = R"({"filter":{"name":")" + std::string(length, '?') + R"("}})";
    return RawClient(socket(), kGreedy, kGreedy).ask("POST", "/v1/empty/plan", body);
  };
  EXPECT_EQ(ask_for(4096).status, 200);
  EXPECT_EQ(ask_for(4097).status, 400);
  EXPECT_THAT(ask_for(4097).error_message(), ::testing::HasSubstr("\"name\": over 4096 bytes"));
}

}  // namespace
}  // namespace reprieve::test
