// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_check.h"

#include <boost/json/serialize.hpp>

#include "daemon/control/protocol/check_messages.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::control {
namespace {

template <typename IdType>
std::optional<std::uint64_t> number(IdType id) {
  return id ? std::optional(static_cast<std::uint64_t>(id.number())) : std::nullopt;
}

double seconds(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

protocol::CheckResult to_result(const CheckReport& report) {
  protocol::CheckResult result{.findings = {},
                               .found = report.found,
                               .repaired = report.repaired,
                               .inodes = report.inodes,
                               .entries = report.entries,
                               .trash_items = report.trash_items,
                               .blobs = report.blobs,
                               .seconds = seconds(report.took),
                               .longest_pause = seconds(report.longest_pause)};
  for (const Finding& finding : report.findings) {
    const RowSubject& subject = finding.subject;
    result.findings.push_back({.rule = finding.rule,
                               .message = finding.message,
                               .inode = number(subject.inode),
                               .parent = number(subject.parent),
                               .entry = number(subject.entry),
                               .item = number(subject.item),
                               .account = finding.account,
                               .path = finding.path,
                               .repaired = finding.repaired});
  }
  return result;
}

}  // namespace

Result<Response> check_store(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::CheckRequest::parse(call.body));
  const CheckMode mode = request.repair ? CheckMode::repair : CheckMode::find;
  REPRIEVE_TRY(const CheckReport report, call.services.files.check(mode, call.caller()));
  return Response{.body = to_result(report).to_json()};
}

Result<Response> show_check(const Call& call) {
  const CheckProgress progress = call.services.files.check_progress();
  const protocol::CheckState state{
      .state = std::string(progress.running ? protocol::word::kRunning : protocol::word::kIdle),
      .done = progress.done,
      .total = progress.total};
  return Response{.body = state.to_json()};
}

std::string text_of(const CheckReport& report) { return to_result(report).text(); }

std::string json_of(const CheckReport& report) { return boost::json::serialize(to_result(report).to_json()); }

}  // namespace reprieve::control
