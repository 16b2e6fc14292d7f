// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/responses.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace field = protocol::field;

enum class Show : std::uint8_t { number, bytes, duration, text };

struct Line {
  std::string_view field;
  std::string_view label;
  Show show;
};

constexpr std::array kStats{
    Line{field::kAccounts, "Accounts", Show::number},
    Line{field::kInodes, "Inodes", Show::number},
    Line{field::kTrashItems, "Items in the trash", Show::number},
    Line{field::kPurgeQueue, "Trees waiting to be given back", Show::number},
    Line{field::kOpenFiles, "Open files", Show::number},
    Line{field::kDiskTotal, "Disk", Show::bytes},
    Line{field::kDiskFree, "Free", Show::bytes},
    Line{field::kMetadataBytes, "Metadata", Show::bytes},
    Line{field::kVersion, "Daemon version", Show::text},
    Line{field::kUptimeSeconds, "Up for", Show::duration},
};

std::string shown(const boost::json::value& value, Show show) {
  if (value.is_string()) return printable(value.get_string());
  if (!value.is_int64() && !value.is_uint64()) return "?";
  boost::system::error_code error;
  const auto number = value.to_number<std::uint64_t>(error);
  switch (show) {
    case Show::bytes: return human_bytes(number);
    case Show::duration: return human_duration(number);
    case Show::number:
    case Show::text: break;
  }
  return std::to_string(number);
}

const boost::json::value& at(const boost::json::value& body, std::string_view name) {
  static const boost::json::value nothing;
  const auto* object = body.if_object();
  const auto* value = object != nullptr ? object->if_contains(name) : nullptr;
  return value != nullptr ? *value : nothing;
}

void add_account(Sheet& sheet, const boost::json::value& account) {
  const auto holdings = [&account](std::string_view name) {
    const auto& both = at(account, name);
    return shown(at(both, field::kOwned), Show::number) + " owned, " + shown(at(both, field::kShared), Show::number) +
           " shared";
  };
  const auto& trash = at(account, field::kTrash);
  const auto& quota = at(account, field::kQuota);
  sheet.add("Account", shown(at(account, field::kName), Show::text));
  sheet.add("Quota", quota.is_null() ? "none" : shown(quota, Show::bytes));
  sheet.add("Used", shown(at(account, field::kUsed), Show::bytes));
  sheet.add("In the trash", shown(at(trash, field::kBytes), Show::bytes) + " in " +
                                shown(at(trash, field::kItems), Show::number) + " items");
  sheet.add("Projects", holdings(field::kProjects));
  sheet.add("Runs", holdings(field::kRuns));
}

// The answer of a resource; printed already where JSON was asked for.
Outcome<Answer> fetch(Session& session, std::string_view resource, const protocol::QueryParameters& query = {}) {
  auto answer = session.client.get(resource, query);
  if (!answer) return answer;
  if (answer->refused()) return give_up(answer->failure());
  if (session.options.json) session.screen.out << answer->text << '\n';
  return answer;
}

}  // namespace

Outcome<ExitCode> run_stats(Session& session) {
  const auto answer = fetch(session, protocol::kStatsResource, account_query(session.options));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  Sheet sheet;
  for (const Line& line : kStats) sheet.add(std::string(line.label), shown(at(answer->body, line.field), line.show));
  const auto& account = at(answer->body, field::kAccount);
  if (account.is_object()) add_account(sheet, account);
  sheet.print(session.screen.out);
  return ExitCode::done;
}

Outcome<ExitCode> run_mounts(Session& session) {
  const auto answer = fetch(session, protocol::kMountsResource, account_query(session.options));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  const auto* items = at(answer->body, field::kItems).if_array();
  if (items == nullptr || items->empty()) {
    session.screen.err << "nothing is mounted\n";
    return ExitCode::done;
  }
  Table table({{"ACCOUNT"}, {"DATA"}, {"OTHERS"}, {"PATH"}});
  for (const auto& item : *items) {
    const auto mount = protocol::Mount::parse(item);
    table.add({printable(mount.account), printable(mount.data_path), mount.allow_other ? "yes" : "no",
               printable(mount.path)});
  }
  table.print(session.screen.out, session.screen.colours_out);
  return ExitCode::done;
}

Outcome<ExitCode> run_ping(Session& session) {
  const auto answer = fetch(session, protocol::kPingResource);
  if (!answer) return give_up(answer.error());
  if (!session.options.json) {
    session.screen.out << "the daemon answers; up for "
                       << shown(at(answer->body, field::kUptimeSeconds), Show::duration) << '\n';
  }
  return ExitCode::done;
}

Outcome<ExitCode> run_version(Session& session) {
  if (!session.options.json) session.screen.out << "reprievectl " REPRIEVE_VERSION "\n";
  const auto answer = fetch(session, protocol::kVersionResource);
  if (!answer) return give_up(answer.error());
  if (!session.options.json) {
    session.screen.out << "reprieved " << shown(at(answer->body, field::kVersion), Show::text) << " (API "
                       << shown(at(answer->body, field::kApi), Show::text) << ")\n";
  }
  return ExitCode::done;
}

}  // namespace reprieve::ctl
