// SPDX-License-Identifier: Apache-2.0
// Names of entries, access control lists, and the words that stand for times: what core parses.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/entry_name.h"
#include "core/base/time_text.h"
#include "core/view/posix_acl.h"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void try_name(std::string_view text) {
  const auto name = reprieve::EntryName::parse(text);
  if (!name) return;
  must(name->bytes() == text && text.size() <= reprieve::kEntryNameMax && text.find('/') == std::string_view::npos);
  for (const unsigned number : {1U, 2U, 10U, 4'294'967'295U}) {
    must(reprieve::EntryName::parse(reprieve::numbered(*name, number).bytes()).has_value());
  }
}

void try_list(std::string_view bytes, mode_t mode) {
  auto list = reprieve::PosixAcl::parse(bytes);
  if (!list) return;
  const auto same = reprieve::PosixAcl::parse(list->bytes());
  must(same && same->bytes() == list->bytes() && same->permissions() == list->permissions());
  list->set_permissions(mode & 0777);
  must(list->permissions() == (mode & 0777));
  list->restrict_to(0750);
  must((list->permissions() & ~0750U) == 0 && reprieve::PosixAcl::parse(list->bytes()).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  try_name(rest);
  try_list(rest, static_cast<mode_t>(*data) * 2);
  return 0;
}
