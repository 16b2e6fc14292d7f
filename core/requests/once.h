// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/caller.h"
#include "core/base/result.h"
#include "core/parts.h"
#include "core/requests/outcomes.h"

// What a request on the socket does when it comes again: the outcome of each step is committed with the step, and where
// it is found the step is not taken a second time. Requests without a key pay a comparison.
namespace reprieve {

// Steps of a part. What is chosen before anything is done counts too: it would be another choice afterwards.
enum class Step : std::uint32_t {
  selection,  // which items the request is about
  order,      // what is done to them, in which order
  first,      // and so on
};

[[nodiscard]] constexpr Step step_number(std::size_t index) {
  return static_cast<Step>(static_cast<std::uint32_t>(Step::first) + static_cast<std::uint32_t>(index));
}

// As Store::write. Where the step was taken already, `body` does not run and its outcome of then is returned. What
// fails leaves nothing, and may be tried again.
template <typename Outcome, typename Body>
Result<Outcome> write_once(CoreParts& parts, const RequestPart& part, Step step, const Body& body) {
  const auto number = static_cast<std::uint32_t>(step);
  return parts.store->write([&](Transaction& tx) -> Result<Outcome> {
    if (!part.request) return body(tx);
    if (const auto before = tx.idempotency.outcome(part, number)) return unpack_outcome<Outcome>(*before);
    REPRIEVE_TRY(Outcome outcome, body(tx));
    tx.idempotency.record(part, number, pack_outcome(outcome));
    return outcome;
  });
}

// What `choose` returns, which uses transactions of its own and changes no rows; or what it returned the first time.
template <typename Outcome, typename Choose>
Result<Outcome> choose_once(CoreParts& parts, const RequestPart& part, Step step, const Choose& choose) {
  if (!part.request) return choose();
  REPRIEVE_TRY(const auto before, parts.store->read([&](Transaction& tx) -> Result<std::optional<std::string>> {
    return tx.idempotency.outcome(part, static_cast<std::uint32_t>(step));
  }));
  if (before) return unpack_outcome<Outcome>(*before);
  REPRIEVE_TRY(Outcome chosen, choose());
  return write_once<Outcome>(parts, part, step, [&](Transaction&) -> Result<Outcome> { return chosen; });
}

}  // namespace reprieve
