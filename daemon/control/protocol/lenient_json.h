// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// How answers are read: what is missing, or of another type, counts as empty, so that a client gets along with the
// daemon of another version. Requests are read by FieldReader, which refuses them.
namespace reprieve::protocol {

// An empty one for what is none. Valid as long as `value`.
[[nodiscard]] const boost::json::object& object_of(const boost::json::value& value);
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view name);
[[nodiscard]] std::optional<std::uint64_t> number_of(const boost::json::object& object, std::string_view name);

}  // namespace reprieve::protocol
