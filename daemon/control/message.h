// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "daemon/control/peer.h"

namespace reprieve::control {

// One request as HTTP delivers it. Nothing is decoded yet.
struct Request {
  std::string method;
  std::string target;
  std::string body;
  Peer peer;
};

// What a handler answers with.
struct Response {
  unsigned status = 200;
  boost::json::value body;
};

// What goes over the wire.
struct Reply {
  unsigned status = 200;
  std::string body;
  std::string allow;  // the header of that name; empty: none
};

}  // namespace reprieve::control
