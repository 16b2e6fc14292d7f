// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/call.h"

// Handlers of /v1/accounts, /v1/account, /v1/shares, /v1/share, /v1/unshare and /v1/undo.
namespace reprieve::control {

Result<Response> list_accounts(const Call& call);
Result<Response> add_account(const Call& call);
Result<Response> show_account(const Call& call);
Result<Response> set_account(const Call& call);
Result<Response> remove_account(const Call& call);
Result<Response> list_shares(const Call& call);
Result<Response> share_item(const Call& call);
Result<Response> unshare_item(const Call& call);
Result<Response> undo_last(const Call& call);

}  // namespace reprieve::control
