// SPDX-License-Identifier: Apache-2.0
// Requests that come again: how long and how many of them are known, and that nobody pushes out another's.
#include "core/requests/idempotency.h"

#include <SQLiteCpp/Database.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "core/store/idempotency_rows.h"
#include "core/store/plan_rows.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uid_t kAnn = 1000;
constexpr uid_t kBen = 2000;

class IdempotencyTest : public ::testing::Test {
 protected:
  Result<Idempotency::Turn> begin(const std::string& key, std::string_view request = "POST /v1/trash",
                                  uid_t uid = kAnn) {
    return volume_.core().idempotency().begin(uid, key, request);
  }
  KeyedRequestId id_of(const std::string& key, uid_t uid = kAnn) {
    return must(begin(key, "POST /v1/trash", uid)).id();
  }
  static std::string key(int number) {
    const std::string digits = std::to_string(number);
    return std::string(32 - digits.size(), 'k') + digits;
  }
  // What another connection to the closed database says.
  std::int64_t ask(const std::string& sql) {
    volume_.close();
    std::int64_t answer = 0;
    {
      SQLite::Database database((volume_.store() / "metadata.db").string(), SQLite::OPEN_READONLY);
      answer = database.execAndGet(sql).getInt64();
    }
    volume_.open();
    return answer;
  }
  static Caller part(KeyedRequestId request, std::uint32_t number = 0) {
    Caller caller = process(1);
    caller.part = {request, number};
    return caller;
  }

  Volume volume_;
};

TEST_F(IdempotencyTest, ARequestIsKnownByUserAndKey) {
  const KeyedRequestId first = id_of(key(1));
  EXPECT_EQ(id_of(key(1)), first);
  EXPECT_NE(id_of(key(2)), first);
  EXPECT_NE(id_of(key(1), kBen), first);
  volume_.reopen();
  EXPECT_EQ(id_of(key(1)), first);
}

TEST_F(IdempotencyTest, AKeyStandsForOneRequest) {
  must(begin(key(1), "POST /v1/trash a"));
  EXPECT_EQ(refusal(begin(key(1), "POST /v1/trash b")), Errc::key_reused);
  must(begin(key(1), "POST /v1/trash b", kBen));
  must(begin(key(1), "POST /v1/trash a"));
}

TEST_F(IdempotencyTest, KeysThatAnythingCouldHaveAreRefused) {
  for (const char* bad : {"", "short", "0123456789abcde", "0123456789abcdef 0123456789abcdef", "0123456789abcdef, x"})
    EXPECT_EQ(refusal(begin(bad)), Errc::invalid_argument) << bad;
  EXPECT_EQ(refusal(begin(std::string(65, 'a'))), Errc::invalid_argument);
  EXPECT_TRUE(begin(std::string(64, 'a')));
  EXPECT_TRUE(begin("0123456789abcdeF"));
}

TEST_F(IdempotencyTest, AKeyIsForgotten) {
  const KeyedRequestId first = id_of(key(1));
  volume_.clock().advance(Idempotency::kLifetime);
  EXPECT_EQ(id_of(key(1)), first);
  volume_.clock().advance(1ns);
  EXPECT_NE(id_of(key(1)), first);
  volume_.clock().advance(Idempotency::kLifetime + 1ns);
  id_of(key(2));
  EXPECT_EQ(ask("SELECT count(*) FROM idempotency_keys"), 1);
}

TEST_F(IdempotencyTest, WhatWasCarriedOutIsAnsweredFromItsOutcome) {
  volume_.mkdir("projects/p");
  volume_.write("projects/p/a", "a");
  const Caller caller = part(id_of(key(1)));
  const auto once = volume_.core().trash().trash_paths(volume_.account(), {"projects/p/a"}, caller).at(0);
  ASSERT_EQ(once.state, BatchState::done);
  volume_.write("projects/p/a", "another");
  volume_.reopen();
  const auto again = volume_.core().trash().trash_paths(volume_.account(), {"projects/p/a"}, caller).at(0);
  EXPECT_EQ(again.state, BatchState::done);
  EXPECT_EQ(again.id, once.id);
  EXPECT_EQ(again.path, once.path);
  EXPECT_EQ(again.effect, once.effect);
  EXPECT_EQ(volume_.read("projects/p/a"), "another");
  // Another part is another thing to do.
  const auto other =
      volume_.core().trash().trash_paths(volume_.account(), {"projects/p/a"}, part(caller.part.request, 1));
  EXPECT_NE(other.at(0).id, once.id);
}

TEST_F(IdempotencyTest, WhatFailedLeavesNothingAndMayBeTriedAgain) {
  volume_.mkdir("projects/p");
  const Caller caller = part(id_of(key(1)));
  const auto missing = volume_.core().trash().trash_paths(volume_.account(), {"projects/p/a"}, caller).at(0);
  EXPECT_EQ(missing.code, "not_found");
  volume_.write("projects/p/a", "a");
  EXPECT_EQ(volume_.core().trash().trash_paths(volume_.account(), {"projects/p/a"}, caller).at(0).state,
            BatchState::done);
  EXPECT_EQ(ask("SELECT count(*) FROM idempotency_outcomes"), 1);
}

TEST_F(IdempotencyTest, WithoutAKeyNothingIsKept) {
  volume_.mkdir("projects/p");
  volume_.write("projects/p/a", "a");
  volume_.trash("projects/p/a");
  volume_.restore("a");
  EXPECT_EQ(ask("SELECT count(*) FROM idempotency_outcomes"), 0);
  EXPECT_EQ(ask("SELECT count(*) FROM idempotency_keys"), 0);
}

TEST_F(IdempotencyTest, OneRequestIsNotCarriedOutTwiceAtATime) {
  std::optional<Idempotency::Turn> turn(must(begin(key(1))));
  auto second = std::async(std::launch::async, [this] { return id_of(key(1)); });
  // Others do not wait.
  id_of(key(2));
  id_of(key(1), kBen);
  EXPECT_EQ(second.wait_for(100ms), std::future_status::timeout);
  const KeyedRequestId first = turn->id();
  turn.reset();
  EXPECT_EQ(second.get(), first);
}

TEST_F(IdempotencyTest, AUserHasABoundedNumberOfKeysAndPushesOutItsOwn) {
  const KeyedRequestId bens = id_of(key(1), kBen);
  const KeyedRequestId unanswered = id_of(key(0));
  const KeyedRequestId last_unanswered = id_of(key(1));
  for (int i = 2; i < 1500; ++i) volume_.core().idempotency().answered(id_of(key(i)));
  EXPECT_EQ(id_of(key(1), kBen), bens);
  // Those that were answered go first, though they are newer.
  EXPECT_EQ(id_of(key(0)), unanswered);
  EXPECT_EQ(id_of(key(1)), last_unanswered);
  const KeyedRequestId newest = id_of(key(1499));
  for (int i = 2000; i < 4000; ++i) id_of(key(i));
  EXPECT_NE(id_of(key(0)), unanswered);
  EXPECT_NE(id_of(key(1499)), newest);
  EXPECT_EQ(id_of(key(1), kBen), bens);
  EXPECT_LE(ask("SELECT count(*) FROM idempotency_keys WHERE made > 0"), IdempotencyRows::kMostKeys + 64 + 1);
}

// Of what is large, though not while somebody may still ask for it.
TEST_F(IdempotencyTest, OutcomesTakeABoundedSpace) {
  std::vector<KeyedRequestId> large;
  for (int i = 0; i < 6; ++i) {
    large.push_back(id_of(key(i)));
    const std::string project = "projects/" + std::string(250, static_cast<char>('a' + i));
    volume_.mkdir(project);
    // About a megabyte of outcomes.
    for (std::uint32_t number = 0; number < 3500; ++number) {
      must(volume_.core().items().associate(volume_.account(), project, {}, part(large.back(), number)));
    }
  }
  for (int i = 100; i < 200; ++i) id_of(key(i));
  EXPECT_EQ(id_of(key(0)), large[0]);
  volume_.clock().advance(Idempotency::kPatience + 1ns);
  for (int i = 200; i < 300; ++i) id_of(key(i));
  EXPECT_NE(id_of(key(0)), large[0]);
  EXPECT_EQ(id_of(key(5)), large[5]);
  EXPECT_LE(ask("SELECT sum(bytes) FROM idempotency_keys WHERE made > 0"), IdempotencyRows::kMostBytes);
  EXPECT_GT(ask("SELECT sum(bytes) FROM idempotency_keys WHERE made > 0"), IdempotencyRows::kMostBytes / 2);
}

class PlanTest : public IdempotencyTest {
 protected:
  PlanTest() {
    volume_.mkdir("projects/p");
    volume_.write("projects/p/a", "a");
    volume_.trash("projects/p/a");
  }
  std::string plan(uid_t uid = kAnn) {
    Caller caller = process(1);
    caller.uid = uid;
    return must(volume_.core().empty_plans().plan(volume_.account(), {}, caller)).token;
  }
  Result<PurgeOutcome> execute(const std::string& token, const Caller& caller = process(1)) {
    return volume_.core().empty_plans().execute(volume_.account(), token, caller);
  }
};

TEST_F(PlanTest, IsGoodForTheNextDaemonToo) {
  const std::string token = plan();
  volume_.write("projects/p/later", "l");
  volume_.trash("projects/p/later");
  volume_.reopen();
  const PurgeOutcome outcome = must(execute(token));
  ASSERT_EQ(outcome.items.size(), 1U);
  EXPECT_EQ(outcome.items[0].subject, "a");
  EXPECT_THAT(volume_.children(".trash"), ElementsAre("later"));
  volume_.reopen();
  EXPECT_EQ(refusal(execute(token)), Errc::plan_expired);
}

TEST_F(PlanTest, ExpiresUnderTheNextDaemon) {
  const std::string token = plan();
  volume_.reopen();
  volume_.clock().advance(EmptyPlans::kLifetime + 1ns);
  EXPECT_EQ(refusal(execute(token)), Errc::plan_expired);
}

TEST_F(PlanTest, AUserHasABoundedNumberAndPushesOutItsOwn) {
  const std::string bens = plan(kBen);
  const std::string first = plan();
  for (std::size_t i = 1; i < PlanRows::kMostPlans; ++i) plan();
  const std::string last = plan();
  EXPECT_EQ(refusal(execute(first)), Errc::plan_expired);
  EXPECT_EQ(ask("SELECT count(*) FROM empty_plans"), std::int64_t{PlanRows::kMostPlans} + 1);
  EXPECT_TRUE(execute(last));
  EXPECT_TRUE(execute(bens));
}

TEST_F(PlanTest, GoesWithItsAccount) {
  const Account bob = must(volume_.core().accounts().add("bob", kBen, kBen, process(1)));
  must(volume_.core().empty_plans().plan(bob, {}, process(2)));
  must(volume_.core().accounts().remove("bob", process(1)));
  EXPECT_EQ(ask("SELECT count(*) FROM empty_plans"), 0);
}

// The names of what is gone are told as far as they were kept.
TEST_F(PlanTest, OfManyItemsKeepsTheirNumbers) {
  const std::string stem(240, 'n');
  volume_.purge("a");
  for (int i = 0; i < 1200; ++i) {
    volume_.write("projects/p/" + stem + std::to_string(i), "");
    volume_.trash("projects/p/" + stem + std::to_string(i));
  }
  const std::string token = plan();
  EXPECT_LT(ask("SELECT length(items) FROM empty_plans"), 10'000);
  volume_.restore(stem + "7");
  const PurgeOutcome outcome = must(execute(token));
  ASSERT_EQ(outcome.items.size(), 1200U);
  EXPECT_EQ(outcome.items[7].state, BatchState::skipped);
  EXPECT_EQ(outcome.items[8].subject, stem + "8");
  EXPECT_THAT(volume_.children(".trash"), IsEmpty());
}

// Its number means the same to the next daemon, and is never that of another.
TEST_F(PlanTest, AnOperationOutlivesItsDaemon) {
  OperationId operation;
  {
    volume_.write("projects/p/open", "open");
    const OpenFile open = volume_.open_file("projects/p/open", O_RDONLY);
    volume_.trash("projects/p/open");
    operation = must(execute(plan())).operation;
    EXPECT_EQ(must(volume_.core().operation(operation)).state, OperationState::running);
  }
  volume_.clock().advance(1s);
  volume_.reopen();
  volume_.write("projects/p/b", "b");
  volume_.trash("projects/p/b");
  const OperationId later = must(execute(plan())).operation;
  EXPECT_GT(later, operation);
  volume_.wait_for(later);
  EXPECT_EQ(refusal(volume_.core().operation(operation)), Errc::not_found);
}

}  // namespace
}  // namespace reprieve::test
