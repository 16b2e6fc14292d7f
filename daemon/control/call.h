// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "daemon/control/account_rights.h"
#include "daemon/control/message.h"
#include "daemon/control/peer.h"
#include "daemon/control/services.h"

namespace reprieve::control {

// One request on its way to its handler: routed, the peer's right checked, the text taken apart.
struct Call {
  Services& services;
  const Peer& peer;
  std::int64_t id = 0;                  // in the path of the resource; 0 where it has none
  boost::json::object query;            // without `account`
  boost::json::object body;             // without `account`
  AccountRights rights;                 // empty for Right::anyone
  std::optional<std::string> named;     // `account`, from query or body
  RequestPart part;                     // of a request with a key
  std::optional<Account> account = {};  // set for Right::account

  // The socket's peer as core sees callers.
  [[nodiscard]] Caller caller() const {
    return {.uid = peer.uid, .gid = peer.gid, .thread = peer.pid, .mount = {}, .request = {}, .part = part};
  }
};

using Handler = Result<Response> (*)(const Call& call);

}  // namespace reprieve::control
