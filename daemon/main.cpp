// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "daemon/app.h"
#include "daemon/command_line.h"
#include "daemon/exit_codes.h"
#include "daemon/inheritance.h"
#include "daemon/logging.h"
#include "daemon/supervisor.h"

namespace {

// Before there is a log.
void complain(const reprieve::Error& error) {
  std::istringstream lines{std::string(reason_of(error))};
  for (std::string line; std::getline(lines, line);) fmt::print(stderr, "reprieved: {}\n", line);
}

int run(int argc, const char* const* argv) {
  using namespace reprieve;
  service::tidy_descriptors();
  auto parsed = parse_command_line(argc, argv);
  if (const auto* exit = std::get_if<CommandLineExit>(&parsed)) {
    fmt::print(stdout, "{}", exit->out);
    fmt::print(stderr, "{}", exit->err);
    return exit->code;
  }
  auto line = std::get<CommandLine>(std::move(parsed));
  auto config = load_config(line);
  if (!config) {
    complain(config.error());
    return to_status(ExitCode::usage);
  }
  if (line.check_config) {
    if (const auto checked = check_surroundings(*config); !checked) {
      complain(checked.error());
      return to_status(ExitCode::usage);
    }
    fmt::print("the configuration is valid\n");
    return to_status(ExitCode::done);
  }
  start_logging(config->log_level);
  if (line.supervise) {
    std::vector<std::string> arguments(argv, argv + argc);
    std::erase(arguments, "--supervise");
    // By its path, where a newer version will lie after an upgrade.
    return to_status(Supervisor(std::filesystem::read_symlink("/proc/self/exe"), std::move(arguments)).run());
  }
  return to_status(App(std::move(line), std::move(*config)).run());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "reprieved: {}\n", error.what());
    return reprieve::to_status(reprieve::ExitCode::refused_or_failed);
  }
}
