// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of what destroys: /v1/empty, /v1/purge, and of the operations that they start.
namespace reprieve::control {

Result<Response> plan_empty(const Call& call);
Result<Response> empty_trash(const Call& call);
Result<Response> purge_items(const Call& call);
Result<Response> purge_item(const Call& call);
Result<Response> show_operation(const Call& call);

}  // namespace reprieve::control
