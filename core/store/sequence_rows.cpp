// SPDX-License-Identifier: Apache-2.0
#include "core/store/sequence_rows.h"

#include <algorithm>
#include <stdexcept>

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr std::array kNames{"inode", "entry", "event"};
constexpr std::array<std::int64_t, 3> kBlock{8192, 8192, 1024};
// More numbers than one transaction can use.
constexpr std::int64_t kMargin = 512;
// More than a store hands out between two backups that somebody goes back to. Numbers of items are typed by people.
constexpr std::array<std::int64_t, 3> kLeap{std::int64_t{1} << 24, std::int64_t{1} << 24, 1'000'000};

}  // namespace

SequenceRows::SequenceRows(SQLite::Database& database)
    : load_(database, "SELECT next FROM sequences WHERE name = ?1"),
      store_(database, "UPDATE sequences SET next = ?2 WHERE name = ?1"),
      put_(database, "INSERT OR REPLACE INTO sequences VALUES (?1, ?2)") {
  const auto load = [this](const char* name) {
    const auto value = load_if_there(name);
    if (!value) throw std::runtime_error(std::string("the sequence ") + name + " is missing");
    return *value;
  };
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i].next = counters_[i].reserved = load(kNames[i]);
  blob_tail_ = load("blob_tail");
}

std::int64_t SequenceRows::next(Sequence sequence) {
  Counter& counter = counters_[static_cast<std::size_t>(sequence)];
  if (counter.next >= counter.reserved) throw std::logic_error("a transaction used more numbers than were reserved");
  return counter.next++;
}

std::int64_t SequenceRows::next_of_events() {
  constexpr auto kEvents = static_cast<std::size_t>(Sequence::event);
  Counter& counter = counters_[kEvents];
  if (counter.next >= counter.reserved) {
    if (!extended_from_) extended_from_ = counter.reserved;
    store(kNames[kEvents], counter.next + kBlock[kEvents]);
    counter.reserved = counter.next + kBlock[kEvents];
  }
  return next(Sequence::event);
}

void SequenceRows::rolled_back() {
  if (!extended_from_) return;
  Counter& counter = counters_[static_cast<std::size_t>(Sequence::event)];
  counter.reserved = *extended_from_;
  counter.next = std::min(counter.next, counter.reserved);
  extended_from_.reset();
}

void SequenceRows::pass(Sequence sequence, std::int64_t used) {
  Counter& counter = counters_[static_cast<std::size_t>(sequence)];
  if (used < counter.reserved) {
    counter.next = std::max(counter.next, used + 1);
    return;
  }
  // The block is used up: the next transaction reserves another one.
  counter.next = counter.reserved = used + 1;
  store(kNames[static_cast<std::size_t>(sequence)], counter.reserved);
}

bool SequenceRows::low() const {
  return std::ranges::any_of(counters_, [](const Counter& c) { return c.reserved - c.next < kMargin; });
}

void SequenceRows::reserve(std::optional<InodeId> lowest_unsettled) {
  before_ = counters_;
  store("blob_tail", lowest_unsettled.value_or(InodeId(counters_[0].next)).number());
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    store(kNames[i], counters_[i].next + kBlock[i]);
    counters_[i].reserved = counters_[i].next + kBlock[i];
  }
}

void SequenceRows::give_back(std::optional<InodeId> lowest_unsettled) {
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    store(kNames[i], counters_[i].next);
    counters_[i].reserved = counters_[i].next;
  }
  store("blob_tail", lowest_unsettled.value_or(InodeId(counters_[0].next)).number());
}

Timestamp SequenceRows::recorded() {
  return Timestamp(std::chrono::nanoseconds(load_if_there("recorded").value_or(0)));
}

void SequenceRows::set_recorded(Timestamp time) { put("recorded", time.time_since_epoch().count()); }

FlushId SequenceRows::flush() { return FlushId(load_if_there("flush").value_or(0)); }

FlushId SequenceRows::next_flush() {
  const FlushId next(flush().number() + 1);
  put("flush", next.number());
  return next;
}

void SequenceRows::pass(FlushId used) {
  if (flush() < used) put("flush", used.number());
}

void SequenceRows::leap(InodeId used, std::optional<InodeId> blob_tail) {
  counters_[0].next = std::max(counters_[0].next, used.number() + 1);
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i].next += kLeap[i];
  reserve(blob_tail);
}

void SequenceRows::store(const char* name, std::int64_t value) {
  store_.bind(1, name);
  store_.bind(2, value);
  Query(store_).run();
}

std::optional<std::int64_t> SequenceRows::load_if_there(const char* name) {
  load_.bind(1, name);
  Query query(load_);
  return query.step() ? std::optional(query.integer(0)) : std::nullopt;
}

void SequenceRows::put(const char* name, std::int64_t value) {
  put_.bind(1, name);
  put_.bind(2, value);
  Query(put_).run();
}

}  // namespace reprieve
