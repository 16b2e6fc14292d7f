// SPDX-License-Identifier: Apache-2.0
#include "core/requests/idempotency.h"

#include "core/parts.h"
#include "core/store/crc64.h"

namespace reprieve {
namespace {

Result<void> check_key(const std::string& key) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  if (key.size() >= Idempotency::kShortestKey && key.size() <= Idempotency::kLongestKey &&
      key.find_first_not_of(kAllowed) == std::string::npos)
    return {};
  return fail(Errc::invalid_argument, "an idempotency key has " + std::to_string(Idempotency::kShortestKey) + " to " +
                                          std::to_string(Idempotency::kLongestKey) + " letters, digits, '-' and '_'");
}

// Tells the requests of one user from each other, who has nothing to gain from two that look the same.
std::uint64_t checksum_of(std::string_view request) {
  Crc64 crc;
  crc.process_bytes(request.data(), request.size());
  return crc.checksum();
}

}  // namespace

Idempotency::Turn::~Turn() {
  if (of_ != nullptr) of_->end(name_);
}

Result<Idempotency::Turn> Idempotency::begin(uid_t uid, const std::string& key, std::string_view request) {
  REPRIEVE_TRY_VOID(check_key(key));
  const Turn::Name name(uid, key);
  {
    const MutexLock lock(mutex_);
    while (under_way_.contains(name)) ended_.wait(mutex_);
    under_way_.insert(name);
  }
  Turn turn(*this, name);
  REPRIEVE_TRY(turn.id_, identify(name, request));
  return turn;
}

Result<KeyedRequestId> Idempotency::identify(const Turn::Name& name, std::string_view request) {
  std::vector<KeyedRequestId> answered;
  {
    const MutexLock lock(mutex_);
    answered.swap(answered_);
  }
  const std::uint64_t checksum = checksum_of(request);
  return parts_.store->write([&](Transaction& tx) -> Result<KeyedRequestId> {
    for (const KeyedRequestId id : answered) tx.idempotency.set_answered(id);
    const auto& [uid, key] = name;
    const Timestamp now = parts_.clock.now();
    if (const auto known = tx.idempotency.find(uid, key, now - kLifetime)) {
      if (known->checksum == checksum) return known->id;
      return fail(Errc::key_reused);
    }
    const KeyedRequestId id = tx.idempotency.insert(uid, key, checksum, now);
    tx.idempotency.trim(id, now - kLifetime, now - kPatience);
    return id;
  });
}

void Idempotency::answered(KeyedRequestId id) {
  const MutexLock lock(mutex_);
  answered_.push_back(id);
}

void Idempotency::end(const Turn::Name& name) {
  const MutexLock lock(mutex_);
  under_way_.erase(name);
  ended_.notify_all();
}

}  // namespace reprieve
