// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace reprieve {

// The longest name of an entry in bytes: NAME_MAX of Linux (limits.h).
inline constexpr std::size_t kEntryNameMax = 255;

// One component of a path: 1 to 255 bytes, without '/' and NUL, neither "." nor "..". Bytes and not text: any
// encoding, or none, is kept as it came. Holding an EntryName proves that the name was checked.
class EntryName {
 public:
  // Errors: invalid_argument, name_too_long.
  static Result<EntryName> parse(std::string_view raw);
  // For names that this program makes itself. Aborts on a malformed one.
  static EntryName literal(std::string_view name);
  // For a name read back from the store, where it was checked on its way in.
  static EntryName trusted(std::string name) { return EntryName(std::move(name)); }

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

  friend auto operator<=>(const EntryName&, const EntryName&) = default;

 private:
  explicit EntryName(std::string bytes) : bytes_(std::move(bytes)) {}
  std::string bytes_;
};

// NAME, or NAME with "~NUMBER" behind it for a number over 1: how a taken name is told from the next one. A name
// that would grow over the limit is cut before the suffix.
[[nodiscard]] EntryName numbered(const EntryName& name, unsigned number);

}  // namespace reprieve
