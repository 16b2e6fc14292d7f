// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/base/result.h"

namespace reprieve {

// 128 random bits as 32 hexadecimal digits: nobody can guess it, and no two are the same. io.
Result<std::string> random_token();

}  // namespace reprieve
