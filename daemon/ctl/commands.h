// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "daemon/ctl/client.h"
#include "daemon/ctl/failure.h"
#include "daemon/ctl/options.h"
#include "daemon/ctl/screen.h"

namespace CLI {
class App;
}

namespace reprieve::ctl {

// What a command works with.
struct Session {
  const Options& options;
  Client& client;
  Screen& screen;
};

// Whose trash a command is about where no account is named. Paths name the account themselves.
enum class AccountFrom : std::uint8_t { daemon, working_directory };

struct Command {
  std::string_view name;
  std::string_view aliases;  // separated by commas
  std::string_view summary;
  // Adds the command's own options.
  void (*define)(CLI::App& app, Options& options);
  // Carries it out. A failure is reported by the caller, everything else by the command.
  Outcome<ExitCode> (*run)(Session& session);
  AccountFrom account = AccountFrom::daemon;
};

[[nodiscard]] std::span<const Command> commands();

// Items: trash_commands.cpp.
Outcome<ExitCode> run_list(Session& session);
Outcome<ExitCode> run_show(Session& session);
Outcome<ExitCode> run_trash(Session& session);
Outcome<ExitCode> run_restore(Session& session);
// Items in the tree: item_commands.cpp.
Outcome<ExitCode> run_status(Session& session);
Outcome<ExitCode> run_associate(Session& session);
Outcome<ExitCode> run_dissociate(Session& session);
Outcome<ExitCode> run_add_to(Session& session);
Outcome<ExitCode> run_explain(Session& session);
// What destroys: destroy_commands.cpp.
Outcome<ExitCode> run_empty(Session& session);
Outcome<ExitCode> run_purge(Session& session);
// Accounts, sharing, what happened: account_commands.cpp.
Outcome<ExitCode> run_account(Session& session);
Outcome<ExitCode> run_share(Session& session);
Outcome<ExitCode> run_unshare(Session& session);
Outcome<ExitCode> run_history(Session& session);
Outcome<ExitCode> run_undo(Session& session);
// What happens: watch_command.cpp.
Outcome<ExitCode> run_watch(Session& session);
// The daemon and its store: admin_commands.cpp.
Outcome<ExitCode> run_stats(Session& session);
Outcome<ExitCode> run_mounts(Session& session);
Outcome<ExitCode> run_backup(Session& session);
Outcome<ExitCode> run_backups(Session& session);
Outcome<ExitCode> run_ping(Session& session);
Outcome<ExitCode> run_version(Session& session);
// damaged_command.cpp.
Outcome<ExitCode> run_damaged(Session& session);
// check_command.cpp.
Outcome<ExitCode> run_check(Session& session);

}  // namespace reprieve::ctl
