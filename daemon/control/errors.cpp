// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/errors.h"

#include <boost/json/serialize.hpp>

#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

struct FaultRow {
  unsigned status;
  std::string_view code;
  std::string_view errno_symbol;
};

constexpr FaultRow row(Fault fault) {
  switch (fault) {
    case Fault::malformed_http: return {400, "malformed_http", "EBADMSG"};
    case Fault::request_timeout: return {408, "request_timeout", "ETIMEDOUT"};
    case Fault::unknown_resource: return {404, "unknown_resource", "ENOENT"};
    case Fault::method_not_allowed: return {405, "method_not_allowed", "EOPNOTSUPP"};
    case Fault::header_too_large: return {431, "header_too_large", "EMSGSIZE"};
    case Fault::body_too_large: return {413, "body_too_large", "EMSGSIZE"};
    case Fault::too_many_connections: return {429, "too_many_connections", "EUSERS"};
  }
  return {500, "internal", "EIO"};
}

std::string error_body(const protocol::ErrorReport& error) {
  return boost::json::serialize(boost::json::object{{protocol::field::kError, error.to_json()}});
}

}  // namespace

unsigned http_status(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::account_needed:
    case Errc::name_too_long:
    case Errc::too_large:
    case Errc::buffer_too_small:
    case Errc::not_supported:
    case Errc::file_too_large:
    case Errc::beyond_end:
    case Errc::bad_descriptor: return 400;
    case Errc::access_denied:
    case Errc::skeleton:
    case Errc::reserved_name:
    case Errc::viewer_only:
    case Errc::not_yours:
    case Errc::not_owner: return 403;
    case Errc::not_found:
    case Errc::no_attribute: return 404;
    case Errc::exists:
    case Errc::not_directory:
    case Errc::is_directory:
    case Errc::not_empty:
    case Errc::too_many_links:
    case Errc::wrong_place:
    case Errc::in_trash:
    case Errc::parent_in_trash:
    case Errc::parent_purged:
    case Errc::in_use:
    case Errc::held:
    case Errc::running: return 409;
    case Errc::stale:
    case Errc::plan_expired: return 410;
    case Errc::key_reused: return 422;
    case Errc::data_damaged:
    case Errc::io:
    case Errc::internal: return 500;
    case Errc::too_many_open_files:
    case Errc::out_of_memory:
    case Errc::interrupted:
    case Errc::store_locked:
    case Errc::store_newer:
    case Errc::store_damaged: return 503;
    case Errc::no_space:
    case Errc::read_only:
    case Errc::over_quota: return 507;
  }
  return 500;
}

Errc code_named(std::string_view name) {
  for (unsigned number = 0; number < static_cast<unsigned>(Errc::internal); ++number) {
    const auto code = static_cast<Errc>(number);
    if (code_name(code) == name) return code;
  }
  return Errc::internal;
}

protocol::ErrorReport report(const Error& error) {
  return {.code = std::string(code_name(error.code)),
          .errno_symbol = std::string(errno_symbol(error.code)),
          .message = std::string(reason_of(error)),
          .path = std::nullopt};
}

Reply error_reply(const Error& error) {
  return {.status = http_status(error.code), .body = error_body(report(error)), .allow = {}};
}

Reply error_reply(Fault fault, const std::string& message) {
  const FaultRow found = row(fault);
  return {.status = found.status,
          .body = error_body({.code = std::string(found.code),
                              .errno_symbol = std::string(found.errno_symbol),
                              .message = message,
                              .path = std::nullopt}),
          .allow = {}};
}

}  // namespace reprieve::control
