// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"
#include "core/trash/trash_item.h"
#include "daemon/control/message.h"
#include "daemon/control/protocol/responses.h"

// How refusals look over HTTP: one table from core's codes to a status, and one of what only HTTP can get wrong.
namespace reprieve::control {

enum class Fault : std::uint8_t {
  malformed_http,
  request_timeout,
  unknown_resource,
  method_not_allowed,
  header_too_large,
  body_too_large,
  too_many_connections,
};

[[nodiscard]] unsigned http_status(Errc code);
// The code of that name; internal for a name that is none.
[[nodiscard]] Errc code_named(std::string_view name);

[[nodiscard]] protocol::ErrorReport report(const Error& error);
[[nodiscard]] Reply error_reply(const Error& error);
[[nodiscard]] Reply error_reply(Fault fault, const std::string& message);

}  // namespace reprieve::control
