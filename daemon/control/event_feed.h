// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/trash/history.h"
#include "daemon/control/peer.h"
#include "daemon/control/services.h"

namespace reprieve::control {

// What one client has still to be told of the events that it asked for, in portions. By one thread at a time.
class EventFeed {
 public:
  struct Portion {
    std::string lines;  // of JSON, each with its end; may be empty
    bool more = false;  // there are more already
  };

  // Of the account of that name, or of all and none where the peer may act for all; events behind `since`.
  EventFeed(Services& services, Peer peer, std::optional<std::string> account, EventId since, bool follows);

  // Goes on where the last one ended. Fails where the peer has lost its right meanwhile, and as the store does.
  Result<Portion> next();
  // Whether it goes on with what will happen.
  [[nodiscard]] bool follows() const { return follows_; }
  // Where it began.
  [[nodiscard]] EventId since() const { return since_; }

 private:
  Services& services_;
  const Peer peer_;
  const std::optional<std::string> account_;
  const EventId since_;
  const bool follows_;
  EventId told_;
  bool missed_ = false;  // which was said
};

}  // namespace reprieve::control
