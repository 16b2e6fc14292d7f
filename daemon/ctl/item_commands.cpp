// SPDX-License-Identifier: Apache-2.0
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>
#include <utility>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/item_requests.h"
#include "daemon/control/protocol/lenient_json.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/report.h"
#include "daemon/ctl/request_parts.h"
#include "daemon/ctl/text.h"

// What is asked about items in the tree: status, associations, what a deletion would do.
namespace reprieve::ctl {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

using protocol::object_of;
using protocol::text_of;

std::uint64_t number_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  boost::system::error_code error;
  return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
}

std::string paths_of(const boost::json::object& object, std::string_view name) {
  std::string list;
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return list;
  for (const auto& path : value->get_array()) {
    const auto bytes = protocol::parse_bytes_value(path);
    if (bytes) list += (list.empty() ? "" : ", ") + printable(*bytes);
  }
  return list;
}

// What is printed of an item: its status, and where it comes from.
std::string describe(const boost::json::object& item) {
  const std::string status = text_of(item, field::kStatus);
  const std::string sources = paths_of(item, field::kDerivedFrom);
  const auto* deleted = item.if_contains(field::kFilesDeleted);
  const auto* places = item.if_contains(field::kPlaces);
  std::string line = printable(protocol::get_bytes(item, field::kPath)) + ": " + printable(text_of(item, field::kKind));
  if (!status.empty()) line += ", " + printable(status);
  if (deleted != nullptr && deleted->is_bool() && deleted->get_bool()) line += ", its files deleted";
  if (places != nullptr && places->is_array() && places->get_array().size() > 1) {
    line += ", in " + counted(places->get_array().size(), "project");
  }
  if (!sources.empty()) line += ", derived from " + sources;
  return line;
}

Outcome<ExitCode> show_item_answer(Session& session, const Outcome<Answer>& answer) {
  if (!answer) return give_up(answer.error());
  if (answer->refused()) return give_up(answer->failure());
  if (session.options.json) {
    session.screen.out << answer->text << '\n';
  } else {
    session.screen.out << describe(object_of(answer->body)) << '\n';
  }
  return ExitCode::done;
}

Outcome<ExitCode> change_associations(Session& session, std::string_view resource) {
  auto paths = daemon_paths(session, session.options.paths);
  if (!paths) return give_up(std::move(paths).error());
  if (paths->size() < 2) return give_up(ExitCode::usage, "name an item and what it was made from");
  const protocol::AssociateRequest request{.path = paths->front(), .sources = {paths->begin() + 1, paths->end()}};
  return show_item_answer(session, session.client.post(resource, with_account(request.to_json(), session.options)));
}

std::string fate_of(const boost::json::object& result, const std::optional<std::string>& mode) {
  const std::string action = text_of(result, field::kAction);
  if (action == word::kLeave) return " would leave your account and nobody else's: ";
  if (action == word::kHide) return " would be hidden from your account and from nobody else: ";
  if (mode == word::kFilesMode) return " would stay, and what it holds go to the trash: ";
  return " would go to the trash: ";
}

std::string outlook(const boost::json::object& result, const std::optional<std::string>& mode) {
  const std::string path = printable(protocol::get_bytes(result, field::kPath));
  const auto* error = result.if_contains(field::kError);
  if (error != nullptr) {
    const bool is_running = text_of(object_of(*error), field::kCode) == code_name(Errc::running);
    return path + " would be refused: " + printable(text_of(object_of(*error), field::kMessage)) +
           (is_running ? " (rm -r takes everything else in it before it fails)" : "");
  }
  const std::string group = paths_of(result, field::kGroup);
  return path + fate_of(result, mode) + printable(text_of(result, field::kKind)) + " with " +
         counted(number_of(result, field::kFiles), "file") + ", " +
         counted(number_of(result, field::kFolders), "folder") + ", " + human_bytes(number_of(result, field::kBytes)) +
         (group.empty() ? "" : ", together with " + group);
}

}  // namespace

Outcome<ExitCode> run_status(Session& session) {
  const Options& options = session.options;
  auto paths = daemon_paths(session, {options.path});
  if (!paths) return give_up(std::move(paths).error());
  const protocol::StatusRequest request{.path = paths->front(), .status = options.status};
  if (options.status) {
    return show_item_answer(session,
                            session.client.post(protocol::kStatusResource, with_account(request.to_json(), options)));
  }
  auto query = request.to_query();
  for (auto& parameter : account_query(options)) query.push_back(std::move(parameter));
  return show_item_answer(session, session.client.get(protocol::kStatusResource, query));
}

Outcome<ExitCode> run_associate(Session& session) { return change_associations(session, protocol::kAssociateResource); }

Outcome<ExitCode> run_dissociate(Session& session) {
  return change_associations(session, protocol::kDissociateResource);
}

Outcome<ExitCode> run_add_to(Session& session) {
  auto paths = daemon_paths(session, {session.options.project, session.options.path});
  if (!paths) return give_up(std::move(paths).error());
  const protocol::AddToRequest request{.project = paths->at(0), .path = paths->at(1)};
  return show_item_answer(
      session, session.client.post(protocol::kAddToResource, with_account(request.to_json(), session.options)));
}

Outcome<ExitCode> run_explain(Session& session) {
  auto paths = daemon_paths(session, session.options.paths);
  if (!paths) return give_up(std::move(paths).error());
  const protocol::ExplainRequest request{.paths = *std::move(paths),
                                         .mode = session.options.mode.value_or(std::string())};
  const auto answer = session.client.ask(protocol::kExplainResource, with_account(request.to_json(), session.options));
  if (!answer) return give_up(answer.error());
  if (answer->refused()) return give_up(answer->failure());
  if (session.options.json) session.screen.out << answer->text << '\n';
  std::size_t unknown = 0;
  std::size_t unnamed = 0;  // for want of --account
  std::size_t all = 0;
  for (const auto& each : object_of(answer->body).at(field::kResults).as_array()) {
    const auto& result = object_of(each);
    ++all;
    if (text_of(result, field::kAction).empty()) {
      ++unknown;
      const auto error = protocol::ErrorReport::parse(result.at(field::kError));
      const std::string path = protocol::get_bytes(result, field::kPath);
      if (exit_code_of(error) == ExitCode::usage) ++unnamed;
      session.screen.complain(complaint(path, told(error) + std::string(place_hint(path, error.code))));
    } else if (!session.options.json) {
      session.screen.out << outlook(result, session.options.mode) << '\n';
    }
  }
  if (unknown == 0) return ExitCode::done;
  if (unnamed == all) return ExitCode::usage;
  return unknown == all ? ExitCode::refused_or_failed : ExitCode::partly_failed;
}

}  // namespace reprieve::ctl
