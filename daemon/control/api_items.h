// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of what is asked about items in the tree: status, associations, what a deletion would do.
namespace reprieve::control {

Result<Response> show_status(const Call& call);
Result<Response> set_status(const Call& call);
Result<Response> associate(const Call& call);
Result<Response> dissociate(const Call& call);
Result<Response> add_to(const Call& call);
Result<Response> explain(const Call& call);

}  // namespace reprieve::control
