// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "daemon/exit_codes.h"

namespace reprieve {
namespace {

constexpr const char* kDefaultConfig = "/etc/reprieve/reprieve.toml";

std::filesystem::path absolute(const std::string& text) {
  const std::filesystem::path path = std::filesystem::absolute(text).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

std::optional<MountSettings> parse_mount(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals + 1 == text.size()) return std::nullopt;
  const std::string account = text.substr(0, equals);
  if (!is_account_name(account)) return std::nullopt;
  return MountSettings{
      .account = account, .path = absolute(text.substr(equals + 1)), .allow_other = {}, .from_command_line = true};
}

std::string check_mount(const std::string& text) {
  if (parse_mount(text)) return {};
  return fmt::format("\"{}\" is not ACCOUNT=PATH; an account is 1 to 64 letters, digits, '.', '_' or '-'", text);
}

// The raw strings that CLI11 fills.
struct Arguments {
  std::string config;
  std::string store;
  std::vector<std::string> mounts;
  std::string socket;
  bool check_config = false;
  bool check = false;
  bool repair = false;
  bool json = false;
  bool supervise = false;
  std::string restore_metadata;
  bool rebuild_metadata = false;
};

void declare_options(CLI::App& app, Arguments& arguments) {
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("--version", "reprieved " REPRIEVE_VERSION, "Print the version and exit");
  app.add_option("--config", arguments.config,
                 fmt::format("Read this configuration (default: {}, unless --store is given)", kDefaultConfig))
      ->type_name("FILE");
  app.add_option("--store", arguments.store, "Serve the store in this directory; it is made on first use")
      ->type_name("DIR");
  app.add_option("--mount", arguments.mounts, "Mount this account there; may be given more than once")
      ->type_name("ACCOUNT=PATH")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check(CLI::Validator(check_mount, "", "ACCOUNT=PATH"));
  app.add_option("--socket", arguments.socket, "Listen for reprievectl on this socket")->type_name("PATH");
  auto* check_config = app.add_flag("--check-config", arguments.check_config,
                                    "Read the configuration, tell what is wrong with it or missing, and exit");
  auto* restore =
      app.add_option("--restore-metadata", arguments.restore_metadata,
                     "Put this backup in the place of the store's metadata, and exit; no daemon may serve the store")
          ->type_name("FILE")
          ->excludes(check_config);
  auto* check = app.add_flag("--check", arguments.check, "Check the store, which no daemon may hold, and exit");
  app.add_flag("--repair", arguments.repair,
               "With --check: put right what can be; what has no place goes to projects/lost+found-DATE")
      ->needs(check);
  app.add_flag("--json", arguments.json, "With --check: tell the findings as JSON")->needs(check);
  check->excludes(check_config)->excludes(restore);
  app.add_flag(
         "--rebuild-metadata,--rebuild", arguments.rebuild_metadata,
         "Make the store's metadata anew from what lies beside the blobs, and exit; before --check if both are given")
      ->excludes(check_config)
      ->excludes(restore);
  app.add_flag("--supervise", arguments.supervise,
               "Keep a small process that holds the mounts, and starts the serving one again when it dies");
}

CommandLineExit usage_error(const std::string& text) {
  return {.code = to_status(ExitCode::usage),
          .out = {},
          .err = fmt::format("reprieved: {}\nTry 'reprieved --help'.\n", text)};
}

CommandLine resolve(const Arguments& arguments) {
  CommandLine line;
  if (!arguments.config.empty()) line.config = absolute(arguments.config);
  if (!arguments.store.empty()) line.store = absolute(arguments.store);
  if (!arguments.socket.empty()) line.socket = absolute(arguments.socket);
  for (const std::string& mount : arguments.mounts) line.mounts.push_back(*parse_mount(mount));
  line.check_config = arguments.check_config;
  line.check = arguments.check;
  line.repair = arguments.repair;
  line.json = arguments.json;
  line.supervise = arguments.supervise;
  line.rebuild_metadata = arguments.rebuild_metadata;
  if (!arguments.restore_metadata.empty()) line.restore_metadata = absolute(arguments.restore_metadata);
  return line;
}

}  // namespace

std::variant<CommandLine, CommandLineExit> parse_command_line(int argc, const char* const* argv) {
  CLI::App app("The Reprieve file system daemon: serves one store, each mount one account.", "reprieved");
  Arguments arguments;
  declare_options(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    std::ostringstream out;
    app.exit(done, out, out);
    return CommandLineExit{.code = to_status(ExitCode::done), .out = out.str(), .err = {}};
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  return resolve(arguments);
}

std::optional<std::filesystem::path> config_file(const CommandLine& line) {
  if (line.config || line.store || !std::filesystem::exists(kDefaultConfig)) return line.config;
  return kDefaultConfig;
}

Result<Config> load_config(const CommandLine& line) {
  Config config;
  if (const auto file = config_file(line)) {
    REPRIEVE_TRY(config, read_config(*file));
  }
  if (line.store) config.core.store.path = *line.store;
  if (line.socket) config.control.socket = *line.socket;
  for (const MountSettings& mount : line.mounts) {
    if (std::ranges::count(config.mounts, mount.path, &MountSettings::path) != 0)
      return fail(Errc::invalid_argument, fmt::format("{} is to be mounted twice", mount.path.string()));
    config.mounts.push_back(mount);
  }
  if (config.core.store.path.empty())
    return fail(Errc::invalid_argument, "no store: give --store DIR, or store.path in the configuration");
  return config;
}

}  // namespace reprieve
