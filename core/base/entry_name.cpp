// SPDX-License-Identifier: Apache-2.0
#include "core/base/entry_name.h"

#include <cstdlib>

namespace reprieve {

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
  return EntryName::trusted(name.bytes().substr(0, kEntryNameMax - suffix.size()) + suffix);
}

}  // namespace reprieve
