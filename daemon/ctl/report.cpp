// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/report.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <ostream>

#include "core/base/error.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace word = protocol::word;

// Why it failed.
std::string reason_of(const protocol::ItemResult& result) {
  if (!result.error) return {};
  const auto hint = result.id ? std::string_view() : place_hint(result.path.value_or(""), result.error->code);
  return told(*result.error) + std::string(hint);
}

bool needs_account(const protocol::ItemResult& result) {
  return result.error && result.error->code == code_name(Errc::account_needed);
}

ExitCode exit_code(std::size_t done, std::size_t skipped, std::size_t failed) {
  if (failed == 0) return ExitCode::done;
  return done + skipped == 0 ? ExitCode::refused_or_failed : ExitCode::partly_failed;
}

}  // namespace

Outcome<Answer> accepted(Session& session, Outcome<Answer> answer) {
  if (!answer) return answer;
  if (answer->refused()) return give_up(answer->failure());
  if (session.options.json) session.screen.out << answer->text << '\n';
  return answer;
}

ExitCode report(Screen& screen, const Failure& failure) {
  screen.complain(failure.message);
  return failure.code;
}

std::string told(const protocol::ErrorReport& error) {
  return error.code == code_name(Errc::account_needed) ? error.message + " (--account NAME)" : error.message;
}

ExitCode exit_code_of(const protocol::ErrorReport& error) {
  return error.code == code_name(Errc::account_needed) ? ExitCode::usage : ExitCode::refused_or_failed;
}

std::string_view place_hint(std::string_view path, std::string_view code) {
  const bool looked_for = code == code_name(Errc::not_found) && !path.empty() && path.front() != '/';
  return looked_for ? " (outside a mount, paths count from the account's root)" : "";
}

std::string complaint(std::string_view subject, std::string_view reason) {
  // The daemon knows a path below the account's root, which the one that was given may end with.
  for (std::size_t from = 0; from < subject.size();) {
    const std::string_view end = subject.substr(from);
    if (reason.starts_with(end) && reason.substr(end.size()).starts_with(' '))
      return std::string(subject.substr(0, from)).append(reason);
    const std::size_t slash = subject.find('/', from);
    if (slash == std::string_view::npos) break;
    from = slash + 1;
  }
  return std::string(subject).append(reason.empty() ? "" : ": ").append(reason);
}

std::string subject_of(const protocol::ItemResult& result) {
  if (!result.id) return result.path.value_or(result.name.value_or("?"));
  const std::string id = std::to_string(*result.id);
  const bool named = result.name && *result.name != id;
  return named ? id + " (" + *result.name + ")" : id;
}

std::string told(const protocol::EventInfo& event) {
  std::string text = printable(event.path);
  if (!event.detail.empty()) text += (text.empty() ? "" : " (") + printable(event.detail) + (text.empty() ? "" : ")");
  if (event.item != 0) text += " item " + std::to_string(event.item);
  return event.undone ? text + " (undone)" : text;
}

ExitCode report_results(Screen& screen, const protocol::ResultList& list) { return report_results(screen, list, {}); }

ExitCode report_results(Screen& screen, const protocol::ResultList& list,
                        const std::function<std::string(const protocol::ItemResult&)>& done_line) {
  std::size_t done = 0;
  std::size_t skipped = 0;
  for (const auto& result : list.results) {
    if (result.state == word::kDone) {
      ++done;
      if (done_line) screen.out << printable(done_line(result)) << '\n';
      continue;
    }
    const std::string reason = reason_of(result);
    if (result.state == word::kSkipped) {
      ++skipped;
      screen.complain(subject_of(result) + ": skipped" + (reason.empty() ? "" : ": ") + reason);
    } else {
      screen.complain(complaint(subject_of(result), reason));
    }
  }
  if (!list.results.empty() && std::all_of(list.results.begin(), list.results.end(), needs_account))
    return ExitCode::usage;
  return exit_code(done, skipped, list.results.size() - done - skipped);
}

Outcome<protocol::ResultList> results_of(const Answer& answer) {
  const auto* body = answer.body.if_object();
  const bool has_results = body != nullptr && body->contains(protocol::field::kResults);
  if (answer.refused() && !has_results) return give_up(answer.failure());
  return protocol::ResultList::parse(answer.body);
}

}  // namespace reprieve::ctl
