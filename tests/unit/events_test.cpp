// SPDX-License-Identifier: Apache-2.0
// The numbers of events: one sequence for everything, each event told once under its number, whenever it is asked for.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <span>

#include "core/store/store.h"
#include "tests/unit/two_accounts.h"

namespace reprieve::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Events : public TwoAccounts {
 protected:
  Events() { begin_ = must(core().history().newest()); }

  EventPage page(EventId seq, std::size_t limit = 1000) { return must(core().history().after(lab(), seq, limit)); }
  // "KIND PATH" of everything of lab's since the fixture was made.
  std::vector<std::string> told() { return lines(page(begin_).events); }
  static std::vector<std::string> lines(const std::vector<HistoryEvent>& events) {
    std::vector<std::string> lines;
    for (const HistoryEvent& event : events) lines.push_back(std::string(event_name(event.kind)) + " " + event.path);
    return lines;
  }
  struct Series {
    AccountId account;
    std::int64_t from;
    std::int64_t count;
  };
  // Into the database of the closed store.
  void put_events(const std::vector<Series>& all) {
    volume_.close();
    sqlite3* database = nullptr;
    ::sqlite3_open((volume_.store() / "metadata.db").c_str(), &database);
    for (const Series& series : all) {
      const std::string statement =
          "WITH RECURSIVE numbers(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM numbers WHERE value < " +
          std::to_string(series.count - 1) + ") INSERT INTO events SELECT value + " + std::to_string(series.from) +
          ", 0, 'trash', " + std::to_string(series.account.number()) +
          ", 0, 0, 0, NULL, NULL, X'', '', 0 FROM numbers;"
          " UPDATE sequences SET next = 9000000 WHERE name = 'event';";
      ASSERT_EQ(::sqlite3_exec(database, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
          << ::sqlite3_errmsg(database);
    }
    ::sqlite3_close(database);
    volume_.open();
  }
  static std::vector<EventId> numbers(const std::vector<HistoryEvent>& events) {
    std::vector<EventId> numbers;
    for (const HistoryEvent& event : events) numbers.push_back(event.seq);
    return numbers;
  }

  EventId begin_;
};

TEST_F(Events, AreToldInTheOrderInWhichTheyHappened) {
  volume_.write("projects/P/a", "a");
  volume_.write("projects/P/b", "b");
  must(volume_.unlink("projects/P/a"));
  must(volume_.unlink("projects/P/b", 2));
  volume_.restore("a");
  share(Role::viewer);
  EXPECT_THAT(told(),
              ElementsAre("trash projects/P/a", "trash projects/P/b", "restore projects/P/a", "share projects/P"));
  const auto events = page(begin_).events;
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &HistoryEvent::seq));
  EXPECT_EQ(events[1].seq.number(), volume_.item("b").id.number());
  EXPECT_EQ(events[0].process, 1);
  EXPECT_EQ(events[1].process, 2);
}

TEST_F(Events, ArePagedByNumber) {
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    volume_.write(std::string("projects/P/") + name, "");
    must(volume_.unlink(std::string("projects/P/") + name));
  }
  volume_.restore("b");
  volume_.restore("d");
  std::vector<std::string> all;
  EventId at = begin_;
  for (EventPage next = page(at, 2); !next.events.empty(); next = page(at, 2)) {
    EXPECT_LE(next.events.size(), 2U);
    for (std::string& line : lines(next.events)) all.push_back(std::move(line));
    at = next.upto;
  }
  EXPECT_EQ(all, told());
  EXPECT_EQ(all.size(), 7U);
  EXPECT_EQ(at, must(core().history().newest()));
}

TEST_F(Events, WhoeverHasHeardOfATrashIsNotToldAgainWhenItIsOver) {
  volume_.write("projects/P/a", "a");
  volume_.write("projects/P/b", "b");
  must(volume_.unlink("projects/P/a"));
  must(volume_.unlink("projects/P/b"));
  const EventId heard = page(begin_).upto;
  const auto before = numbers(page(begin_).events);
  volume_.restore("a");
  volume_.purge("b");
  EXPECT_THAT(lines(page(heard).events), ElementsAre("restore projects/P/a", "purge projects/P/b"));
  EXPECT_THAT(told(),
              ElementsAre("trash projects/P/a", "trash projects/P/b", "restore projects/P/a", "purge projects/P/b"));
  const auto after = numbers(page(begin_).events);
  EXPECT_TRUE(std::ranges::equal(before, std::span(after).first(2)));
  EXPECT_EQ(lines(must(core().history().list(lab(), {.kind = EventKind::trash, .since = {}}))).size(), 2U);
}

TEST_F(Events, AFoldedDeletionIsOne) {
  volume_.mkdir("projects/P/d");
  volume_.write("projects/P/d/f", "f");
  volume_.write("projects/P/d/g", "g");
  volume_.remove_tree("projects/P/d");
  EXPECT_THAT(told(), ElementsAre("trash projects/P/d"));
  volume_.restore("d");
  EXPECT_THAT(told(), ElementsAre("trash projects/P/d", "restore projects/P/d"));
}

TEST_F(Events, UndoIsNotMistakenByATrashThatIsOver) {
  volume_.write("projects/P/a", "a");
  must(volume_.unlink("projects/P/a"));
  volume_.restore("a", {}, 2);
  tick();
  ASSERT_EQ(must(core().undo().last(lab(), process(3))).results.size(), 1U);
  EXPECT_FALSE(volume_.exists("projects/P/a"));
  tick();
  const UndoReport again = must(core().undo().last(lab(), process(3)));
  ASSERT_EQ(again.results.size(), 1U);
  EXPECT_EQ(again.results[0].effect, EventKind::restore);
  EXPECT_TRUE(volume_.exists("projects/P/a"));
}

TEST_F(Events, AnAccountIsToldOfItsOwn) {
  volume_.write("projects/P/a", "a");
  must(volume_.unlink("projects/P/a"));
  bob_trashes("projects/own");
  EXPECT_THAT(told(), ElementsAre("trash projects/P/a"));
  EXPECT_THAT(lines(must(core().history().after(bob_, begin_, 10)).events), ElementsAre("trash projects/own"));
  EXPECT_THAT(lines(must(core().history().after(std::nullopt, begin_, 10)).events),
              ElementsAre("trash projects/P/a", "trash projects/own"));
}

TEST_F(Events, ANumberThatNoEventHasHadIsRefused) {
  const EventId newest = must(core().history().newest());
  EXPECT_THAT(page(newest).events, IsEmpty());
  EXPECT_EQ(refusal(core().history().after(lab(), EventId(newest.number() + 1), 1)), Errc::invalid_argument);
}

TEST_F(Events, GoOnBehindARestart) {
  volume_.write("projects/P/a", "a");
  must(volume_.unlink("projects/P/a"));
  const EventId heard = page(begin_).upto;
  volume_.reopen();
  EXPECT_GE(must(core().history().newest()), heard);
  volume_.restore("a");
  EXPECT_THAT(lines(page(heard).events), ElementsAre("restore projects/P/a"));
}

// More than a transaction finds reserved.
TEST_F(Events, AnEmptyTellsOfEachItem) {
  constexpr std::size_t kItems = 1500;
  for (std::size_t i = 0; i < kItems; ++i) {
    volume_.write("projects/P/" + std::to_string(i), "");
    must(volume_.unlink("projects/P/" + std::to_string(i), static_cast<int>(i)));
  }
  const EventId heard = page(begin_, 1).upto;
  volume_.empty();
  const auto events = page(begin_, 10'000).events;
  EXPECT_EQ(std::ranges::count(events, EventKind::purge, &HistoryEvent::kind), kItems);
  EXPECT_EQ(std::ranges::count(events, EventKind::trash, &HistoryEvent::kind), kItems);
  EXPECT_GT(events.back().seq, heard);
  volume_.reopen();
  volume_.write("projects/P/a", "");
  must(volume_.unlink("projects/P/a"));
  EXPECT_GT(volume_.item("a").id.number(), events.back().seq.number());
}

TEST_F(Events, WhatIsNoLongerKeptIsMissed) {
  EXPECT_FALSE(page(begin_).missed);
  put_events({{lab().id, 1'000'000, EventRows::kKept}});
  share(Role::viewer);
  EXPECT_TRUE(page(begin_).missed);
  EXPECT_FALSE(page(EventId(1'000'100)).missed);
}

TEST_F(Events, OfOneAccountTakeNoRoomFromOthers) {
  constexpr std::int64_t kFew = 500;
  const EventId before(999'999);
  put_events({{bob_.id, 1'000'000, kFew}, {lab().id, 1'001'000, 2 * EventRows::kKept}});
  share(Role::viewer);
  const EventPage bobs_page = must(core().history().after(bob_, before, 2 * kFew));
  EXPECT_EQ(bobs_page.events.size(), static_cast<std::size_t>(kFew));
  EXPECT_FALSE(bobs_page.missed);
  EXPECT_TRUE(page(before).missed);
  EXPECT_TRUE(must(core().history().after(std::nullopt, before, 1)).missed);
  // And all of them together are bounded.
  const auto all = must(core().history().list(std::nullopt, {.kind = {}, .since = {}, .limit = 1'000'000}));
  EXPECT_LE(all.size(), static_cast<std::size_t>(EventRows::kKept) + 10);
  EXPECT_GE(all.size(), static_cast<std::size_t>(EventRows::kKept));
  EXPECT_EQ(all.back().kind, EventKind::share);
}

// Also where nobody has few: the oldest of each go.
TEST_F(Events, ManyAccountsHaveTheirShare) {
  constexpr std::int64_t kMany = EventRows::kKept * 3 / 4;
  put_events({{bob_.id, 1'000'000, kMany}, {lab().id, 2'000'000, kMany}});
  share(Role::viewer);
  const auto kept = [this](const Account& account) {
    return must(core().history().list(account, {.kind = {}, .since = {}, .limit = 1'000'000})).size();
  };
  constexpr double kHalf = static_cast<double>(EventRows::kKept) / 2;
  EXPECT_NEAR(static_cast<double>(kept(bob_)), kHalf, 10);
  EXPECT_NEAR(static_cast<double>(kept(lab())), kHalf, 10);
  EXPECT_FALSE(must(core().history().after(bob_, EventId(1'000'000 + kMany / 2), 1)).missed);
}

// What a removed account has left in the history, and whoever remembers a number of its, means nobody else.
TEST_F(Events, NoSessionHasTheNumberOfOneThatIsGone) {
  const auto sessions = [this] {
    std::set<SessionId> found;
    for (const HistoryEvent& event : must(core().history().list(std::nullopt, {})))
      if (event.session) found.insert(event.session);
    return found;
  };
  volume_.write("projects/P/old", "");
  must(volume_.unlink("projects/P/old", 3));
  bob_trashes("projects/own", {}, 7);  // the newest of all
  must(core().empty_plans().execute(bob_, must(core().empty_plans().plan(bob_, {}, bobs(8))).token, bobs(8)));
  must(core().sharing().unshare(lab(), "projects/P", "bob", process(1)));
  const std::set<SessionId> before = sessions();
  ASSERT_FALSE(before.empty());
  must(core().accounts().remove("bob", process(1)));

  for (const int by : {21, 22}) {
    const std::string file = "projects/P/" + std::to_string(by);
    volume_.write(file, "");
    must(volume_.unlink(file, by));
    EXPECT_GT(volume_.item(std::to_string(by)).session, *before.rbegin());
    EXPECT_FALSE(before.contains(volume_.item(std::to_string(by)).session));
    volume_.reopen();
  }
}

TEST_F(Events, WakeWhoeverWaitsForThem) {
  int rung = 0;
  core().history().on_event([&rung] { ++rung; });
  volume_.write("projects/P/a", "a");
  volume_.write("projects/P/b", "b");
  EXPECT_EQ(rung, 0);
  must(volume_.unlink("projects/P/a"));
  EXPECT_EQ(rung, 1);
  volume_.restore("a");
  EXPECT_EQ(rung, 2);
  core().history().on_event(nullptr);
  must(volume_.unlink("projects/P/b"));
  EXPECT_EQ(rung, 2);
}

}  // namespace
}  // namespace reprieve::test
