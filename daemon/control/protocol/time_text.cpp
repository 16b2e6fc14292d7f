// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/time_text.h"

#include <charconv>
#include <chrono>
#include <optional>

namespace reprieve::protocol {
namespace {

using namespace std::chrono_literals;
using std::chrono::duration_cast;

// The years that a Timestamp can hold whole.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

// Takes fixed-width fields off the front of a text; remembers that one did not fit.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) return give_up();
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + count, value);
    if (error != std::errc() || end != rest_.data() + count || rest_[0] == '-') return give_up();
    rest_.remove_prefix(count);
    return value;
  }
  char one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_[0]) == std::string_view::npos) return static_cast<char>(give_up());
    const char found = rest_[0];
    rest_.remove_prefix(1);
    return found;
  }
  bool accept(char character) {
    if (rest_.empty() || rest_[0] != character) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // What follows a decimal point; digits behind the ninth are cut.
  std::chrono::nanoseconds fraction() {
    std::chrono::nanoseconds value{0};
    std::chrono::nanoseconds unit = 100ms;
    bool any = false;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') {
      value += unit * (rest_[0] - '0');
      unit /= 10;
      any = true;
      rest_.remove_prefix(1);
    }
    if (!any) give_up();
    return value;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool complete() const { return fits_ && rest_.empty(); }

 private:
  int give_up() {
    fits_ = false;
    return 0;
  }
  std::string_view rest_;
  bool fits_ = true;
};

std::chrono::minutes scan_offset(Scanner& scanner) {
  // A '+' that was not percent-encoded reaches us as a space.
  const char sign = scanner.one_of("Zz+- ");
  if (sign == 'Z' || sign == 'z') return 0min;
  const auto hours = std::chrono::hours(scanner.digits(2));
  scanner.one_of(":");
  const auto offset = hours + std::chrono::minutes(scanner.digits(2));
  return sign == '-' ? -offset : offset;
}

std::optional<Timestamp> parse_rfc3339(std::string_view text) {
  Scanner scanner(text);
  const int year = scanner.digits(4);
  scanner.one_of("-");
  const auto month = static_cast<unsigned>(scanner.digits(2));
  scanner.one_of("-");
  const auto day = static_cast<unsigned>(scanner.digits(2));
  std::chrono::nanoseconds time{0};
  if (!scanner.at_end()) {
    scanner.one_of("Tt ");
    const int hour = scanner.digits(2);
    scanner.one_of(":");
    const int minute = scanner.digits(2);
    scanner.one_of(":");
    const int second = scanner.digits(2);
    if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
    time = std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
    if (scanner.accept('.')) time += scanner.fraction();
    time -= scan_offset(scanner);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!scanner.complete() || !date.ok() || year < kFirstYear || year > kLastYear) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + time;
}

std::optional<std::chrono::seconds> unit_of(char letter) {
  switch (letter) {
    case 's': return 1s;
    case 'm': return 1min;
    case 'h': return 1h;
    case 'd': return 24h;
    case 'w': return 7 * 24h;
    default: return std::nullopt;
  }
}

std::optional<std::chrono::seconds> parse_age(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const auto unit = unit_of(text.back());
  std::uint32_t count = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (!unit || error != std::errc() || stop != end) return std::nullopt;
  return *unit * count;
}

}  // namespace

Result<Timestamp> parse_time(std::string_view text, Timestamp now) {
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto age = parse_age(text)) {
    // No longer than the epoch is ago: what is older cannot be told apart.
    if (*age > duration_cast<std::chrono::seconds>(now.time_since_epoch())) return Timestamp();
    return now - *age;
  }
  return fail(Errc::invalid_argument,
              "must be an RFC 3339 time (2024-05-01T12:00:00Z), a date, or an age as 30s, 15m, 12h, 7d or 2w");
}

}  // namespace reprieve::protocol
