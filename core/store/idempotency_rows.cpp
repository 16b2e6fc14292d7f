// SPDX-License-Identifier: Apache-2.0
#include "core/store/idempotency_rows.h"

#include <vector>

#include "core/store/statement.h"

namespace reprieve {
namespace {

constexpr std::int64_t kTrimEvery = 64;  // keys
// Outcomes that one trim removes: about a millisecond.
constexpr int kMostRemoved = 1000;

std::int64_t place_of(const RequestPart& part, std::uint32_t step) { return std::int64_t{part.number} << 32 | step; }

}  // namespace

IdempotencyRows::IdempotencyRows(SQLite::Database& database)
    : find_(database, "SELECT id, checksum FROM idempotency_keys WHERE uid = ?1 AND key = ?2 AND made >= ?3"),
      remove_same_outcomes_(database,
                            "DELETE FROM idempotency_outcomes WHERE request IN"
                            " (SELECT id FROM idempotency_keys WHERE uid = ?1 AND key = ?2)"),
      remove_same_(database, "DELETE FROM idempotency_keys WHERE uid = ?1 AND key = ?2"),
      insert_(database, "INSERT INTO idempotency_keys (uid, key, checksum, made) VALUES (?1, ?2, ?3, ?4) RETURNING id"),
      answered_(database, "UPDATE idempotency_keys SET answered = 1 WHERE id = ?1"),
      crowded_(database,
               "SELECT uid, count(*), sum(bytes) FROM idempotency_keys WHERE made > 0 GROUP BY uid"
               " HAVING count(*) > ?1 OR sum(bytes) > ?2"),
      oldest_of_(database,
                 "SELECT id, bytes, answered, made FROM idempotency_keys WHERE uid = ?1 AND made > 0 AND id <> ?2"
                 " ORDER BY answered DESC, id LIMIT 1"),
      expire_(database, "UPDATE idempotency_keys SET made = 0 WHERE id = ?1"),
      expired_(database, "SELECT id FROM idempotency_keys WHERE made < ?1 ORDER BY made LIMIT ?2"),
      remove_outcomes_(database,
                       "DELETE FROM idempotency_outcomes WHERE request = ?1 AND place IN"
                       " (SELECT place FROM idempotency_outcomes WHERE request = ?1 LIMIT ?2)"),
      remove_(database, "DELETE FROM idempotency_keys WHERE id = ?1"),
      outcome_(database, "SELECT outcome FROM idempotency_outcomes WHERE request = ?1 AND place = ?2"),
      add_bytes_(database, "UPDATE idempotency_keys SET bytes = bytes + ?2 WHERE id = ?1"),
      record_(database, "INSERT INTO idempotency_outcomes (request, place, outcome) VALUES (?1, ?2, ?3)"),
      forget_outcomes_(database, "DELETE FROM idempotency_outcomes"),
      forget_(database, "DELETE FROM idempotency_keys") {}

std::optional<KeyedRequest> IdempotencyRows::find(uid_t uid, const std::string& key, Timestamp oldest) {
  Query query(find_, uid, key, oldest);
  if (!query.step()) return std::nullopt;
  return KeyedRequest{query.id<KeyedRequestId>(0), static_cast<std::uint64_t>(query.integer(1))};
}

KeyedRequestId IdempotencyRows::insert(uid_t uid, const std::string& key, std::uint64_t checksum, Timestamp now) {
  // One that is too old to be found.
  Query(remove_same_outcomes_, uid, key).run();
  Query(remove_same_, uid, key).run();
  Query query(insert_, uid, key, checksum, now);
  query.step();
  return query.id<KeyedRequestId>(0);
}

void IdempotencyRows::set_answered(KeyedRequestId id) { Query(answered_, id).run(); }

void IdempotencyRows::trim(KeyedRequestId newest, Timestamp oldest, Timestamp needed) {
  if (newest.number() % kTrimEvery == 0) {
    struct Crowd {
      uid_t uid;
      std::int64_t keys, bytes;
    };
    std::vector<Crowd> crowds;
    {
      Query query(crowded_, kMostKeys, kMostBytes);
      while (query.step()) crowds.push_back({static_cast<uid_t>(query.integer(0)), query.integer(1), query.integer(2)});
    }
    for (const Crowd& crowd : crowds) expire_some(crowd.uid, crowd.keys, crowd.bytes, newest, needed);
  }
  sweep(oldest);
}

void IdempotencyRows::expire_some(uid_t uid, std::int64_t keys, std::int64_t bytes, KeyedRequestId newest,
                                  Timestamp needed) {
  while (keys > kMostKeys || bytes > kMostBytes) {
    KeyedRequestId victim;
    {
      Query query(oldest_of_, uid, newest);
      if (!query.step()) return;
      const bool may_come_again = query.integer(2) == 0 && query.time(3) >= needed;
      if (keys <= kMostKeys && may_come_again) return;
      victim = query.id<KeyedRequestId>(0);
      bytes -= query.integer(1);
      --keys;
    }
    Query(expire_, victim).run();
  }
}

void IdempotencyRows::sweep(Timestamp oldest) {
  std::vector<KeyedRequestId> expired;
  {
    Query query(expired_, oldest, kTrimEvery * 2);
    while (query.step()) expired.push_back(query.id<KeyedRequestId>(0));
  }
  int left = kMostRemoved;
  for (const KeyedRequestId id : expired) {
    Query query(remove_outcomes_, id, left);
    query.run();
    left -= query.changed();
    if (left <= 0) return;
    Query(remove_, id).run();
  }
}

void IdempotencyRows::forget_all() {
  Query(forget_outcomes_).run();
  Query(forget_).run();
}

std::optional<std::string> IdempotencyRows::outcome(const RequestPart& part, std::uint32_t step) {
  const std::int64_t place = place_of(part, step);
  Query query(outcome_, part.request, place);
  if (!query.step()) return std::nullopt;
  return query.bytes(0);
}

void IdempotencyRows::record(const RequestPart& part, std::uint32_t step, const std::string& outcome) {
  Query key(add_bytes_, part.request, outcome.size());
  key.run();
  if (key.changed() == 0) return;
  const std::int64_t place = place_of(part, step);
  Query(record_, part.request, place, outcome).run();
}

}  // namespace reprieve
