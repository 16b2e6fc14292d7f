// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/lenient_json.h"

namespace reprieve::protocol {

const boost::json::object& object_of(const boost::json::value& value) {
  static const boost::json::object none;
  return value.is_object() ? value.get_object() : none;
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::uint64_t> number_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

}  // namespace reprieve::protocol
