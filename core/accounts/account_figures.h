// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounts/accounts.h"
#include "core/accounts/storage_figures.h"
#include "core/base/result.h"

namespace reprieve {

struct CoreParts;

// Counts what has to be counted: the files of an account without a quota, and items of its trash whose figures are not
// remembered.
Result<AccountFigures> account_figures(CoreParts& parts, const Account& account);

}  // namespace reprieve
