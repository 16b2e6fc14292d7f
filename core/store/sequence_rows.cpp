// SPDX-License-Identifier: Apache-2.0
#include "core/store/sequence_rows.h"

#include <algorithm>
#include <stdexcept>

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr std::array kNames{"inode", "entry", "trash_item"};
constexpr std::array<std::int64_t, 3> kBlock{8192, 8192, 1024};
// More numbers than one transaction can use.
constexpr std::int64_t kMargin = 512;

}  // namespace

SequenceRows::SequenceRows(SQLite::Database& database)
    : load_(database, "SELECT next FROM sequences WHERE name = ?1"),
      store_(database, "UPDATE sequences SET next = ?2 WHERE name = ?1") {
  const auto load = [this](const char* name) {
    load_.bind(1, name);
    Query query(load_);
    if (!query.step()) throw std::runtime_error(std::string("the sequence ") + name + " is missing");
    return query.integer(0);
  };
  for (std::size_t i = 0; i < counters_.size(); ++i) counters_[i].next = counters_[i].reserved = load(kNames[i]);
  blob_tail_ = load("blob_tail");
}

std::int64_t SequenceRows::next(Sequence sequence) {
  Counter& counter = counters_[static_cast<std::size_t>(sequence)];
  if (counter.next >= counter.reserved) throw std::logic_error("a transaction used more numbers than were reserved");
  return counter.next++;
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

void SequenceRows::store(const char* name, std::int64_t value) {
  store_.bind(1, name);
  store_.bind(2, value);
  Query(store_).run();
}

}  // namespace reprieve
