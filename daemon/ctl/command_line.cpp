// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <string>

#include "daemon/ctl/commands.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"

namespace reprieve::ctl {
namespace {

constexpr std::string_view kFooter =
    "\nPaths are absolute, relative inside a mount, or else counted from the account's root.\n"
    "Exit status: 0 done, 1 refused or failed, 2 wrong usage or missing confirmation,\n"
    "3 the daemon cannot be reached, 4 part of a batch failed. More in reprievectl(1).";

// Options that may stand before and behind the command.
void define_common(CLI::App& app, Options& options) {
  const std::string group = "Common options";
  app.set_help_flag("-h,--help", "Show this help")->group(group);
  app.add_option("--socket", options.socket, "The daemon's control socket")->type_name("PATH")->group(group);
  app.add_option("--account", options.account, "The account, where there is more than one")
      ->type_name("NAME")
      ->group(group);
  app.add_flag("--json", options.json, "Print the daemon's answer as JSON")->group(group);
}

void define_aliases(CLI::App& app, std::string_view aliases) {
  while (!aliases.empty()) {
    const std::size_t end = std::min(aliases.find(','), aliases.size());
    app.alias(std::string(aliases.substr(0, end)));
    aliases.remove_prefix(std::min(end + 1, aliases.size()));
  }
}

void define(CLI::App& app, Options& options, std::string& topic) {
  app.name("reprievectl");
  define_common(app, options);
  app.set_version_flag("--version", "reprievectl " REPRIEVE_VERSION)->group("Common options");
  app.get_formatter()->column_width(34);
  app.footer(std::string(kFooter));
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    define_aliases(*sub, command.aliases);
    command.define(*sub, options);
    define_common(*sub, options);
  }
  app.add_subcommand("help", "Show help, of one command if it is named")->add_option("COMMAND", topic)->type_name("");
  app.require_subcommand(0, 1);
}

ExitCode show_help(const CLI::App& app, const std::string& topic, Screen& screen) {
  if (topic.empty()) {
    // Not app.help(), which is that of the command that was given, of this one.
    screen.out << app.get_formatter()->make_help(&app, app.get_name(), CLI::AppFormatMode::Normal);
    return ExitCode::done;
  }
  const auto named = app.get_subcommands([&topic](const CLI::App* sub) { return sub->check_name(topic); });
  if (named.empty()) {
    screen.complain("there is no command \"" + topic + "\"");
    return ExitCode::usage;
  }
  screen.out << named.front()->help(app.get_name());
  return ExitCode::done;
}

ExitCode run_command(const Command& command, Options options, Screen& screen) {
  Client client = Client::for_option(options.socket);
  Session session{.options = options, .client = client, .screen = screen};
  if (!options.account && command.account == AccountFrom::working_directory) {
    // Where this fails the command itself tells why, or finds something wrong before it asks the daemon.
    if (auto here = account_here(session)) options.account = *std::move(here);
  }
  const auto code = command.run(session);
  if (code) return *code;
  if (options.json && !code.error().body.empty()) screen.out << code.error().body << '\n';
  return report(screen, code.error());
}

ExitCode dispatch(const CLI::App& app, const Options& options, const std::string& topic, Screen& screen) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty()) {
    screen.err << app.help();
    return ExitCode::usage;
  }
  const std::string name = chosen.front()->get_name();
  for (const Command& command : commands()) {
    if (command.name == name) return run_command(command, options, screen);
  }
  return show_help(app, topic, screen);
}

// CLI11 says of everything it has no use for only that it was not expected.
std::string complaint_of(const CLI::App& app, const CLI::ParseError& error) {
  const auto rest = app.remaining(true);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr || rest.empty()) return error.what();
  const auto chosen = app.get_subcommands();
  if (rest.front().starts_with('-')) return "there is no option " + rest.front();
  if (chosen.empty()) return "there is no command \"" + rest.front() + "\"";
  return chosen.front()->get_name() + " does not take \"" + rest.front() + "\"";
}

std::string hint_for(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return "Try 'reprievectl " + (chosen.empty() ? std::string() : chosen.front()->get_name() + " ") + "--help'.\n";
}

}  // namespace

ExitCode run(int argc, const char* const* argv, Screen& screen) {
  CLI::App app("Move things to the trash of a Reprieve file system, restore them, empty it.");
  Options options;
  std::string topic;
  define(app, options, topic);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error, screen.out, screen.err);
      return ExitCode::done;
    }
    screen.complain(complaint_of(app, error));
    screen.err << hint_for(app);
    return ExitCode::usage;
  }
  const ExitCode code = dispatch(app, options, topic, screen);
  screen.out.flush();
  if (screen.out) return code;
  screen.complain("standard output cannot be written");
  return ExitCode::refused_or_failed;
}

}  // namespace reprieve::ctl
