// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/printable.h"

#include <array>
#include <cstdio>

#include "daemon/control/protocol/bytes.h"

namespace reprieve::protocol {
namespace {

std::string hex_escape(const char* format, unsigned value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

struct Range {
  char32_t first;
  char32_t last;
};

// Characters that are no C0 control and yet have no glyph, or rearrange those of others.
constexpr std::array kUnsafe{
    Range{0x80, 0x9F},        // C1 controls
    Range{0xAD, 0xAD},        // soft hyphen
    Range{0x61C, 0x61C},      // Arabic letter mark
    Range{0x180E, 0x180E},    // Mongolian vowel separator
    Range{0x200B, 0x200F},    // zero width characters, direction marks
    Range{0x2028, 0x202E},    // separators, embeddings, overrides
    Range{0x2060, 0x206F},    // invisible operators, isolates
    Range{0xFEFF, 0xFEFF},    // byte order mark
    Range{0xFFF9, 0xFFFB},    // interlinear annotation
    Range{0xE0000, 0xE0FFF},  // tags
};

bool is_unsafe(char32_t code) {
  for (const Range& range : kUnsafe) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

std::string escaped_ascii(unsigned char byte) {
  switch (byte) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    case '\\': return "\\\\";
    default: return byte < 0x20 || byte == 0x7F ? hex_escape("\\x%02x", byte) : std::string(1, static_cast<char>(byte));
  }
}

}  // namespace

std::string printable(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  const char* const first = bytes.data();
  while (!bytes.empty()) {
    const auto character = decode_character(bytes);
    const std::size_t length = character ? character->length : 1;
    if (!character) {
      text += hex_escape("\\x%02x", static_cast<unsigned char>(bytes[0]));
    } else if (bytes[0] == ' ' && (bytes.data() == first || bytes.size() == 1)) {
      text += "\\x20";
    } else if (length == 1) {
      text += escaped_ascii(static_cast<unsigned char>(bytes[0]));
    } else if (is_unsafe(character->code)) {
      text += hex_escape("\\u{%04x}", static_cast<unsigned>(character->code));
    } else {
      text += bytes.substr(0, length);
    }
    bytes.remove_prefix(length);
  }
  return text;
}

}  // namespace reprieve::protocol
