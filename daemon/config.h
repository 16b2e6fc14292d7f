// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/settings.h"

// reprieve.toml(5) as values.
namespace reprieve {

enum class LogLevel : std::uint8_t { error, warning, info, debug };
enum class PassthroughChoice : std::uint8_t { automatic, off, require };
enum class IoUringChoice : std::uint8_t { automatic, off };

// One [[mount]], or one --mount.
struct MountSettings {
  std::string account;
  std::filesystem::path path;
  std::optional<bool> allow_other;  // none: what suits the user that the daemon runs as
  bool from_command_line = false;

  friend bool operator==(const MountSettings&, const MountSettings&) = default;
};

struct ControlSettings {
  std::filesystem::path socket;  // empty: default_socket_path()
  std::string group;             // empty: "reprieve", for a daemon that runs as root and where there is one
  bool everyone = false;         // every user may connect
};

struct FuseSettings {
  PassthroughChoice passthrough = PassthroughChoice::automatic;
  IoUringChoice io_uring = IoUringChoice::automatic;
  unsigned threads = 0;  // of one mount; 0: as many as suit the machine
};

struct Config {
  Settings core;
  ControlSettings control;
  std::vector<MountSettings> mounts;
  LogLevel log_level = LogLevel::info;
  FuseSettings fuse;
};

// Something wrong with a configuration. Lines and columns count from 1.
struct ConfigProblem {
  unsigned line = 0;
  unsigned column = 0;
  std::string text;
};

struct ParsedConfig {
  Config config;                        // complete only without problems
  std::vector<ConfigProblem> problems;  // all of them, in the order of the text
};

[[nodiscard]] ParsedConfig parse_config(std::string_view text);
// Reads a file. Errors: invalid_argument, whose reason has one line a problem ("FILE:LINE:COLUMN: TEXT"); those of the
// file system.
Result<Config> read_config(const std::filesystem::path& path);

// What an account may be called.
[[nodiscard]] bool is_account_name(std::string_view name);

// Every key that a configuration may have: "store.path", "mount.account"…
[[nodiscard]] std::vector<std::string> config_keys();
// The keys in which two configurations differ. A change of log.level takes effect in a running daemon, any other at
// its next start.
[[nodiscard]] std::vector<std::string> changed_keys(const Config& before, const Config& after);

}  // namespace reprieve
