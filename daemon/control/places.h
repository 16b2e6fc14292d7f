// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/accounts/accounts.h"
#include "core/base/result.h"
#include "daemon/control/call.h"

namespace reprieve::control {

// Where a path of a request leads.
struct Place {
  Account account;
  std::string path;  // below the account's root, components joined by one '/' each
};

// An absolute path counts from the mount point that is its longest prefix, and so names the account; any other counts
// from the root of the account that the request names or implies. Nothing is looked up. invalid_argument (".."),
// not_found (below no mount point), skeleton (the root itself), not_owner, and those of AccountRights.
Result<Place> place_of(const Call& call, std::string_view path);

}  // namespace reprieve::control
