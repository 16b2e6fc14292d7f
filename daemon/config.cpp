// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/base/file_descriptor.h"
#include "daemon/config_keys.h"

namespace reprieve {
namespace {

constexpr std::string_view kMountSection = "mount";
constexpr std::size_t kMaxFileSize = std::size_t{1} << 20;

class ConfigReader {
 public:
  explicit ConfigReader(ParsedConfig& out) : out_(out) {}

  void read(const toml::table& root) {
    for (const auto& [key, value] : root) {
      if (key.str() == kMountSection) {
        read_mounts(value);
      } else if (!is_section(key.str())) {
        problem(key.source(), fmt::format("unknown section [{}]", key.str()));
      } else if (const auto* section = value.as_table()) {
        read_section(key.str(), *section);
      } else {
        problem(value.source(), fmt::format("{} must be a section, as [{}]", key.str(), key.str()));
      }
    }
  }

 private:
  static bool is_section(std::string_view name) {
    return std::ranges::any_of(config_key_table(), [&](const ConfigKey& known) { return known.section == name; });
  }

  void read_section(std::string_view section, const toml::table& table) {
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      const auto known = std::ranges::find_if(config_key_table(), [&](const ConfigKey& candidate) {
        return candidate.section == section && candidate.name == name;
      });
      if (known == config_key_table().end()) {
        problem(key.source(), fmt::format("unknown key {}.{}", section, name));
      } else if (known->read == nullptr) {
        problem(key.source(), fmt::format("{}.{} is not supported by this version", section, name));
      } else if (const auto wrong = known->read(value, out_.config)) {
        problem(value.source(), fmt::format("{}.{} {}", section, name, *wrong));
      }
    }
  }

  void read_mounts(const toml::node& value) {
    const auto* list = value.as_array();
    if (list == nullptr || !std::ranges::all_of(*list, [](const toml::node& one) { return one.is_table(); })) {
      problem(value.source(), "mounts are written as [[mount]], once for each");
      return;
    }
    for (const auto& one : *list) read_mount(*one.as_table());
  }

  void read_mount(const toml::table& table) {
    MountSettings mount;
    for (const auto& [key, value] : table) {
      const std::string_view name = key.str();
      const auto known = std::ranges::find(mount_key_table(), name, &MountKey::name);
      if (known == mount_key_table().end()) {
        problem(key.source(), fmt::format("unknown key mount.{}", name));
      } else if (const auto wrong = known->read(value, mount)) {
        problem(value.source(), fmt::format("mount.{} {}", name, *wrong));
      }
    }
    for (const MountKey& known : mount_key_table()) {
      if (known.required && !table.contains(known.name))
        problem(table.source(), fmt::format("[[mount]] needs {}", known.name));
    }
    if (!mount.path.empty() && std::ranges::count(out_.config.mounts, mount.path, &MountSettings::path) != 0)
      problem(table.source(), fmt::format("{} is the path of another [[mount]]", mount.path.string()));
    out_.config.mounts.push_back(std::move(mount));
  }

  void problem(const toml::source_region& where, std::string text) {
    out_.problems.push_back({where.begin.line, where.begin.column, std::move(text)});
  }

  ParsedConfig& out_;
};

std::string show_mounts(const Config& config) {
  std::vector<std::string> lines;
  for (const MountSettings& mount : config.mounts) {
    if (mount.from_command_line) continue;
    const std::string_view others = !mount.allow_other ? "default" : *mount.allow_other ? "true" : "false";
    lines.push_back(fmt::format("{}={}={}", mount.account, mount.path.string(), others));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

Result<std::string> read_file(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail(from_errno(errno, path.string()));
  std::string text;
  std::array<char, 16384> block{};
  for (;;) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0) return fail(from_errno(errno, path.string()));
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxFileSize) return fail(Errc::too_large, path.string() + " is too large for a configuration");
  }
}

}  // namespace

bool is_account_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, allowed);
}

ParsedConfig parse_config(std::string_view text) {
  ParsedConfig parsed;
  try {
    const toml::table root = toml::parse(text);
    ConfigReader(parsed).read(root);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    parsed.problems.push_back({where.line, where.column, std::string(error.description())});
  }
  std::ranges::stable_sort(parsed.problems, [](const ConfigProblem& a, const ConfigProblem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  return parsed;
}

Result<Config> read_config(const std::filesystem::path& path) {
  REPRIEVE_TRY(const std::string text, read_file(path));
  ParsedConfig parsed = parse_config(text);
  if (parsed.problems.empty()) return std::move(parsed.config);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : parsed.problems)
    lines.push_back(fmt::format("{}:{}:{}: {}", path.string(), problem.line, problem.column, problem.text));
  return fail(Errc::invalid_argument, fmt::format("{}", fmt::join(lines, "\n")));
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  for (const ConfigKey& key : config_key_table()) {
    if (key.read != nullptr) keys.push_back(fmt::format("{}.{}", key.section, key.name));
  }
  for (const MountKey& key : mount_key_table()) keys.push_back(fmt::format("{}.{}", kMountSection, key.name));
  return keys;
}

std::vector<std::string> changed_keys(const Config& before, const Config& after) {
  std::vector<std::string> keys;
  for (const ConfigKey& key : config_key_table()) {
    if (key.show != nullptr && key.show(before) != key.show(after))
      keys.push_back(fmt::format("{}.{}", key.section, key.name));
  }
  if (show_mounts(before) != show_mounts(after)) keys.emplace_back(kMountSection);
  return keys;
}

}  // namespace reprieve
