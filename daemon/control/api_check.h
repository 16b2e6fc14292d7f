// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/upkeep/checker.h"
#include "daemon/control/call.h"

namespace reprieve::control {

Result<Response> check_store(const Call& call);
Result<Response> show_check(const Call& call);

// What reprievectl(1) prints of a check: for people, or the answer of the socket.
[[nodiscard]] std::string text_of(const CheckReport& report);
[[nodiscard]] std::string json_of(const CheckReport& report);

}  // namespace reprieve::control
