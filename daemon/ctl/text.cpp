// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/text.h"

#include <pwd.h>
#include <wchar.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::ctl {
namespace {

std::string format_scaled(double value, const char* unit) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 9.95 ? "%.1f %s" : "%.0f %s", value, unit);
  return text.data();
}

}  // namespace

std::size_t columns(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto character = protocol::decode_character(text);
    const int own = character ? ::wcwidth(static_cast<wchar_t>(character->code)) : 1;
    // A character that the C library does not know yet.
    width += own < 0 ? 1 : static_cast<std::size_t>(own);
    text.remove_prefix(character ? character->length : 1);
  }
  return width;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.5 would be printed as 1024.
  while (value >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return format_scaled(value, kUnits[unit]);
}

std::string human_duration(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < std::uint64_t{48} * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::string human_age(Timestamp time, Timestamp now) {
  using namespace std::chrono_literals;
  const auto age = now - time;
  if (age > 28 * 24h) return rfc3339(time).substr(0, 10);
  if (age < 1s) return "now";
  return human_duration(static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(age).count())) + " ago";
}

std::string user_name(std::uint64_t uid) {
  const passwd* user = ::getpwuid(static_cast<uid_t>(uid));
  return user == nullptr ? std::to_string(uid) : printable(user->pw_name);
}

std::string counted(std::uint64_t number, std::string_view noun) {
  std::string text = std::to_string(number) + " " + std::string(noun);
  if (number == 1) return text;
  if (noun == "analysis") text.replace(text.size() - 2, 2, "e");
  return text + "s";
}

}  // namespace reprieve::ctl
