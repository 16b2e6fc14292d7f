// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/report.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <ostream>

#include "core/base/error.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

namespace word = protocol::word;

// Why it failed, as an end of a sentence.
std::string reason_of(const protocol::ItemResult& result) {
  if (!result.error) return {};
  const auto hint = result.id ? std::string_view() : place_hint(result.path.value_or(""), result.error->code);
  return ": " + told(*result.error) + std::string(hint);
}

bool needs_account(const protocol::ItemResult& result) {
  return result.error && result.error->code == code_name(Errc::account_needed);
}

ExitCode exit_code(std::size_t done, std::size_t skipped, std::size_t failed) {
  if (failed == 0) return ExitCode::done;
  return done + skipped == 0 ? ExitCode::refused_or_failed : ExitCode::partly_failed;
}

}  // namespace

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

std::string subject_of(const protocol::ItemResult& result) {
  if (!result.id) return result.path.value_or(result.name.value_or("?"));
  const std::string id = std::to_string(*result.id);
  const bool named = result.name && *result.name != id;
  return named ? id + " (" + *result.name + ")" : id;
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
      screen.complain(subject_of(result) + ": skipped" + reason);
    } else {
      screen.complain(subject_of(result) + reason);
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
