// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"

// How names and paths, which are bytes in no particular encoding, travel in JSON, which is UTF-8.
//
// Bytes that are valid UTF-8 are a string and nothing else. Others are two fields: FIELD, where each invalid byte is
// U+FFFD, for people, and FIELDHex with the exact bytes. A request gives a path as a string or as {"hex":"…"}.
namespace reprieve::protocol {

struct DecodedCharacter {
  char32_t code = 0;
  std::size_t length = 1;  // in bytes
};

// The character at the start of `text`; nothing if the bytes there are not valid UTF-8 (RFC 3629: no surrogates, no
// overlong forms). `text` is not empty.
[[nodiscard]] std::optional<DecodedCharacter> decode_character(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view bytes);

// Sets `field`, and `field`Hex where it is needed.
void put_bytes(boost::json::object& object, std::string_view field, std::string_view bytes);
// Reverses put_bytes(). Empty when the field is missing or is no string.
[[nodiscard]] std::string get_bytes(const boost::json::object& object, std::string_view field);

// A path in a request: a string, or {"hex":…} where the bytes are not UTF-8.
[[nodiscard]] boost::json::value bytes_value(std::string_view bytes);
// Reverses bytes_value(). invalid_argument.
[[nodiscard]] Result<std::string> parse_bytes_value(const boost::json::value& value);

// A JSON string for people: invalid bytes as U+FFFD.
[[nodiscard]] std::string lossy_utf8(std::string_view bytes);

}  // namespace reprieve::protocol
