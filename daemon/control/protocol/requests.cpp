// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/requests.h"

#include <boost/json/array.hpp>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::protocol {
namespace {

using Source = FieldReader::Source;

boost::json::array id_array(const std::vector<std::int64_t>& ids) { return boost::json::array(ids.begin(), ids.end()); }

Filter read_nested_filter(FieldReader& reader, const boost::json::object& object) {
  FieldReader nested(object, Source::body, std::string(field::kFilter) + ".");
  Filter filter = Filter::read(nested);
  if (const auto checked = nested.finish(); !checked) reader.complain(checked.error().reason);
  return filter;
}

}  // namespace

Filter Filter::read(FieldReader& reader) {
  Filter filter;
  filter.kind = reader.text(field::kKind);
  filter.name = reader.bytes(field::kName);
  filter.origin = reader.bytes(field::kOrigin);
  filter.deleted_by = reader.text(field::kDeletedBy);
  filter.since = reader.text(field::kSince);
  filter.until = reader.text(field::kUntil);
  filter.min_bytes = reader.number(field::kMinBytes);
  filter.session = reader.number(field::kSession, 1);
  return filter;
}

QueryParameters Filter::to_query() const {
  QueryParameters query;
  const auto add = [&query](std::string_view parameter, const std::optional<std::string>& value) {
    if (value) query.emplace_back(parameter, *value);
  };
  add(field::kKind, kind);
  add(field::kName, name);
  add(field::kOrigin, origin);
  add(field::kDeletedBy, deleted_by);
  add(field::kSince, since);
  add(field::kUntil, until);
  if (min_bytes) query.emplace_back(field::kMinBytes, std::to_string(*min_bytes));
  if (session) query.emplace_back(field::kSession, std::to_string(*session));
  return query;
}

boost::json::object Filter::to_json() const {
  boost::json::object object;
  if (kind) object[field::kKind] = *kind;
  if (name) object[field::kName] = bytes_value(*name);
  if (origin) object[field::kOrigin] = bytes_value(*origin);
  if (deleted_by) object[field::kDeletedBy] = *deleted_by;
  if (since) object[field::kSince] = *since;
  if (until) object[field::kUntil] = *until;
  if (min_bytes) object[field::kMinBytes] = *min_bytes;
  if (session) object[field::kSession] = *session;
  return object;
}

bool Filter::empty() const { return to_query().empty(); }

Result<ListRequest> ListRequest::parse(const boost::json::object& query) {
  FieldReader reader(query, Source::query);
  ListRequest request;
  request.filter = Filter::read(reader);
  request.sort_by = reader.text(field::kSortBy);
  request.sort_dir = reader.text(field::kSortDir);
  request.offset = reader.number(field::kOffset).value_or(0);
  request.limit = reader.number(field::kLimit, 1, kMostLimit).value_or(kDefaultLimit);
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

QueryParameters ListRequest::to_query() const {
  QueryParameters query = filter.to_query();
  if (sort_by) query.emplace_back(field::kSortBy, *sort_by);
  if (sort_dir) query.emplace_back(field::kSortDir, *sort_dir);
  query.emplace_back(field::kOffset, std::to_string(offset));
  query.emplace_back(field::kLimit, std::to_string(limit));
  return query;
}

Result<TrashRequest> TrashRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  TrashRequest request;
  request.mode = reader.text(field::kMode).value_or(std::string(word::kItemMode));
  request.force = reader.flag(field::kForce).value_or(false);
  auto paths = reader.bytes_list(field::kPaths);
  if (!paths) reader.complain(field::kPaths, "is missing");
  REPRIEVE_TRY_VOID(reader.finish());
  request.paths = *std::move(paths);
  return request;
}

boost::json::object TrashRequest::to_json() const {
  boost::json::array list;
  for (const std::string& path : paths) list.push_back(bytes_value(path));
  boost::json::object body{{field::kPaths, std::move(list)}};
  if (!mode.empty()) body[field::kMode] = mode;
  if (force) body[field::kForce] = true;
  return body;
}

RestoreHow RestoreHow::read(FieldReader& reader) {
  RestoreHow how;
  how.on_collision = reader.text(field::kOnCollision);
  how.recreate_parents = reader.flag(field::kRecreateParents).value_or(false);
  how.together = reader.flag(field::kTogether).value_or(false);
  how.dry_run = reader.flag(field::kDryRun).value_or(false);
  how.to = reader.bytes(field::kTo);
  return how;
}

Result<RestoreHow> RestoreHow::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  RestoreHow how = read(reader);
  REPRIEVE_TRY_VOID(reader.finish());
  return how;
}

void RestoreHow::write(boost::json::object& body) const {
  if (on_collision) body[field::kOnCollision] = *on_collision;
  if (recreate_parents) body[field::kRecreateParents] = true;
  if (together) body[field::kTogether] = true;
  if (dry_run) body[field::kDryRun] = true;
  if (to) body[field::kTo] = bytes_value(*to);
}

Result<RestoreRequest> RestoreRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  RestoreRequest request;
  request.ids = reader.id_list(field::kIds).value_or(std::vector<std::int64_t>());
  request.session = reader.number(field::kSession, 1);
  request.all = reader.flag(field::kAll).value_or(false);
  if (const auto* object = reader.object(field::kFilter)) request.filter = read_nested_filter(reader, *object);
  request.how = RestoreHow::read(reader);
  const int chosen =
      (request.ids.empty() ? 0 : 1) + (request.session ? 1 : 0) + (request.all ? 1 : 0) + (request.filter ? 1 : 0);
  if (chosen != 1) {
    reader.complain("give exactly one of \"ids\", \"session\", \"all\":true and \"filter\" to say what to restore");
  }
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object RestoreRequest::to_json() const {
  boost::json::object body;
  if (!ids.empty()) body[field::kIds] = id_array(ids);
  if (session) body[field::kSession] = *session;
  if (all) body[field::kAll] = true;
  if (filter) body[field::kFilter] = filter->to_json();
  how.write(body);
  return body;
}

Result<UndoRequest> UndoRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  const UndoRequest request{.force = reader.flag(field::kForce).value_or(false)};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object UndoRequest::to_json() const {
  boost::json::object body;
  if (force) body[field::kForce] = true;
  return body;
}

Result<EmptyPlanRequest> EmptyPlanRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  EmptyPlanRequest request;
  if (const auto* object = reader.object(field::kFilter)) request.filter = read_nested_filter(reader, *object);
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object EmptyPlanRequest::to_json() const { return {{field::kFilter, filter.to_json()}}; }

Result<EmptyRequest> EmptyRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  auto token = reader.text(field::kToken);
  if (!token) reader.complain(field::kToken, "is missing: POST /v1/empty/plan gives one");
  REPRIEVE_TRY_VOID(reader.finish());
  return EmptyRequest{*std::move(token)};
}

boost::json::object EmptyRequest::to_json() const { return {{field::kToken, token}}; }

Result<PurgeRequest> PurgeRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  auto ids = reader.id_list(field::kIds);
  if (!ids) reader.complain(field::kIds, "is missing");
  REPRIEVE_TRY_VOID(reader.finish());
  return PurgeRequest{*std::move(ids)};
}

boost::json::object PurgeRequest::to_json() const { return {{field::kIds, id_array(ids)}}; }

}  // namespace reprieve::protocol
