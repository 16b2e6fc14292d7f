// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/bytes.h"

#include <array>

namespace reprieve::protocol {
namespace {

constexpr std::string_view kHexSuffix = "Hex";
constexpr std::string_view kHexKey = "hex";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

// A lead byte: how many bytes the character has, its share of the code, and the least code that needs that many.
struct Lead {
  std::size_t length;
  char32_t bits;
  char32_t least;
};

std::optional<Lead> lead_of(unsigned byte) {
  if (byte < 0x80) return Lead{1, byte, 0};
  if (byte >= 0xC2 && byte < 0xE0) return Lead{2, byte & 0x1FU, 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return Lead{3, byte & 0x0FU, 0x800};
  if (byte >= 0xF0 && byte < 0xF5) return Lead{4, byte & 0x07U, 0x10000};
  return std::nullopt;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    hex += kDigits[byte_at(bytes, i) >> 4U];
    hex += kDigits[byte_at(bytes, i) & 0xFU];
  }
  return hex;
}

std::optional<unsigned> digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A') + 10;
  return std::nullopt;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const auto high = digit_value(hex[i]);
    const auto low = digit_value(hex[i + 1]);
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4U | *low);
  }
  return bytes;
}

}  // namespace

std::optional<DecodedCharacter> decode_character(std::string_view text) {
  const auto lead = lead_of(byte_at(text, 0));
  if (!lead || text.size() < lead->length) return std::nullopt;
  char32_t code = lead->bits;
  for (std::size_t i = 1; i < lead->length; ++i) {
    const unsigned next = byte_at(text, i);
    if ((next & 0xC0U) != 0x80U) return std::nullopt;
    code = (code << 6U) | (next & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  if (code < lead->least || code > 0x10FFFF || surrogate) return std::nullopt;
  return DecodedCharacter{code, lead->length};
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto character = decode_character(bytes);
    if (!character) return false;
    bytes.remove_prefix(character->length);
  }
  return true;
}

std::string lossy_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto character = decode_character(bytes);
    const std::size_t length = character ? character->length : 1;
    text += character ? bytes.substr(0, length) : kReplacement;
    bytes.remove_prefix(length);
  }
  return text;
}

void put_bytes(boost::json::object& object, std::string_view field, std::string_view bytes) {
  if (is_utf8(bytes)) {
    object[field] = bytes;
    return;
  }
  object[field] = lossy_utf8(bytes);
  object[std::string(field) + std::string(kHexSuffix)] = to_hex(bytes);
}

std::string get_bytes(const boost::json::object& object, std::string_view field) {
  const auto* hex = object.if_contains(std::string(field) + std::string(kHexSuffix));
  if (hex != nullptr && hex->is_string()) {
    if (auto bytes = from_hex(hex->get_string())) return *std::move(bytes);
  }
  const auto* text = object.if_contains(field);
  return text != nullptr && text->is_string() ? std::string(text->get_string()) : std::string();
}

boost::json::value bytes_value(std::string_view bytes) {
  if (is_utf8(bytes)) return boost::json::string(bytes);
  return boost::json::object{{kHexKey, to_hex(bytes)}};
}

Result<std::string> parse_bytes_value(const boost::json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_object()) {
    const auto& object = value.get_object();
    const auto* hex = object.if_contains(kHexKey);
    if (object.size() == 1 && hex != nullptr && hex->is_string()) {
      if (auto bytes = from_hex(hex->get_string())) return *std::move(bytes);
      return fail(Errc::invalid_argument, "\"hex\" must be pairs of hexadecimal digits");
    }
  }
  return fail(Errc::invalid_argument, "must be a string or {\"hex\":\"…\"}");
}

}  // namespace reprieve::protocol
