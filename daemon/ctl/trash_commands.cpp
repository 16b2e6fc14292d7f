// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <limits>
#include <ostream>
#include <set>

#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/time_text.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/confirm.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

protocol::ListRequest to_request(const Options& options) {
  constexpr std::array<std::string_view, 3> kApiNames{"DateDeleted", "TotalSize", "Name"};
  // Names are read from A to Z, dates and sizes from the top.
  bool ascending = options.sort == SortBy::name;
  if (options.reverse) ascending = !ascending;
  if (options.ascending) ascending = true;
  protocol::ListRequest request;
  request.filter = options.filter;
  request.sort_by = kApiNames[static_cast<std::size_t>(options.sort)];
  request.sort_dir = ascending ? "Asc" : "Desc";
  request.offset = options.offset;
  return request;
}

// Items as the daemon sent them, from as many pages as it takes. What comes into the trash in between shifts the
// pages, so that an item may come twice: it is taken once.
Outcome<boost::json::array> fetch_items(Session& session) {
  protocol::ListRequest request = to_request(session.options);
  const std::uint64_t wanted = session.options.limit.value_or(std::numeric_limits<std::uint64_t>::max());
  boost::json::array items;
  std::set<std::int64_t> seen;
  while (items.size() < wanted) {
    request.limit = std::min(protocol::ListRequest::kMostLimit, wanted - items.size());
    auto query = request.to_query();
    for (auto& parameter : account_query(session.options)) query.push_back(std::move(parameter));
    auto answer = session.client.get(protocol::kTrashResource, query);
    if (!answer) return give_up(std::move(answer).error());
    if (answer->refused()) return give_up(answer->failure());
    const auto page = protocol::Page::parse(answer->body);
    if (page.items.empty()) break;
    auto& raw = answer->body.as_object()[field::kItems].as_array();
    for (std::size_t i = 0; i < page.items.size(); ++i) {
      if (seen.insert(page.items[i].id).second) items.push_back(std::move(raw[i]));
    }
    request.offset += page.items.size();
    if (request.offset >= page.total_count) break;
  }
  return items;
}

std::string size_of(const protocol::Item& item) { return item.figures ? human_bytes(item.figures->bytes) : "?"; }
std::string files_of(const protocol::Item& item) { return item.figures ? std::to_string(item.figures->files) : "?"; }

void print_items(const std::vector<protocol::Item>& items, const Options& options, Screen& screen) {
  std::vector<Column> head{{"ID", Align::right},    {"KIND"},    {"SIZE", Align::right},
                           {"FILES", Align::right}, {"DELETED"}, {"BY"}};
  if (options.long_list) head.push_back({"SESSION", Align::right});
  head.insert(head.end(), {{"NAME"}, {"ORIGIN"}});
  Table table(std::move(head));
  const auto now = Timestamp(std::chrono::system_clock::now());
  for (const auto& item : items) {
    std::vector<std::string> row{
        std::to_string(item.id),         printable(item.kind),          size_of(item), files_of(item),
        human_age(item.deleted_at, now), user_name(item.deleted_by_uid)};
    if (options.long_list) row.push_back(printable(item.session));
    row.insert(row.end(), {printable(item.name) + (item.held ? " (held)" : ""), printable(item.origin)});
    table.add(std::move(row));
  }
  table.print(screen.out, screen.colours_out);
}

std::string describe_counts(const protocol::Item& item) {
  std::string text;
  for (const auto& [kind, count] : item.counts) {
    text += (text.empty() ? "" : ", ") + counted(count, printable(kind));
  }
  return text;
}

std::string exact_bytes(std::uint64_t bytes) {
  return human_bytes(bytes) + (bytes < 1024 ? "" : " (" + std::to_string(bytes) + " bytes)");
}

void print_item(const protocol::Item& item, std::ostream& out) {
  const auto now = Timestamp(std::chrono::system_clock::now());
  Sheet sheet;
  sheet.add("ID", std::to_string(item.id));
  sheet.add("Name", printable(item.name));
  sheet.add("Kind", printable(item.kind));
  sheet.add("Origin", printable(item.origin));
  sheet.add("Account", printable(item.account));
  sheet.add("Deleted", rfc3339(item.deleted_at) + " (" + human_age(item.deleted_at, now) + ")");
  sheet.add("Deleted by", user_name(item.deleted_by_uid) + " (uid " + std::to_string(item.deleted_by_uid) +
                              "), account " + printable(item.deleted_by));
  sheet.add("Session", printable(item.session));
  sheet.add("Mode", printable(item.mode));
  if (item.together) sheet.add("Trashed together with", std::to_string(*item.together));
  if (item.figures) {
    sheet.add("Files", std::to_string(item.figures->files));
    sheet.add("Folders", std::to_string(item.figures->folders));
    sheet.add("Size", exact_bytes(item.figures->bytes));
    sheet.add("Freed by a purge", human_bytes(item.figures->exclusive_bytes));
  }
  if (!item.counts.empty()) sheet.add("Holds", describe_counts(item));
  sheet.add("Held", item.held ? "yes" : "no");
  sheet.print(out);
}

std::string_view nothing_listed(const Options& options) {
  if (options.offset > 0) return "no more items";
  return options.filter.empty() ? "nothing in the trash" : "nothing in the trash matches";
}

std::string trash_question(const std::vector<std::string>& paths) {
  if (paths.size() == 1) return "Move " + printable(paths.front()) + " to the trash?";
  std::string question = "Move these " + std::to_string(paths.size()) + " to the trash?";
  for (const std::string& path : paths) question += "\n  " + printable(path);
  return question + "\nAll of them?";
}

// "" where the selection is one that a request can make.
std::string_view selection_flaw(const Options& options) {
  const int chosen = (options.ids.empty() ? 0 : 1) + (options.all ? 1 : 0) + (options.filter.empty() ? 0 : 1);
  if (chosen == 0) return "say what to restore: ids, --session, --all or filters (see 'reprievectl restore --help')";
  if (chosen > 1) return "ids, --all and filters exclude each other";
  return {};
}

Outcome<boost::json::object> restore_body(Session& session) {
  const Options& options = session.options;
  protocol::RestoreRequest request;
  request.ids = options.ids;
  request.all = options.all;
  protocol::Filter rest = options.filter;
  rest.session.reset();
  if (options.filter.session && rest.empty()) {
    request.session = options.filter.session;
  } else if (!options.filter.empty()) {
    request.filter = options.filter;
  }
  request.how = options.how;
  request.how.dry_run = options.dry_run;
  if (request.how.to) {
    auto path = daemon_paths(session, {*request.how.to});
    if (!path) return give_up(std::move(path).error());
    request.how.to = path->front();
  }
  return with_account(request.to_json(), options);
}

}  // namespace

Outcome<ExitCode> run_list(Session& session) {
  auto items = fetch_items(session);
  if (!items) return give_up(std::move(items).error());
  if (session.options.json) {
    session.screen.out << boost::json::serialize(*items) << '\n';
    return ExitCode::done;
  }
  std::vector<protocol::Item> rows;
  for (const auto& item : *items) rows.push_back(protocol::Item::parse(item));
  if (rows.empty()) {
    session.screen.err << nothing_listed(session.options) << '\n';
  } else {
    print_items(rows, session.options, session.screen);
  }
  return ExitCode::done;
}

Outcome<ExitCode> run_show(Session& session) {
  std::size_t failed = 0;
  bool first = true;
  for (const std::int64_t id : session.options.ids) {
    const auto answer = session.client.get(with_id(protocol::kTrashItemResource, id), account_query(session.options));
    if (!answer) return give_up(answer.error());
    if (session.options.json) session.screen.out << answer->text << '\n';
    if (answer->refused()) {
      session.screen.complain(std::to_string(id) + ": " + answer->failure().message);
      ++failed;
    } else if (!session.options.json) {
      if (!first) session.screen.out << '\n';
      first = false;
      print_item(protocol::Item::parse(answer->body), session.screen.out);
    }
  }
  if (failed == 0) return ExitCode::done;
  return failed == session.options.ids.size() ? ExitCode::refused_or_failed : ExitCode::partly_failed;
}

Outcome<ExitCode> run_trash(Session& session) {
  const Options& options = session.options;
  auto paths = daemon_paths(session, options.paths);
  if (!paths) return give_up(std::move(paths).error());
  // Nothing is lost by it, so where nobody can be asked it is done.
  if (!options.yes && session.screen.can_ask && !confirm(session.screen, trash_question(options.paths))) {
    return give_up(ExitCode::usage, "not confirmed: nothing was trashed");
  }
  const protocol::TrashRequest request{
      .paths = *std::move(paths), .mode = options.mode.value_or(std::string()), .force = options.force};
  const auto answer = session.client.post(protocol::kTrashResource, with_account(request.to_json(), options));
  if (!answer) return give_up(answer.error());
  const auto list = results_of(*answer);
  if (!list) return give_up(list.error());
  if (options.json) {
    session.screen.out << answer->text << '\n';
    return report_results(session.screen, *list);
  }
  return report_results(session.screen, *list, [](const protocol::ItemResult& result) {
    if (result.effect == word::kLeave) return "left " + result.path.value_or("?") + ", which stays with its owner";
    if (result.effect == word::kHide) return "hid " + result.path.value_or("?") + ", which stays with its owner";
    if (!result.id) return "trashed " + result.path.value_or("?") + ", which is in the trash of its owner";
    return "trashed " + result.path.value_or("?") + " as item " + std::to_string(result.id.value_or(0)) + ", .trash/" +
           result.name.value_or("?");
  });
}

Outcome<ExitCode> run_restore(Session& session) {
  if (const auto flaw = selection_flaw(session.options); !flaw.empty())
    return give_up(ExitCode::usage, std::string(flaw));
  const auto body = restore_body(session);
  if (!body) return give_up(body.error());
  const auto answer = session.options.dry_run ? session.client.ask(protocol::kRestoreResource, *body)
                                              : session.client.post(protocol::kRestoreResource, *body);
  if (!answer) return give_up(answer.error());
  const auto list = results_of(*answer);
  if (!list) return give_up(list.error());
  if (session.options.json) {
    session.screen.out << answer->text << '\n';
    return report_results(session.screen, *list);
  }
  if (list->results.empty()) session.screen.err << "nothing to restore\n";
  const std::string done = session.options.dry_run ? "would restore " : "restored ";
  return report_results(session.screen, *list, [&done](const protocol::ItemResult& result) {
    return done + subject_of(result) + " to " + result.path.value_or("?");
  });
}

}  // namespace reprieve::ctl
