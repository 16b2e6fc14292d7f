// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/validators.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include "core/base/event_kind.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::ctl {
namespace {

template <typename Check>
CLI::Validator make(Check check) {
  return CLI::Validator(std::move(check), "");
}

std::string complaint(const std::string& wanted, const std::string& given) {
  return "must be " + wanted + ", not \"" + given + "\"";
}

std::string one_of_them(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "one of " : ", ") + word;
  return list;
}

std::optional<std::uint64_t> to_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "5", "5K", "5k", "5KB", "5KiB".
std::optional<std::uint64_t> to_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGTPE";
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = to_number(text.substr(0, digits));
  std::string unit(text.substr(digits));
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char letter) { return std::toupper(letter); });
  if (!number || unit.empty() || unit == "B") return number;
  const std::size_t power = kUnits.find(unit[0]);
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) return std::nullopt;
  const auto shift = static_cast<unsigned>(10 * (power + 1));
  if (*number > kNoMost >> shift) return std::nullopt;
  return *number << shift;
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> words) {
  return make([words = std::move(words)](std::string& text) {
    const bool known = std::find(words.begin(), words.end(), text) != words.end();
    return known ? std::string() : complaint(one_of_them(words), text);
  });
}

CLI::Validator index_of(std::vector<std::string> words) {
  return make([words = std::move(words)](std::string& text) {
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end()) return complaint(one_of_them(words), text);
    text = std::to_string(found - words.begin());
    return std::string();
  });
}

CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  return make([least, most](std::string& text) {
    const auto number = to_number(text);
    if (number && *number >= least && *number <= most) return std::string();
    if (most == kNoMost) return complaint(least == 0 ? "a whole number" : "a positive whole number", text);
    return complaint("a whole number from " + std::to_string(least) + " to " + std::to_string(most), text);
  });
}

CLI::Validator size() {
  return make([](std::string& text) {
    const auto bytes = to_size(text);
    if (!bytes) return complaint("a number of bytes, which may end in K, M, G or T", text);
    text = std::to_string(*bytes);
    return std::string();
  });
}

CLI::Validator time() {
  return make([](std::string& text) {
    const auto parsed = protocol::parse_time(text, Timestamp(std::chrono::system_clock::now()));
    return parsed ? std::string() : std::string(reason_of(parsed.error())) + ", not \"" + text + "\"";
  });
}

CLI::Validator event() {
  return make([](std::string& text) {
    const auto kind = parse_event_kind(text);
    return kind ? std::string() : std::string(reason_of(kind.error()));
  });
}

}  // namespace reprieve::ctl
