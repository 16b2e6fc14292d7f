// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/api_items.h"

#include <boost/json/array.hpp>

#include "daemon/control/errors.h"
#include "daemon/control/places.h"
#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/item_requests.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/selection.h"

namespace reprieve::control {
namespace {

namespace field = protocol::field;
namespace word = protocol::word;

boost::json::array to_array(const std::vector<std::string>& paths) {
  boost::json::array array;
  for (const std::string& path : paths) array.push_back(protocol::bytes_value(path));
  return array;
}

// `path` as it was asked for.
boost::json::object to_json(const std::string& path, const ItemDescription& item) {
  boost::json::object object;
  protocol::put_bytes(object, field::kPath, path);
  object[field::kKind] = kind_name(item.kind);
  object[field::kOwner] = item.owner;
  object[field::kRole] = item.role;
  object[field::kStatus] = nullptr;
  if (item.status != ItemStatus::none) object[field::kStatus] = status_name(item.status);
  object[field::kFilesDeleted] = item.files_deleted;
  object[field::kPlaces] = to_array(item.places);
  object[field::kDerivedFrom] = to_array(item.derived_from);
  object[field::kMadeFromIt] = to_array(item.made_from_it);
  return object;
}

// All of one account.
struct Association {
  Place derived;
  std::vector<std::string> sources;
};

// The path below the root of the account.
Result<std::string> path_in(const Call& call, const Account& account, const std::string& path) {
  REPRIEVE_TRY(Place place, place_of(call, path));
  if (place.account.id == account.id) return std::move(place.path);
  return fail(Errc::invalid_argument, path + " lies in the account \"" + place.account.name + "\"");
}

Result<Association> to_association(const Call& call, const protocol::AssociateRequest& request) {
  REPRIEVE_TRY(Place derived, place_of(call, request.path));
  Association association{std::move(derived), {}};
  for (const std::string& path : request.sources) {
    REPRIEVE_TRY(std::string source, path_in(call, association.derived.account, path));
    association.sources.push_back(std::move(source));
  }
  return association;
}

boost::json::object explain_path(const Call& call, const std::string& path, TrashMode mode) {
  boost::json::object object;
  const auto refuse = [&](const Error& error) {
    protocol::ErrorReport told = report(error);
    told.path = path;
    object[field::kError] = told.to_json();
  };
  const auto place = place_of(call, path);
  const auto found = place ? call.services.files.items().explain(place->account, place->path, mode)
                           : Result<Explanation>(fail(place.error()));
  if (!found) {
    protocol::put_bytes(object, field::kPath, path);
    object[field::kAction] = nullptr;
    refuse(found.error());
    return object;
  }
  object = to_json(path, found->item);
  object[field::kAction] = found->refusal ? word::kRefuse : event_name(event_of(found->fate));
  object[field::kGroup] = to_array(found->group);
  object[field::kFiles] = found->figures.files;
  object[field::kFolders] = found->figures.folders;
  object[field::kBytes] = found->figures.bytes;
  object[field::kExclusiveBytes] = found->figures.exclusive_bytes;
  if (found->refusal) refuse(*found->refusal);
  return object;
}

}  // namespace

Result<Response> show_status(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::StatusRequest::parse_query(call.query));
  REPRIEVE_TRY(const Place place, place_of(call, request.path));
  REPRIEVE_TRY(const ItemDescription item, call.services.files.items().describe(place.account, place.path));
  return Response{.body = to_json(request.path, item)};
}

Result<Response> set_status(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::StatusRequest::parse_body(call.body));
  REPRIEVE_TRY(const Place place, place_of(call, request.path));
  REPRIEVE_TRY(const ItemStatus status, parse_status(*request.status));
  REPRIEVE_TRY(const ItemDescription item,
               call.services.files.items().set_status(place.account, place.path, status, call.caller()));
  return Response{.body = to_json(request.path, item)};
}

Result<Response> associate(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::AssociateRequest::parse(call.body));
  REPRIEVE_TRY(const Association to, to_association(call, request));
  const auto& [account, path] = to.derived;
  REPRIEVE_TRY(const ItemDescription item,
               call.services.files.items().associate(account, path, to.sources, call.caller()));
  return Response{.body = to_json(request.path, item)};
}

Result<Response> dissociate(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::AssociateRequest::parse(call.body));
  REPRIEVE_TRY(const Association to, to_association(call, request));
  const auto& [account, path] = to.derived;
  REPRIEVE_TRY(const ItemDescription item,
               call.services.files.items().dissociate(account, path, to.sources, call.caller()));
  return Response{.body = to_json(request.path, item)};
}

Result<Response> add_to(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::AddToRequest::parse(call.body));
  REPRIEVE_TRY(const Place sample, place_of(call, request.path));
  REPRIEVE_TRY(const std::string project, path_in(call, sample.account, request.project));
  REPRIEVE_TRY(const ItemDescription item,
               call.services.files.items().add_to(sample.account, project, sample.path, call.caller()));
  return Response{.body = to_json(request.path, item)};
}

Result<Response> explain(const Call& call) {
  REPRIEVE_TRY(const auto request, protocol::ExplainRequest::parse(call.body));
  REPRIEVE_TRY(const TrashMode mode, to_mode(request.mode));
  boost::json::array results;
  for (const std::string& path : request.paths) results.push_back(explain_path(call, path, mode));
  boost::json::object body;
  body[field::kResults] = std::move(results);
  return Response{.body = std::move(body)};
}

}  // namespace reprieve::control
