// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "core/upkeep/checker.h"
#include "core/upkeep/metadata_rebuild.h"
#include "core/upkeep/metadata_restore.h"
#include "daemon/app.h"
#include "daemon/command_line.h"
#include "daemon/control/api_check.h"
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

void tell(std::FILE* out, const reprieve::Reconciliation& outcome) {
  if (outcome.found != 0) fmt::print(out, "without a name, now in {}: {}\n", outcome.folder, outcome.found);
  for (const std::string& path : outcome.gone) fmt::print(out, "without its bytes, and left out: {}\n", path);
}

int restore(const reprieve::Config& config, const std::filesystem::path& file) {
  using namespace reprieve;
  const auto restored = restore_metadata(config.core.store.path, file, KernelClock().now());
  if (!restored) {
    complain(restored.error());
    return to_status(ExitCode::refused_or_failed);
  }
  fmt::print("the metadata of {} is that of {}\n", config.core.store.path.string(), file.string());
  if (!restored->before.empty()) fmt::print("what it was before is {}\n", restored->before.string());
  tell(stdout, restored->reconciliation);
  return to_status(ExitCode::done);
}

// What it has to say goes to `out`.
reprieve::ExitCode rebuild(const std::filesystem::path& store, std::FILE* out) {
  using namespace reprieve;
  const auto rebuilt = rebuild_metadata(store, KernelClock().now());
  if (!rebuilt) {
    complain(rebuilt.error());
    return ExitCode::refused_or_failed;
  }
  fmt::print(out, "the metadata of {} is made from {} records\n", store.string(), rebuilt->inodes);
  for (const std::string& file : rebuilt->unreadable) fmt::print(out, "records that are damaged: {}\n", file);
  tell(out, rebuilt->reconciliation);
  return ExitCode::done;
}

reprieve::ExitCode check(const std::filesystem::path& store, const reprieve::CommandLine& line) {
  using namespace reprieve;
  const auto report = check_closed_store(store, line.repair ? CheckMode::repair : CheckMode::find, KernelClock());
  if (!report) {
    complain(report.error());
    return ExitCode::refused_or_failed;
  }
  fmt::print("{}", line.json ? control::json_of(*report) + "\n" : control::text_of(*report));
  return report->found == report->repaired ? ExitCode::done : ExitCode::refused_or_failed;
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
  if (line.restore_metadata) return restore(*config, *line.restore_metadata);
  if (line.rebuild_metadata) {
    // JSON is for programs, which read all that is printed.
    const ExitCode rebuilt = rebuild(config->core.store.path, line.json ? stderr : stdout);
    if (rebuilt != ExitCode::done || !line.check) return to_status(rebuilt);
  }
  if (line.check) return to_status(check(config->core.store.path, line));
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
