// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/commands.h"

#include <CLI/CLI.hpp>
#include <array>
#include <limits>

#include "daemon/ctl/validators.h"

namespace reprieve::ctl {
namespace {

constexpr std::uint64_t kMostUnixId = std::numeric_limits<std::uint32_t>::max() - 1;  // the last means "no change"

void define_nothing(CLI::App& /*app*/, Options& /*options*/) {}

void define_filters(CLI::App& app, protocol::Filter& filter) {
  const std::string group = "Which items";
  app.add_option("--kind", filter.kind, "Of this kind: project, run, sample, analysis, folder, file")
      ->check(one_of({"project", "run", "sample", "analysis", "folder", "file"}))
      ->type_name("KIND")
      ->group(group);
  app.add_option("--name", filter.name, "Whose name in .trash/ matches this glob pattern")
      ->type_name("GLOB")
      ->group(group);
  app.add_option("--origin", filter.origin,
                 "Whose origin, as list shows it, matches; * matches any number of folders too")
      ->type_name("GLOB")
      ->group(group);
  app.add_option("--deleted-by", filter.deleted_by, "Deleted by this account")->type_name("ACCOUNT")->group(group);
  app.add_option("--since", filter.since, "Deleted at or after: RFC 3339, a date, or an age as 30m, 12h, 7d, 2w")
      ->check(time())
      ->type_name("TIME")
      ->group(group);
  app.add_option("--until", filter.until, "Deleted before")->check(time())->type_name("TIME")->group(group);
  app.add_option("--min-bytes", filter.min_bytes, "At least this large: a number, with K, M, G, T for powers of 1024")
      ->transform(size())
      ->type_name("SIZE")
      ->group(group);
  app.add_option("--session", filter.session, "Deleted by one process, as one rm -r")
      ->check(whole_number(1))
      ->type_name("SESSION")
      ->group(group);
}

void define_list(CLI::App& app, Options& options) {
  define_filters(app, options.filter);
  app.add_option("--sort", options.sort, "By date (newest first), size (largest first) or name")
      ->transform(index_of({"date", "size", "name"}))
      ->type_name("date|size|name");
  auto* reverse = app.add_flag("--reverse", options.reverse, "The other way round");
  app.add_flag("--asc", options.ascending, "Oldest, smallest or first name first")->excludes(reverse);
  app.add_flag("-l,--long", options.long_list, "Also show the session: what one process deleted");
  app.add_option("--limit", options.limit, "At most this many items; all unless told")
      ->check(whole_number(1))
      ->type_name("N");
  app.add_option("--offset", options.offset, "Leave out this many items at the start")
      ->check(whole_number(0))
      ->type_name("N");
}

void define_ids(CLI::App& app, Options& options) {
  app.add_option("ID", options.ids, "Items, as list shows them")->check(whole_number(1))->type_name("");
}

void define_show(CLI::App& app, Options& options) {
  define_ids(app, options);
  app.get_option("ID")->required();
}

void define_mode(CLI::App& app, Options& options) {
  app.add_option("--mode", options.mode,
                 "The item alone, which it is unless told; with what was made from it; or its files alone")
      ->check(one_of({"item", "with-associated", "files-only"}))
      ->type_name("item|with-associated|files-only");
}

void define_trash(CLI::App& app, Options& options) {
  app.add_option("PATH", options.paths,
                 "What to trash: absolute, relative to a directory in a mount, or else below the account's root")
      ->required()
      ->type_name("");
  define_mode(app, options);
  app.add_flag("--force", options.force, "Also what is running, or holds something that is");
  app.add_flag("-y,--yes", options.yes, "Do not ask");
}

void define_status(CLI::App& app, Options& options) {
  app.add_option("PATH", options.path, "A run or an analysis")->required()->type_name("");
  app.add_option("STATUS", options.status, "What to set: running, complete, failed or aborted; it is shown without")
      ->check(one_of({"running", "complete", "failed", "aborted"}))
      ->type_name("");
}

void define_associate(CLI::App& app, Options& options) {
  app.add_option("PATH", options.paths, "A sample and the runs that it came from, or an analysis and its samples")
      ->required()
      ->expected(2, 1000)
      ->type_name("");
}

void define_add_to(CLI::App& app, Options& options) {
  app.add_option("PROJECT", options.project, "Where it is to be too")->required()->type_name("");
  app.add_option("SAMPLE", options.path, "A sample of another project")->required()->type_name("");
}

void define_explain(CLI::App& app, Options& options) {
  app.add_option("PATH", options.paths, "What would be deleted")->required()->type_name("");
  define_mode(app, options);
}

void define_restore(CLI::App& app, Options& options) {
  define_ids(app, options);
  app.add_flag("--all", options.all, "Everything in the trash");
  define_filters(app, options.filter);
  app.add_option("--on-collision", options.how.on_collision, "When the name is taken (fail unless told)")
      ->check(one_of({"fail", "rename", "skip", "replace"}))
      ->type_name("fail|rename|skip|replace");
  app.add_flag("--recreate-parents", options.how.recreate_parents, "Make the folders that it came from again");
  app.add_flag("--together", options.how.together, "With each item all that was trashed together with it");
  app.add_option("--to", options.how.to, "Into this folder instead of the original one")->type_name("DIR");
  app.add_flag("-n,--dry-run", options.dry_run, "Only show what would come back, and where");
}

void define_account(CLI::App& app, Options& options) {
  app.add_option("ACTION", options.action, "add, list, show, set or remove")
      ->required()
      ->check(one_of({"add", "list", "show", "set", "remove"}))
      ->type_name("");
  app.add_option("NAME", options.name, "The account; of show the caller's own unless told")->type_name("");
  app.add_option("--uid", options.uid,
                 "Of add and set: the Unix user, by number; that of the account's name unless told")
      ->check(whole_number(0, kMostUnixId))
      ->type_name("N");
  app.add_option("--gid", options.gid, "Of add and set: the Unix group, by number; the user's own unless told")
      ->check(whole_number(0, kMostUnixId))
      ->type_name("N");
  app.add_option("--quota", options.quota, "Of add and set: how much it may hold, with K, M, G, T; 0 for no limit")
      ->transform(size())
      ->type_name("SIZE");
}

void define_unshare(CLI::App& app, Options& options) {
  app.add_option("PATH", options.path, "A project or run")->required()->type_name("");
  app.add_option("ACCOUNT", options.name, "The other account")->required()->type_name("");
}

void define_share(CLI::App& app, Options& options) {
  define_unshare(app, options);
  app.add_option("--role", options.role, "What it may do: viewer (read, unless told) or editor (read and write)")
      ->check(one_of({"viewer", "editor"}))
      ->type_name("viewer|editor");
}

void define_history(CLI::App& app, Options& options) {
  app.add_option("--event", options.event, "Only events of this kind, as trash, restore, leave, hide, share")
      ->check(event())
      ->type_name("KIND");
  app.add_option("--since", options.filter.since, "Only what happened at or after")->check(time())->type_name("TIME");
  app.add_option("--limit", options.limit, "The newest so many; 100 unless told")
      ->check(whole_number(1, 10'000))
      ->type_name("N");
}

void define_undo(CLI::App& app, Options& options) {
  app.add_flag("--force", options.force, "Also where what goes to the trash again is running, or holds what is");
}

void define_watch(CLI::App& app, Options& options) {
  app.add_option("--since", options.since_number, "Begin behind the event of this number; with what comes unless told")
      ->check(whole_number(0))
      ->type_name("SEQ");
}

void define_check(CLI::App& app, Options& options) {
  app.add_flag("--repair", options.repair, "Put right what can be; what has no place goes to projects/lost+found-DATE");
}

void define_destroying(CLI::App& app, Options& options) {
  app.add_flag("-y,--yes", options.yes, "Do not ask");
  app.add_flag("--wait", options.wait, "Return when the space is given back, not as soon as the items are gone");
}

void define_empty(CLI::App& app, Options& options) {
  define_filters(app, options.filter);
  app.add_flag("-n,--dry-run", options.dry_run, "Only show what would go");
  define_destroying(app, options);
}

void define_purge(CLI::App& app, Options& options) {
  define_show(app, options);
  define_destroying(app, options);
}

constexpr std::array kCommands{
    Command{"list", "", "List what is in the trash", &define_list, &run_list, AccountFrom::working_directory},
    Command{"show", "", "Show items with all that is known of them", &define_show, &run_show,
            AccountFrom::working_directory},
    Command{"trash", "rm,move-to-trash", "Move files, folders and whole projects to the trash", &define_trash,
            &run_trash},
    Command{"restore", "", "Put items back where they came from", &define_restore, &run_restore,
            AccountFrom::working_directory},
    Command{"empty", "", "Destroy what is in the trash, after showing it", &define_empty, &run_empty,
            AccountFrom::working_directory},
    Command{"purge", "", "Destroy single items", &define_purge, &run_purge, AccountFrom::working_directory},
    Command{"explain", "", "Tell what deleting would do", &define_explain, &run_explain},
    Command{"status", "", "Show or set how far a run or an analysis is", &define_status, &run_status},
    Command{"associate", "", "Say what a sample or an analysis was made from", &define_associate, &run_associate},
    Command{"dissociate", "", "Take that back", &define_associate, &run_dissociate},
    Command{"add-to", "", "Put a sample into another project too", &define_add_to, &run_add_to},
    Command{"undo", "", "Take back what was deleted, restored or left last", &define_undo, &run_undo,
            AccountFrom::working_directory},
    Command{"history", "", "Tell what happened", &define_history, &run_history},
    Command{"watch", "", "Tell what happens, as it does", &define_watch, &run_watch},
    Command{"share", "", "Share a project or run with another account", &define_share, &run_share},
    Command{"unshare", "", "Share it no longer", &define_unshare, &run_unshare},
    Command{"account", "", "Add, list, show, set or remove accounts", &define_account, &run_account},
    Command{"stats", "", "Show figures of the store", &define_nothing, &run_stats, AccountFrom::working_directory},
    Command{"mounts", "", "List what is mounted where", &define_nothing, &run_mounts},
    Command{"backup", "", "Make a backup of the metadata", &define_nothing, &run_backup},
    Command{"backups", "", "List the backups of the metadata", &define_nothing, &run_backups},
    Command{"damaged", "", "List files whose bytes a disk has changed", &define_nothing, &run_damaged},
    Command{"check", "", "Hold the store against its rules", &define_check, &run_check},
    Command{"ping", "", "Ask whether the daemon answers", &define_nothing, &run_ping},
    Command{"version", "", "Show the versions of this program and of the daemon", &define_nothing, &run_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace reprieve::ctl
