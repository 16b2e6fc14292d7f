// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of /v1/history and /v1/events.
namespace reprieve::control {

Result<Response> list_history(const Call& call);
Result<Response> tell_events(const Call& call);

}  // namespace reprieve::control
