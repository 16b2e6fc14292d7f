// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of /v1/trash and /v1/restore.
namespace reprieve::control {

Result<Response> list_trash(const Call& call);
Result<Response> show_item(const Call& call);
Result<Response> trash_paths(const Call& call);
Result<Response> restore_item(const Call& call);
Result<Response> restore_items(const Call& call);

}  // namespace reprieve::control
