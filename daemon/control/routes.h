// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "daemon/control/message.h"
#include "daemon/control/services.h"

namespace reprieve::control {

// From requests to handlers. Never throws but for want of memory. Thread-safe.
class Router {
 public:
  explicit Router(Services& services) : services_(services) {}

  // Why a request is refused by its header alone (no such resource, wrong method, wrong content type): asked before
  // the body is read. Nothing where it may go on.
  [[nodiscard]] std::optional<Reply> refuse(const Request& header) const;
  // Carries the request out.
  [[nodiscard]] Reply answer(const Request& request) const;
  // The whole reply to a request with a key was handed over to its peer.
  void delivered(KeyedRequestId id) const;

 private:
  Services& services_;
};

}  // namespace reprieve::control
