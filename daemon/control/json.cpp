// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/json.h"

#include <algorithm>

#include "daemon/control/errors.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

protocol::Figures to_figures(const TreeFigures& figures) {
  return {.files = figures.files,
          .folders = figures.folders,
          .bytes = figures.bytes,
          .exclusive_bytes = figures.exclusive_bytes};
}

std::string_view state_name(BatchState state) {
  switch (state) {
    case BatchState::done: return word::kDone;
    case BatchState::skipped: return word::kSkipped;
    case BatchState::failed: return word::kFailed;
  }
  return word::kFailed;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

std::vector<protocol::Item> to_items(const std::vector<TrashItem>& items) {
  std::vector<protocol::Item> result;
  result.reserve(items.size());
  for (const TrashItem& item : items) result.push_back(to_item(item));
  return result;
}

}  // namespace

protocol::Item to_item(const TrashItem& item) {
  protocol::Item result;
  result.id = item.id.number();
  result.name = item.name;
  result.kind = kind_name(item.kind);
  result.origin = item.origin;
  result.account = item.account;
  result.deleted_by = item.deleted_by;
  result.deleted_by_uid = item.deleted_by_uid;
  result.deleted_at = item.deleted_at;
  if (item.figures) result.figures = to_figures(*item.figures);
  result.session = std::to_string(item.session.number());
  result.held = item.held;
  result.mode = mode_name(item.mode);
  if (item.together) result.together = item.together.number();
  return result;
}

protocol::Item to_item(const TrashItemDetail& detail) {
  protocol::Item result = to_item(detail.item);
  // The skeleton folders of a project are folders to users: two kinds may have one name.
  for (const auto& [kind, count] : detail.counts) result.counts[std::string(kind_name(kind))] += count;
  return result;
}

protocol::Plan to_plan(const EmptyPlan& plan) {
  return {.token = plan.token,
          .expires = plan.expires,
          .items = to_items(plan.items),
          .total = to_figures(plan.total),
          .kept = to_items(plan.kept)};
}

protocol::EventInfo to_info(const HistoryEvent& event) {
  return {.seq = static_cast<std::uint64_t>(event.seq.number()),
          .at = event.at,
          .event = std::string(event_name(event.kind)),
          .account = event.account,
          .uid = event.uid,
          .pid = static_cast<std::uint64_t>(std::max<pid_t>(event.process, 0)),
          .session = event.session ? std::to_string(event.session.number()) : std::string(),
          .item = static_cast<std::uint64_t>(event.item.number()),
          .path = event.path,
          .detail = event.detail,
          .undone = event.undone};
}

protocol::Progress to_progress(OperationId id, const OperationProgress& progress) {
  const double rate = progress.seconds > 0 ? static_cast<double>(progress.bytes_done) / progress.seconds : 0;
  return {.id = id.number(),
          .state = std::string(progress.state == OperationState::done ? word::kDone : word::kRunning),
          .done = progress.inodes_done,
          .total = progress.inodes_total,
          .bytes = progress.bytes_done,
          .bytes_total = progress.bytes_total,
          .rate = static_cast<std::uint64_t>(rate),
          .seconds = progress.seconds,
          .held_up = progress.held_up};
}

protocol::ItemResult to_result(const BatchOutcome& outcome, Subject subject) {
  protocol::ItemResult result;
  if (outcome.id) result.id = outcome.id.number();
  result.state = state_name(outcome.state);
  result.name = unless_empty(subject == Subject::item ? outcome.subject : outcome.path);
  result.path = unless_empty(subject == Subject::item ? outcome.path : outcome.subject);
  if (outcome.effect) result.effect = std::string(event_name(*outcome.effect));
  if (!outcome.code.empty()) {
    result.error = protocol::ErrorReport{.code = outcome.code,
                                         .errno_symbol = outcome.errno_symbol,
                                         .message = outcome.reason,
                                         .path = result.path ? result.path : result.name};
  }
  return result;
}

protocol::ItemResult failed_path(const std::string& path, const Error& error) {
  protocol::ItemResult result{.id = {}, .name = {}, .state = std::string(word::kFailed), .path = path, .error = {}};
  result.error = report(error);
  result.error->path = path;
  return result;
}

Response to_response(const protocol::ResultList& list) {
  const auto done = [](const protocol::ItemResult& result) { return result.state == word::kDone; };
  Response response;
  boost::json::object body = list.to_json();
  if (!std::all_of(list.results.begin(), list.results.end(), done)) response.status = 207;
  if (list.results.size() == 1 && list.results.front().state == word::kFailed && list.results.front().error) {
    const protocol::ErrorReport& error = *list.results.front().error;
    response.status = http_status(code_named(error.code));
    body[field::kError] = error.to_json();
  }
  response.body = std::move(body);
  return response;
}

}  // namespace reprieve::control
