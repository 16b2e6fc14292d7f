// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of what tells about the daemon and its store.
namespace reprieve::control {

Result<Response> show_stats(const Call& call);
Result<Response> list_mounts(const Call& call);
Result<Response> make_backup(const Call& call);
Result<Response> list_backups(const Call& call);
Result<Response> list_damaged(const Call& call);
Result<Response> ping(const Call& call);
Result<Response> show_version(const Call& call);

}  // namespace reprieve::control
