// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/caller.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

struct CoreParts;

// Requests on the socket that may come a second time, because their connection broke before the answer: told by a key
// that the client has made, and carried out once (core/requests/once.h). Thread-safe.
class Idempotency {
 public:
  // For how long a key is known.
  static constexpr std::chrono::minutes kLifetime{10};
  // For how long whoever was not answered may ask again, and is not to be pushed out for want of space.
  static constexpr std::chrono::minutes kPatience{1};
  static constexpr std::size_t kShortestKey = 16;
  static constexpr std::size_t kLongestKey = 64;

  // While it is there, no other request of the same user and key is carried out.
  class Turn {
   public:
    Turn(Turn&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), name_(std::move(other.name_)), id_(other.id_) {}
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();
    [[nodiscard]] KeyedRequestId id() const { return id_; }

   private:
    friend class Idempotency;
    using Name = std::pair<uid_t, std::string>;
    Turn(Idempotency& of, Name name) : of_(&of), name_(std::move(name)) {}
    Idempotency* of_;  // null: moved from
    Name name_;
    KeyedRequestId id_;
  };

  explicit Idempotency(CoreParts& parts) : parts_(parts) {}

  // `request` is all that was asked, as it came. Waits for a request of this user and key that is being carried out.
  // invalid_argument: not 16 to 64 of letters, digits, '-' and '_'. key_reused: it stands for another request of the
  // user. Errors of Store::write.
  Result<Turn> begin(uid_t uid, const std::string& key, std::string_view request);
  // The answer was delivered. Does not wait for the store.
  void answered(KeyedRequestId id);

 private:
  Result<KeyedRequestId> identify(const Turn::Name& name, std::string_view request);
  void end(const Turn::Name& name);

  CoreParts& parts_;
  Mutex mutex_;
  ConditionVariable ended_;
  std::set<Turn::Name> under_way_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<KeyedRequestId> answered_ REPRIEVE_GUARDED_BY(mutex_);  // since the last begin()
};

}  // namespace reprieve
