// SPDX-License-Identifier: Apache-2.0
// reprieve.toml.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = reprieve::parse_config(text);
  // The same text means the same, and every problem has words.
  const auto second = reprieve::parse_config(text);
  if (first.problems.size() != second.problems.size()) std::abort();
  for (const auto& problem : first.problems) {
    if (problem.text.empty()) std::abort();
  }
  if (first.problems.empty() && !reprieve::changed_keys(first.config, second.config).empty()) std::abort();
  return 0;
}
