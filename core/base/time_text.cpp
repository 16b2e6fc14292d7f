// SPDX-License-Identifier: Apache-2.0
#include "core/base/time_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace reprieve {

std::string rfc3339(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::string compact_time(Timestamp time) {
  std::string text = rfc3339(time);
  std::erase_if(text, [](char letter) { return letter == '-' || letter == ':'; });
  return text.substr(0, text.find('.')) + "Z";
}

std::optional<Timestamp> parse_compact_time(std::string_view text) {
  constexpr std::string_view kForm = "00000000T000000Z";
  const auto fits = [](char form, char letter) {
    return form == '0' ? letter >= '0' && letter <= '9' : letter == form;
  };
  if (!std::ranges::equal(kForm, text, fits)) return std::nullopt;
  const auto number = [text](std::size_t from, std::size_t count) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + count, value);
    return value;
  };
  const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(6, 2))));
  if (!date.ok()) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + std::chrono::hours(number(9, 2)) +
         std::chrono::minutes(number(11, 2)) + std::chrono::seconds(number(13, 2));
}

}  // namespace reprieve
