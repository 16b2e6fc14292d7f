// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "daemon/control/peer.h"

namespace reprieve::control {

class EventFeed;

// One request as HTTP delivers it. Nothing is decoded yet.
struct Request {
  std::string method;
  std::string target;
  std::string body;
  Peer peer;
  std::optional<std::string> key = {};  // idempotency key
};

// What a handler answers with.
struct Response {
  unsigned status = 200;
  boost::json::value body;
  std::shared_ptr<EventFeed> feed = {};  // set: the body is what this tells
};

// What goes over the wire.
struct Reply {
  unsigned status = 200;
  std::string body;
  std::string allow;                     // the header of that name; empty: none
  std::shared_ptr<EventFeed> feed = {};  // set: the body is what this tells
  KeyedRequestId keyed = {};             // the request that it answers, if that had a key
};

}  // namespace reprieve::control
