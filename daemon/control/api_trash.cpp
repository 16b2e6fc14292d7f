// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_trash.h"

#include "daemon/control/json.h"
#include "daemon/control/places.h"
#include "daemon/control/protocol/requests.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

// The path that is `number` in the request.
void trash_path(const Call& call, std::size_t number, const std::string& path, const TrashHow& how,
                protocol::ResultList& list) {
  const auto place = place_of(call, path);
  if (!place) return list.results.push_back(failed_path(path, place.error()));
  Caller caller = call.caller();
  caller.part.number = static_cast<std::uint32_t>(number);
  bool first = true;
  for (const auto& outcome : call.services.files.trash().trash_paths(place->account, {place->path}, caller, how)) {
    protocol::ItemResult result = to_result(outcome, Subject::path);
    // As it was asked for, not as it lies below the account's root; what goes with it was not asked for.
    if (first) result.path = path;
    if (first && result.error) result.error->path = path;
    list.results.push_back(std::move(result));
    first = false;
  }
}

Result<RestoreOptions> to_options(const Call& call, const protocol::RestoreHow& how) {
  RestoreOptions options;
  REPRIEVE_TRY(options.on_collision, to_collision(how.on_collision));
  options.recreate_parents = how.recreate_parents;
  options.together = how.together;
  options.rehearse = how.dry_run;
  if (how.to) {
    REPRIEVE_TRY(Place place, place_of(call, *how.to));
    if (place.account.id != call.account->id) {
      return fail(Errc::invalid_argument, "\"to\" lies in the account \"" + place.account.name + "\"");
    }
    options.to = std::move(place.path);
  }
  return options;
}

Response restore(const Call& call, std::vector<TrashItemId> ids, const RestoreOptions& options) {
  protocol::ResultList list;
  for (const BatchOutcome& outcome :
       call.services.files.trash().restore(*call.account, std::move(ids), options, call.caller())) {
    list.results.push_back(to_result(outcome, Subject::item));
  }
  return to_response(list);
}

Result<std::vector<TrashItemId>> select(const Call& call, const protocol::RestoreRequest& request) {
  if (!request.ids.empty()) return std::vector<TrashItemId>(request.ids.begin(), request.ids.end());
  protocol::Filter filter = request.filter.value_or(protocol::Filter());
  if (request.session) filter.session = request.session;
  REPRIEVE_TRY(const TrashFilter chosen, to_filter(filter, call.services.clock.now()));
  REPRIEVE_TRY(auto ids, call.services.files.trash().select(*call.account, chosen, call.caller()));
  if (request.session && ids.empty()) {
    return fail(Errc::not_found, "nothing in the trash is of session " + std::to_string(*request.session));
  }
  return ids;
}

}  // namespace

Result<Response> list_trash(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::ListRequest::parse(call.query));
  REPRIEVE_TRY(const TrashQuery query, to_query(request, call.services.clock.now()));
  REPRIEVE_TRY(const TrashPage found, call.services.files.trash().list(*call.account, query));
  protocol::Page page{.items = {},
                      .total_count = found.total,
                      .offset = query.offset,
                      .limit = query.limit,
                      .sort_by = std::string(sort_name(query.sort_by)),
                      .sort_dir = std::string(direction_name(query.direction))};
  for (const TrashItem& item : found.items) page.items.push_back(to_item(item));
  return Response{.body = page.to_json()};
}

Result<Response> show_item(const Call& call) {
  REPRIEVE_TRY(const TrashItemDetail detail, call.services.files.trash().show(*call.account, TrashItemId(call.id)));
  return Response{.body = to_item(detail).to_json()};
}

Result<Response> trash_paths(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::TrashRequest::parse(call.body));
  REPRIEVE_TRY(const TrashMode mode, to_mode(request.mode));
  const TrashHow how{.mode = mode, .guard = request.force ? Guard::force : Guard::heed};
  protocol::ResultList list;
  for (std::size_t i = 0; i < request.paths.size(); ++i) trash_path(call, i, request.paths[i], how, list);
  return to_response(list);
}

Result<Response> restore_item(const Call& call) {
  REPRIEVE_TRY(const auto how, protocol::RestoreHow::parse(call.body));
  REPRIEVE_TRY(const RestoreOptions options, to_options(call, how));
  return restore(call, {TrashItemId(call.id)}, options);
}

Result<Response> restore_items(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::RestoreRequest::parse(call.body));
  REPRIEVE_TRY(const RestoreOptions options, to_options(call, request.how));
  REPRIEVE_TRY(auto ids, select(call, request));
  return restore(call, std::move(ids), options);
}

}  // namespace reprieve::control
