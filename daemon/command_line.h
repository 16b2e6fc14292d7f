// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/config.h"

namespace reprieve {

// What reprieved(8) was started with. Paths are absolute.
struct CommandLine {
  std::optional<std::filesystem::path> config;
  std::optional<std::filesystem::path> store;
  std::vector<MountSettings> mounts;
  std::optional<std::filesystem::path> socket;
  bool check_config = false;
  bool check = false;
  bool repair = false;
  bool json = false;
  bool supervise = false;
  std::optional<std::filesystem::path> restore_metadata;  // the file to take it from
  bool rebuild_metadata = false;
};

// The program ends here: --help, --version, or a wrong command line.
struct CommandLineExit {
  int code = 0;
  std::string out;
  std::string err;
};

[[nodiscard]] std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, const char* const* argv);

// The file that load_config() reads, if it reads one.
[[nodiscard]] std::optional<std::filesystem::path> config_file(const CommandLine& line);

// The configuration that `line` asks for: its file, or the one in /etc where neither file nor store is named, with the
// command line's own settings on top. Errors: as read_config(); invalid_argument where there is no store.
Result<Config> load_config(const CommandLine& line);

}  // namespace reprieve
