// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>

#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <ostream>
#include <utility>

#include "daemon/control/protocol/account_messages.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

template <typename Info>
std::vector<Info> infos_of(const boost::json::value& body, std::string_view list) {
  std::vector<Info> infos;
  const auto* object = body.if_object();
  const auto* items = object != nullptr ? object->if_contains(list) : nullptr;
  if (items == nullptr || !items->is_array()) return infos;
  for (const auto& item : items->get_array()) infos.push_back(Info::parse(item));
  return infos;
}

std::string quota_of(const protocol::AccountInfo& account) {
  return account.quota ? human_bytes(*account.quota) : "none";
}

// The Unix user of that name.
std::optional<std::pair<std::uint64_t, std::uint64_t>> ids_of_user(const std::string& name) {
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) return std::nullopt;
  return std::pair<std::uint64_t, std::uint64_t>(user->pw_uid, user->pw_gid);
}

Outcome<ExitCode> add(Session& session) {
  const Options& options = session.options;
  protocol::AccountAddRequest request{.name = options.name, .uid = 0, .gid = 0, .quota = options.quota};
  const auto user = ids_of_user(options.name);
  if (!options.uid && !user) {
    return give_up(ExitCode::usage, "there is no Unix user \"" + options.name + "\": give --uid and --gid");
  }
  request.uid = options.uid ? *options.uid : user->first;
  if (!options.gid && options.uid && !(user && user->first == *options.uid)) {
    return give_up(ExitCode::usage, "give --gid with --uid");
  }
  request.gid = options.gid ? *options.gid : user->second;
  const auto answer = accepted(session, session.client.post(protocol::kAccountsResource, request.to_json()));
  if (!answer) return give_up(answer.error());
  if (!options.json) {
    session.screen.out << "added " << printable(request.name) << ", uid " << request.uid << ", gid " << request.gid
                       << '\n';
  }
  return ExitCode::done;
}

Outcome<ExitCode> list(Session& session) {
  const auto answer =
      accepted(session, session.client.get(protocol::kAccountsResource, account_query(session.options)));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  Table table({{"ACCOUNT"},
               {"UID", Align::right},
               {"GID", Align::right},
               {"PROJECTS", Align::right},
               {"RUNS", Align::right},
               {"SHARED", Align::right},
               {"TRASH", Align::right},
               {"QUOTA", Align::right}});
  for (const auto& each : infos_of<protocol::AccountInfo>(answer->body, field::kItems)) {
    table.add({printable(each.name), std::to_string(each.uid), std::to_string(each.gid), std::to_string(each.projects),
               std::to_string(each.runs), std::to_string(each.shared), std::to_string(each.trash_items),
               quota_of(each)});
  }
  table.print(session.screen.out, session.screen.colours_out);
  return ExitCode::done;
}

void print_shares(const std::vector<protocol::ShareInfo>& shares, Screen& screen) {
  if (shares.empty()) return;
  screen.out << '\n';
  Table table({{"OWNER"}, {"WITH"}, {"ROLE"}, {"STATE"}, {"PATH"}});
  for (const auto& share : shares) {
    table.add({printable(share.owner), printable(share.with), printable(share.role), printable(share.state),
               printable(share.path)});
  }
  table.print(screen.out, screen.colours_out);
}

protocol::QueryParameters query_for(const Options& options) {
  if (options.name.empty()) return account_query(options);
  return {{std::string(field::kAccount), options.name}};
}

Outcome<ExitCode> show(Session& session) {
  const auto answer = accepted(session, session.client.get(protocol::kAccountResource, query_for(session.options)));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  const auto account = protocol::AccountInfo::parse(answer->body);
  Sheet sheet;
  sheet.add("Account", printable(account.name));
  sheet.add("User", std::to_string(account.uid) + ", group " + std::to_string(account.gid));
  sheet.add("Projects", std::to_string(account.projects));
  sheet.add("Runs", std::to_string(account.runs));
  sheet.add("Shared with it", std::to_string(account.shared));
  sheet.add("Items in the trash", std::to_string(account.trash_items));
  sheet.add("Quota", quota_of(account));
  sheet.print(session.screen.out);
  print_shares(infos_of<protocol::ShareInfo>(answer->body, field::kShares), session.screen);
  return ExitCode::done;
}

Outcome<ExitCode> set(Session& session) {
  const Options& options = session.options;
  if (!options.uid && !options.gid && !options.quota) {
    return give_up(ExitCode::usage, "say what to set: --uid N, --gid N or --quota SIZE");
  }
  const protocol::AccountSetRequest request{.uid = options.uid, .gid = options.gid, .quota = options.quota};
  boost::json::object body = request.to_json();
  body[field::kAccount] = options.name;
  const auto answer = accepted(session, session.client.post(protocol::kAccountResource, body));
  if (!answer) return give_up(answer.error());
  if (!options.json) session.screen.out << "set " << printable(options.name) << '\n';
  return ExitCode::done;
}

Outcome<ExitCode> remove(Session& session) {
  const auto answer = accepted(session, session.client.remove(protocol::kAccountResource, query_for(session.options)));
  if (!answer) return give_up(answer.error());
  if (!session.options.json) session.screen.out << "removed " << printable(session.options.name) << '\n';
  return ExitCode::done;
}

struct Action {
  std::string_view name;
  bool takes_name;
  bool needs_name;
  bool takes_settings;
  Outcome<ExitCode> (*run)(Session& session);
};

constexpr std::array kActions{Action{"add", true, true, true, &add}, Action{"list", false, false, false, &list},
                              Action{"show", true, false, false, &show}, Action{"set", true, true, true, &set},
                              Action{"remove", true, true, false, &remove}};

// What was given to an action that takes no such thing; empty: nothing.
std::string superfluous(const Action& action, const Options& options) {
  if (!action.takes_name && !options.name.empty()) return "\"" + options.name + "\"";
  if (action.takes_settings) return {};
  if (options.uid) return "--uid";
  if (options.gid) return "--gid";
  return options.quota ? "--quota" : "";
}

Outcome<protocol::ShareInfo> change_share(Session& session, std::string_view resource,
                                          std::optional<std::string> role) {
  auto paths = daemon_paths(session, {session.options.path});
  if (!paths) return give_up(std::move(paths).error());
  const protocol::ShareRequest request{.path = paths->front(), .with = session.options.name, .role = std::move(role)};
  const auto answer =
      accepted(session, session.client.post(resource, with_account(request.to_json(), session.options)));
  if (!answer) return give_up(answer.error());
  return protocol::ShareInfo::parse(answer->body);
}

}  // namespace

Outcome<ExitCode> run_account(Session& session) {
  for (const Action& action : kActions) {
    if (action.name != session.options.action) continue;
    if (action.needs_name && session.options.name.empty()) {
      return give_up(ExitCode::usage, "say which account: account " + session.options.action + " NAME");
    }
    const std::string rest = superfluous(action, session.options);
    if (!rest.empty()) return give_up(ExitCode::usage, "account " + session.options.action + " does not take " + rest);
    return action.run(session);
  }
  return give_up(ExitCode::usage, "there is no action \"" + session.options.action + "\"");
}

Outcome<ExitCode> run_share(Session& session) {
  const auto share = change_share(session, protocol::kShareResource, session.options.role);
  if (!share) return give_up(share.error());
  if (!session.options.json) {
    session.screen.out << "shared " << printable(share->path) << " with " << printable(share->with) << " as "
                       << printable(share->role) << ", " << printable(share->name) << " there\n";
  }
  return ExitCode::done;
}

Outcome<ExitCode> run_unshare(Session& session) {
  const auto share = change_share(session, protocol::kUnshareResource, std::nullopt);
  if (!share) return give_up(share.error());
  if (!session.options.json) {
    session.screen.out << printable(share->path) << " is no longer shared with " << printable(share->with) << '\n';
  }
  return ExitCode::done;
}

Outcome<ExitCode> run_history(Session& session) {
  const Options& options = session.options;
  const protocol::HistoryRequest request{.event = options.event,
                                         .since = options.filter.since,
                                         .limit = options.limit.value_or(protocol::HistoryRequest::kDefaultLimit)};
  auto query = request.to_query();
  for (auto& parameter : account_query(options)) query.push_back(std::move(parameter));
  const auto answer = accepted(session, session.client.get(protocol::kHistoryResource, query));
  if (!answer) return give_up(answer.error());
  if (options.json) return ExitCode::done;
  Table table({{"SEQ", Align::right}, {"WHEN"}, {"ACCOUNT"}, {"UID", Align::right}, {"EVENT"}, {"WHAT"}});
  const auto now = Timestamp(std::chrono::system_clock::now());
  for (const auto& event : infos_of<protocol::EventInfo>(answer->body, field::kItems)) {
    table.add({std::to_string(event.seq), human_age(event.at, now), printable(event.account), std::to_string(event.uid),
               printable(event.event), told(event)});
  }
  table.print(session.screen.out, session.screen.colours_out);
  return ExitCode::done;
}

Outcome<ExitCode> run_undo(Session& session) {
  const protocol::UndoRequest request{.force = session.options.force};
  const auto answer = session.client.post(protocol::kUndoResource, with_account(request.to_json(), session.options));
  if (!answer) return give_up(answer.error());
  const auto list = results_of(*answer);
  if (!list) return give_up(list.error());
  if (session.options.json) {
    session.screen.out << answer->text << '\n';
    return report_results(session.screen, *list);
  }
  return report_results(session.screen, *list, [](const protocol::ItemResult& result) {
    if (result.effect == word::kTrash) {
      return "trashed " + result.path.value_or("?") + " again, as .trash/" + result.name.value_or("?");
    }
    return "brought back " + result.path.value_or(result.name.value_or("?"));
  });
}

}  // namespace reprieve::ctl
