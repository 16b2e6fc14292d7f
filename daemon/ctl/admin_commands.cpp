// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <iomanip>
#include <ostream>

#include "core/base/time_text.h"
#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/integrity_messages.h"
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

void add_integrity(Sheet& sheet, const boost::json::value& integrity) {
  const auto& compared = at(integrity, field::kCompared);
  const auto number = [&integrity](std::string_view name) { return shown(at(integrity, name), Show::number); };
  sheet.add("Checksums", number(field::kChecksums) + ", of damaged files " + number(field::kDamaged));
  sheet.add("All compared", compared.is_null() ? "not yet" : shown(compared, Show::text));
  sheet.add("Compared", number(field::kFiles) + " files, " + shown(at(integrity, field::kBytes), Show::bytes));
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
  const auto& going = at(account, field::kBeingDestroyed);
  if (going.is_number() && going.to_number<std::uint64_t>() > 0)
    sheet.add("Being destroyed", shown(going, Show::bytes) + " of that");
  sheet.add("In the trash", shown(at(trash, field::kBytes), Show::bytes) + " in " +
                                shown(at(trash, field::kItems), Show::number) + " items");
  sheet.add("Projects", holdings(field::kProjects));
  sheet.add("Runs", holdings(field::kRuns));
}

// The answer of a resource; printed already where JSON was asked for.
Outcome<Answer> fetch(Session& session, std::string_view resource, const protocol::QueryParameters& query = {}) {
  return accepted(session, session.client.get(resource, query));
}

}  // namespace

Outcome<ExitCode> run_stats(Session& session) {
  const auto answer = fetch(session, protocol::kStatsResource, account_query(session.options));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  Sheet sheet;
  for (const Line& line : kStats) sheet.add(std::string(line.label), shown(at(answer->body, line.field), line.show));
  const auto& integrity = at(answer->body, field::kIntegrity);
  if (integrity.is_object()) add_integrity(sheet, integrity);
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

Outcome<ExitCode> run_backup(Session& session) {
  const auto answer = accepted(session, session.client.post(protocol::kBackupResource, {}));
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  const auto* body = answer->body.if_object();
  const auto* seconds = at(answer->body, field::kSeconds).if_double();
  if (body == nullptr || seconds == nullptr) return give_up(ExitCode::refused_or_failed, "the answer is incomplete");
  session.screen.out << printable(protocol::get_bytes(*body, field::kFile)) << ": "
                     << shown(at(answer->body, field::kBytes), Show::bytes) << ", "
                     << shown(at(answer->body, field::kInodes), Show::number) << " inodes, in " << std::fixed
                     << std::setprecision(1) << *seconds << " s\n";
  return ExitCode::done;
}

Outcome<ExitCode> run_backups(Session& session) {
  const auto answer = fetch(session, protocol::kBackupsResource);
  if (!answer) return give_up(answer.error());
  if (session.options.json) return ExitCode::done;
  const auto* items = at(answer->body, field::kItems).if_array();
  if (items == nullptr || items->empty()) {
    session.screen.err << "there is no backup\n";
    return ExitCode::done;
  }
  Table table({{"MADE"}, {"AGE"}, {"SIZE", Align::right}, {"FILE"}});
  const auto now = Timestamp(std::chrono::system_clock::now());
  for (const auto& item : *items) {
    const auto backup = protocol::BackupInfo::parse(item);
    table.add({rfc3339(backup.made), human_age(backup.made, now), human_bytes(backup.bytes), printable(backup.file)});
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
