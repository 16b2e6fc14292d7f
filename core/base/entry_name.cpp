// SPDX-License-Identifier: Apache-2.0
#include "core/base/entry_name.h"

#include <cstdlib>

namespace reprieve {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// At most so many bytes. A name in UTF-8 (RFC 3629) is one still; any other is cut anywhere.
std::string shortened(const std::string& bytes, std::size_t most) {
  if (bytes.size() <= most) return bytes;
  constexpr std::size_t kLongestCharacter = 4;
  std::size_t end = most;
  while (continues_character(bytes[end]) && most - end < kLongestCharacter - 1) --end;
  return bytes.substr(0, continues_character(bytes[end]) ? most : end);
}

}  // namespace

Result<EntryName> EntryName::parse(std::string_view raw) {
  if (raw.empty()) return fail(Errc::invalid_argument, "an entry name is empty");
  if (raw.size() > kEntryNameMax) return fail(Errc::name_too_long);
  if (raw == "." || raw == "..") return fail(Errc::invalid_argument, "\".\" and \"..\" are not names of entries");
  if (raw.find('/') != std::string_view::npos) return fail(Errc::invalid_argument, "an entry name contains a slash");
  if (raw.find('\0') != std::string_view::npos)
    return fail(Errc::invalid_argument, "an entry name contains a NUL byte");
  return EntryName(std::string(raw));
}

EntryName EntryName::literal(std::string_view name) {
  auto parsed = parse(name);
  if (!parsed) std::abort();
  return *std::move(parsed);
}

EntryName numbered(const EntryName& name, unsigned number) {
  if (number <= 1) return name;
  const std::string suffix = "~" + std::to_string(number);
  return EntryName::trusted(shortened(name.bytes(), kEntryNameMax - suffix.size()) + suffix);
}

}  // namespace reprieve
