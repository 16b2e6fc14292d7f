// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

namespace reprieve {
namespace {

using namespace std::chrono_literals;

template <typename Choice>
using Choices = std::span<const std::pair<std::string_view, Choice>>;

constexpr std::array<std::pair<std::string_view, TrashRm>, 2> kTrashRm{{
    {"refuse", TrashRm::refuse},
    {"purge", TrashRm::purge},
}};
constexpr std::array<std::pair<std::string_view, Checksums>, 3> kChecksums{{
    {"off", Checksums::off},
    {"scrub", Checksums::scrub},
    {"open", Checksums::at_open},
}};
constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLogLevels{{
    {"error", LogLevel::error},
    {"warning", LogLevel::warning},
    {"info", LogLevel::info},
    {"debug", LogLevel::debug},
}};
constexpr std::array<std::pair<std::string_view, PassthroughChoice>, 3> kPassthrough{{
    {"auto", PassthroughChoice::automatic},
    {"off", PassthroughChoice::off},
    {"require", PassthroughChoice::require},
}};
constexpr std::array<std::pair<std::string_view, IoUringChoice>, 2> kIoUring{{
    {"auto", IoUringChoice::automatic},
    {"off", IoUringChoice::off},
}};
constexpr std::array<std::pair<std::string_view, std::chrono::milliseconds>, 5> kUnits{{
    {"ms", 1ms},
    {"s", 1s},
    {"min", 1min},
    {"h", 1h},
    {"d", 24h},
}};
constexpr std::int64_t kMaxThreads = 64;
constexpr std::int64_t kMostBackups = 1000;
constexpr std::string_view kOff = "off";

ValueProblem read_string(const toml::node& value, std::string& out) {
  const auto* text = value.as_string();
  if (text == nullptr) return "must be a string";
  if (text->get().empty()) return "must not be empty";
  if (text->get().find('\0') != std::string::npos) return "must not contain a NUL byte";
  out = text->get();
  return std::nullopt;
}

ValueProblem read_bool(const toml::node& value, bool& out) {
  const auto* flag = value.as_boolean();
  if (flag == nullptr) return "must be true or false";
  out = flag->get();
  return std::nullopt;
}

// From 1 on.
template <typename Number>
ValueProblem read_number(const toml::node& value, std::int64_t most, Number& out) {
  const auto* number = value.as_integer();
  if (number == nullptr || number->get() < 1 || number->get() > most)
    return fmt::format("must be a number between 1 and {}", most);
  out = static_cast<Number>(number->get());
  return std::nullopt;
}

ValueProblem read_path(const toml::node& value, std::filesystem::path& out) {
  std::string text;
  if (auto problem = read_string(value, text)) return problem;
  std::filesystem::path path(text);
  if (!path.is_absolute()) return "must be an absolute path";
  path = path.lexically_normal();
  out = path.has_filename() ? path : path.parent_path();
  return std::nullopt;
}

template <typename Choice, std::size_t n>
ValueProblem read_choice(const toml::node& value, const std::array<std::pair<std::string_view, Choice>, n>& choices,
                         Choice& out) {
  std::vector<std::string> names;
  for (const auto& choice : choices) {
    if (value.is_string() && value.as_string()->get() == choice.first) {
      out = choice.second;
      return std::nullopt;
    }
    names.push_back(fmt::format("\"{}\"", choice.first));
  }
  return fmt::format("must be one of {}", fmt::join(names, ", "));
}

template <typename Choice, std::size_t n>
std::string show_choice(const std::array<std::pair<std::string_view, Choice>, n>& choices, Choice chosen) {
  for (const auto& choice : choices) {
    if (choice.second == chosen) return std::string(choice.first);
  }
  return {};
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // The bound keeps the product in range whatever the unit.
  if (error != std::errc() || number < 0 || number > 1'000'000'000) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const auto& [unit, length] : kUnits) {
    if (text == unit) return number * length;
  }
  return std::nullopt;
}

std::string show_duration(std::chrono::milliseconds length) {
  const auto fits = [length](const auto& unit) { return length % unit.second == 0ms; };
  const auto unit = std::find_if(kUnits.rbegin(), kUnits.rend(), fits);
  return fmt::format("{}{}", length / unit->second, unit->first);
}

ValueProblem read_duration(const toml::node& value, std::chrono::milliseconds least, std::chrono::milliseconds most,
                           std::chrono::milliseconds& out) {
  const auto* text = value.as_string();
  const auto duration = text == nullptr ? std::nullopt : parse_duration(text->get());
  if (!duration) return R"(must be a time with its unit, as "5s": ms, s, min, h or d)";
  if (*duration < least || *duration > most)
    return fmt::format("must be between {} and {}", show_duration(least), show_duration(most));
  out = *duration;
  return std::nullopt;
}

ValueProblem read_commit_interval(const toml::node& value, Config& config) {
  return read_duration(value, 10ms, 1h, config.core.store.commit_interval);
}

ValueProblem read_scrub_interval(const toml::node& value, Config& config) {
  return read_duration(value, 1s, 24h * 366, config.core.integrity.interval);
}

ValueProblem read_scrub_rate(const toml::node& value, Config& config) {
  constexpr std::int64_t kMostMebibytes = 1 << 20;
  std::uint64_t mebibytes = 0;
  if (auto problem = read_number(value, kMostMebibytes, mebibytes)) return *problem + ", of MiB a second";
  config.core.integrity.rate = mebibytes << 20;
  return std::nullopt;
}

ValueProblem read_backup_interval(const toml::node& value, Config& config) {
  auto& interval = config.core.store.backup_interval;
  const auto* text = value.as_string();
  interval = text == nullptr ? std::nullopt : parse_duration(text->get());
  if (interval && (*interval < 1min || *interval > 365 * 24h)) return "must be between 1min and 365d";
  if (!interval && (text == nullptr || text->get() != kOff))
    return R"(must be "off", or a time with its unit, as "6h": ms, s, min, h or d)";
  return std::nullopt;
}

ValueProblem read_backup_keep(const toml::node& value, Config& config) {
  return read_number(value, kMostBackups, config.core.store.backup_keep);
}

ValueProblem read_exclude(const toml::node& value, Config& config) {
  const auto* list = value.as_array();
  if (list == nullptr) return "must be a list of strings";
  std::vector<std::string> patterns;
  for (const auto& element : *list) {
    std::string pattern;
    if (auto problem = read_string(element, pattern)) return "each pattern " + *problem;
    if (pattern.find('/') != std::string::npos)
      return fmt::format("\"{}\": patterns are for names, which have no '/'", pattern);
    patterns.push_back(std::move(pattern));
  }
  config.core.trash.exclude = std::move(patterns);
  return std::nullopt;
}

ValueProblem read_threads(const toml::node& value, Config& config) {
  return read_number(value, kMaxThreads, config.fuse.threads);
}

ValueProblem read_account(const toml::node& value, MountSettings& mount) {
  std::string name;
  if (auto problem = read_string(value, name)) return problem;
  if (!is_account_name(name)) return "must be 1 to 64 letters, digits, '.', '_' or '-'";
  mount.account = std::move(name);
  return std::nullopt;
}

ValueProblem read_allow_other(const toml::node& value, MountSettings& mount) {
  bool flag = false;
  if (auto problem = read_bool(value, flag)) return problem;
  mount.allow_other = flag;
  return std::nullopt;
}

constexpr std::array kConfigKeys{
    ConfigKey{"store", "path",
              [](const toml::node& value, Config& config) { return read_path(value, config.core.store.path); },
              [](const Config& config) { return config.core.store.path.string(); }},
    ConfigKey{"store", "commit_interval", &read_commit_interval,
              [](const Config& config) { return fmt::format("{}", config.core.store.commit_interval.count()); }},
    ConfigKey{"store", "backup_interval", &read_backup_interval,
              [](const Config& config) {
                const auto& interval = config.core.store.backup_interval;
                return interval ? fmt::format("{}", interval->count()) : std::string(kOff);
              }},
    ConfigKey{"store", "backup_keep", &read_backup_keep,
              [](const Config& config) { return fmt::format("{}", config.core.store.backup_keep); }},
    ConfigKey{"control", "socket",
              [](const toml::node& value, Config& config) { return read_path(value, config.control.socket); },
              [](const Config& config) { return config.control.socket.string(); }},
    ConfigKey{"control", "group",
              [](const toml::node& value, Config& config) { return read_string(value, config.control.group); },
              [](const Config& config) { return config.control.group; }},
    ConfigKey{"control", "everyone",
              [](const toml::node& value, Config& config) { return read_bool(value, config.control.everyone); },
              [](const Config& config) { return fmt::format("{}", config.control.everyone); }},
    ConfigKey{"control", "tcp", nullptr, nullptr},
    ConfigKey{"trash", "keep_replaced",
              [](const toml::node& value, Config& config) { return read_bool(value, config.core.trash.keep_replaced); },
              [](const Config& config) { return fmt::format("{}", config.core.trash.keep_replaced); }},
    ConfigKey{"trash", "exclude", &read_exclude,
              [](const Config& config) { return fmt::format("{}", fmt::join(config.core.trash.exclude, "/")); }},
    ConfigKey{
        "trash", "rm",
        [](const toml::node& value, Config& config) { return read_choice(value, kTrashRm, config.core.trash.rm); },
        [](const Config& config) { return show_choice(kTrashRm, config.core.trash.rm); }},
    ConfigKey{"integrity", "checksums",
              [](const toml::node& value, Config& config) {
                return read_choice(value, kChecksums, config.core.integrity.checksums);
              },
              [](const Config& config) { return show_choice(kChecksums, config.core.integrity.checksums); }},
    ConfigKey{"integrity", "scrub_rate", &read_scrub_rate,
              [](const Config& config) { return fmt::format("{}", config.core.integrity.rate); }},
    ConfigKey{"integrity", "scrub_interval", &read_scrub_interval,
              [](const Config& config) { return fmt::format("{}", config.core.integrity.interval.count()); }},
    ConfigKey{"trash", "max_age", nullptr, nullptr},
    ConfigKey{"trash", "max_bytes", nullptr, nullptr},
    ConfigKey{"trash", "min_free", nullptr, nullptr},
    ConfigKey{"trash", "min_age", nullptr, nullptr},
    ConfigKey{"brake", "items", nullptr, nullptr},
    ConfigKey{"brake", "bytes", nullptr, nullptr},
    ConfigKey{"brake", "window", nullptr, nullptr},
    ConfigKey{"brake", "action", nullptr, nullptr},
    ConfigKey{"log", "level",
              [](const toml::node& value, Config& config) { return read_choice(value, kLogLevels, config.log_level); },
              [](const Config& config) { return show_choice(kLogLevels, config.log_level); }},
    ConfigKey{"fuse", "passthrough",
              [](const toml::node& value, Config& config) {
                return read_choice(value, kPassthrough, config.fuse.passthrough);
              },
              [](const Config& config) { return show_choice(kPassthrough, config.fuse.passthrough); }},
    ConfigKey{
        "fuse", "io_uring",
        [](const toml::node& value, Config& config) { return read_choice(value, kIoUring, config.fuse.io_uring); },
        [](const Config& config) { return show_choice(kIoUring, config.fuse.io_uring); }},
    ConfigKey{"fuse", "threads", &read_threads,
              [](const Config& config) { return fmt::format("{}", config.fuse.threads); }},
};

constexpr std::array kMountKeys{
    MountKey{"account", true, &read_account},
    MountKey{"path", true, [](const toml::node& value, MountSettings& mount) { return read_path(value, mount.path); }},
    MountKey{"allow_other", false, &read_allow_other},
};

}  // namespace

std::span<const ConfigKey> config_key_table() { return kConfigKeys; }
std::span<const MountKey> mount_key_table() { return kMountKeys; }

}  // namespace reprieve
