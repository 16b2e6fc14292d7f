// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/protocol/requests.h"
#include "daemon/ctl/commands.h"

// What the requests of several commands share.
namespace reprieve::ctl {

[[nodiscard]] protocol::QueryParameters account_query(const Options& options);
[[nodiscard]] boost::json::object with_account(boost::json::object body, const Options& options);

// The account whose mount the working directory lies in, if it lies in one. Asks the daemon for the mounts.
Outcome<std::optional<std::string>> account_here(Session& session);

// Paths of the command line as the daemon takes them. Asks it for the mounts.
Outcome<std::vector<std::string>> daemon_paths(Session& session, const std::vector<std::string>& arguments);

}  // namespace reprieve::ctl
