// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

ValueProblem read_commit_interval(const toml::node& value, Config& config) {
  const auto* text = value.as_string();
  const auto duration = text == nullptr ? std::nullopt : parse_duration(text->get());
  if (!duration) return R"(must be a time with its unit, as "5s": ms, s, min, h or d)";
  if (*duration < 10ms || *duration > 1h) return "must be between 10ms and 1h";
  config.core.store.commit_interval = *duration;
  return std::nullopt;
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
  const auto* number = value.as_integer();
  if (number == nullptr || number->get() < 1 || number->get() > kMaxThreads)
    return fmt::format("must be a number between 1 and {}", kMaxThreads);
  config.fuse.threads = static_cast<unsigned>(number->get());
  return std::nullopt;
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
    ConfigKey{"store", "backup_interval", nullptr, nullptr},
    ConfigKey{"store", "backup_keep", nullptr, nullptr},
    ConfigKey{"control", "socket",
              [](const toml::node& value, Config& config) { return read_path(value, config.control.socket); },
              [](const Config& config) { return config.control.socket.string(); }},
    ConfigKey{"control", "group",
              [](const toml::node& value, Config& config) { return read_string(value, config.control.group); },
              [](const Config& config) { return config.control.group; }},
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
