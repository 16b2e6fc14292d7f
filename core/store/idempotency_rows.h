// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// A request that was seen under a key.
struct KeyedRequest {
  KeyedRequestId id;
  std::uint64_t checksum = 0;  // of what was asked
};

// SQL over requests on the socket that can come again, and over what their parts have come to. Reached through a
// Transaction only.
class IdempotencyRows {
 public:
  // Of one user. Counted at every 64th key, so there may be a few more.
  static constexpr std::int64_t kMostKeys = 1024;
  static constexpr std::int64_t kMostBytes = 4 << 20;  // of outcomes

  explicit IdempotencyRows(SQLite::Database& database);

  // None: there is no such key, or it was made before `oldest`.
  std::optional<KeyedRequest> find(uid_t uid, const std::string& key, Timestamp oldest);
  // The user has no such key.
  KeyedRequestId insert(uid_t uid, const std::string& key, std::uint64_t checksum, Timestamp now);
  // The answer was delivered, so that it is the first to go when there are too many.
  void set_answered(KeyedRequestId id);
  // Makes room for `newest`: keys from before `oldest` go, and of users that have too many the answered ones and then
  // the oldest; for want of bytes only what was answered or made before `needed`. Removes a bounded number of rows; the
  // rest goes the next time, and is not found meanwhile.
  void trim(KeyedRequestId newest, Timestamp oldest, Timestamp needed);
  void forget_all();

  // What the step of the part has come to; none: it was not carried out.
  std::optional<std::string> outcome(const RequestPart& part, std::uint32_t step);
  // Nothing where the key was forgotten meanwhile.
  void record(const RequestPart& part, std::uint32_t step, const std::string& outcome);

 private:
  void expire_some(uid_t uid, std::int64_t keys, std::int64_t bytes, KeyedRequestId newest, Timestamp needed);
  void sweep(Timestamp oldest);

  SQLite::Statement find_, remove_same_outcomes_, remove_same_, insert_, answered_, crowded_, oldest_of_, expire_,
      expired_, remove_outcomes_, remove_, outcome_, add_bytes_, record_, forget_outcomes_, forget_;
};

}  // namespace reprieve
