// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace CLI {
class Validator;
}

// Checks of what an option is given. CLI11 puts the option's name before the complaint, and shows nothing of them in
// the help.
namespace reprieve::ctl {

// What the daemon takes at most, of any number.
inline constexpr std::uint64_t kNoMost = std::numeric_limits<std::int64_t>::max();

[[nodiscard]] CLI::Validator one_of(std::vector<std::string> words);
// Also turns the word into its place in the list, for an enumeration: to be given to transform().
[[nodiscard]] CLI::Validator index_of(std::vector<std::string> words);
// `least` without `most`: 0 or 1.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most = kNoMost);
// Also turns "5K" into "5120": to be given to transform().
[[nodiscard]] CLI::Validator size();
[[nodiscard]] CLI::Validator time();
[[nodiscard]] CLI::Validator event();

}  // namespace reprieve::ctl
