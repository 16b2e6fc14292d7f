// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_empty.h"

#include "daemon/control/json.h"
#include "daemon/control/protocol/requests.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

Response purge_response(const PurgeOutcome& outcome) {
  protocol::ResultList list;
  if (outcome.operation) list.operation = outcome.operation.number();
  for (const BatchOutcome& item : outcome.items) list.results.push_back(to_result(item, Subject::item));
  return to_response(list);
}

Result<Response> purge(const Call& call, const std::vector<TrashItemId>& ids) {
  REPRIEVE_TRY(const PurgeOutcome outcome, call.services.files.empty_plans().purge(*call.account, ids, call.caller()));
  return purge_response(outcome);
}

}  // namespace

Result<Response> plan_empty(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::EmptyPlanRequest::parse(call.body));
  REPRIEVE_TRY(const TrashFilter filter, to_filter(request.filter, call.services.clock.now()));
  REPRIEVE_TRY(const EmptyPlan plan, call.services.files.empty_plans().plan(*call.account, filter, call.caller()));
  return Response{.body = to_plan(plan).to_json()};
}

Result<Response> empty_trash(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::EmptyRequest::parse(call.body));
  REPRIEVE_TRY(const PurgeOutcome outcome,
               call.services.files.empty_plans().execute(*call.account, request.token, call.caller()));
  return purge_response(outcome);
}

Result<Response> purge_items(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::PurgeRequest::parse(call.body));
  return purge(call, std::vector<TrashItemId>(request.ids.begin(), request.ids.end()));
}

Result<Response> purge_item(const Call& call) { return purge(call, {TrashItemId(call.id)}); }

Result<Response> show_operation(const Call& call) {
  const OperationId id(call.id);
  REPRIEVE_TRY(const OperationProgress progress, call.services.files.operation(id));
  return Response{.body = to_progress(id, progress).to_json()};
}

}  // namespace reprieve::control
