// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/account_messages.h"

#include <limits>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/field_reader.h"
#include "daemon/control/protocol/lenient_json.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::protocol {
namespace {

using Source = FieldReader::Source;

// All but the last number, which stands for "no change" in system calls (chown(2)).
constexpr std::uint64_t kMostId = std::numeric_limits<std::uint32_t>::max() - 1;

boost::json::value or_null(const std::optional<std::uint64_t>& number) {
  return number ? boost::json::value(*number) : boost::json::value();
}

}  // namespace

Result<AccountAddRequest> AccountAddRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  AccountAddRequest request;
  const auto name = reader.text(field::kName);
  const auto uid = reader.number(field::kUid, 0, kMostId);
  const auto gid = reader.number(field::kGid, 0, kMostId);
  request.quota = reader.number(field::kQuota);
  if (!name) reader.complain(field::kName, "is missing");
  if (!uid) reader.complain(field::kUid, "is missing");
  if (!gid) reader.complain(field::kGid, "is missing");
  REPRIEVE_TRY_VOID(reader.finish());
  request.name = *name;
  request.uid = *uid;
  request.gid = *gid;
  return request;
}

boost::json::object AccountAddRequest::to_json() const {
  boost::json::object body{{field::kName, name}, {field::kUid, uid}, {field::kGid, gid}};
  if (quota) body[field::kQuota] = *quota;
  return body;
}

Result<AccountSetRequest> AccountSetRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  AccountSetRequest request;
  request.uid = reader.number(field::kUid, 0, kMostId);
  request.gid = reader.number(field::kGid, 0, kMostId);
  request.quota = reader.number(field::kQuota);
  if (!request.uid && !request.gid && !request.quota) reader.complain("say what to set: uid, gid or quota");
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object AccountSetRequest::to_json() const {
  boost::json::object body;
  if (uid) body[field::kUid] = *uid;
  if (gid) body[field::kGid] = *gid;
  if (quota) body[field::kQuota] = *quota;
  return body;
}

Result<ShareRequest> ShareRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  ShareRequest request;
  const auto path = reader.bytes(field::kPath);
  const auto with = reader.text(field::kWith);
  request.role = reader.text(field::kRole);
  if (!path) reader.complain(field::kPath, "is missing");
  if (!with) reader.complain(field::kWith, "is missing");
  REPRIEVE_TRY_VOID(reader.finish());
  request.path = *path;
  request.with = *with;
  return request;
}

Result<ShareRequest> ShareRequest::parse_unshare(const boost::json::object& body) {
  if (body.contains(field::kRole)) return fail(Errc::invalid_argument, "field \"role\" is not known here");
  return parse(body);
}

boost::json::object ShareRequest::to_json() const {
  boost::json::object body{{field::kPath, bytes_value(path)}, {field::kWith, with}};
  if (role) body[field::kRole] = *role;
  return body;
}

Result<HistoryRequest> HistoryRequest::parse(const boost::json::object& query) {
  FieldReader reader(query, Source::query);
  HistoryRequest request;
  request.event = reader.text(field::kEvent);
  request.since = reader.text(field::kSince);
  request.limit = reader.number(field::kLimit, 1, kMostLimit).value_or(kDefaultLimit);
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

QueryParameters HistoryRequest::to_query() const {
  QueryParameters query;
  if (event) query.emplace_back(field::kEvent, *event);
  if (since) query.emplace_back(field::kSince, *since);
  query.emplace_back(field::kLimit, std::to_string(limit));
  return query;
}

Result<EventsRequest> EventsRequest::parse(const boost::json::object& query) {
  FieldReader reader(query, Source::query);
  EventsRequest request;
  request.since = reader.number(field::kSince);
  const auto follow = reader.text(field::kFollow);
  if (follow && *follow != word::kTrue && *follow != word::kFalse)
    reader.complain(field::kFollow, "must be true or false");
  REPRIEVE_TRY_VOID(reader.finish());
  request.follow = follow == word::kTrue;
  return request;
}

QueryParameters EventsRequest::to_query() const {
  QueryParameters query;
  if (since) query.emplace_back(field::kSince, std::to_string(*since));
  if (follow) query.emplace_back(field::kFollow, word::kTrue);
  return query;
}

boost::json::object AccountInfo::to_json() const {
  return {
      {field::kName, name},         {field::kUid, uid},   {field::kGid, gid},       {field::kQuota, or_null(quota)},
      {field::kProjects, projects}, {field::kRuns, runs}, {field::kShared, shared}, {field::kTrashItems, trash_items}};
}

AccountInfo AccountInfo::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.name = text_of(object, field::kName),
          .uid = number_of(object, field::kUid).value_or(0),
          .gid = number_of(object, field::kGid).value_or(0),
          .quota = number_of(object, field::kQuota),
          .projects = number_of(object, field::kProjects).value_or(0),
          .runs = number_of(object, field::kRuns).value_or(0),
          .shared = number_of(object, field::kShared).value_or(0),
          .trash_items = number_of(object, field::kTrashItems).value_or(0)};
}

boost::json::object ShareInfo::to_json() const {
  boost::json::object object{
      {field::kOwner, owner}, {field::kWith, with}, {field::kRole, role}, {field::kState, state}, {field::kKind, kind}};
  put_bytes(object, field::kPath, path);
  put_bytes(object, field::kName, name);
  return object;
}

ShareInfo ShareInfo::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.owner = text_of(object, field::kOwner),
          .with = text_of(object, field::kWith),
          .role = text_of(object, field::kRole),
          .state = text_of(object, field::kState),
          .kind = text_of(object, field::kKind),
          .path = get_bytes(object, field::kPath),
          .name = get_bytes(object, field::kName)};
}

boost::json::object EventInfo::to_json() const {
  boost::json::object object{{field::kSeq, seq},         {field::kAt, rfc3339(at)}, {field::kEvent, event},
                             {field::kAccount, account}, {field::kUid, uid},        {field::kPid, pid},
                             {field::kSession, session}};
  object[field::kItem] = item != 0 ? boost::json::value(item) : boost::json::value();
  put_bytes(object, field::kPath, path);
  object[field::kDetail] = lossy_utf8(detail);
  object[field::kUndone] = undone;
  return object;
}

EventInfo EventInfo::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  const auto* undone = object.if_contains(field::kUndone);
  return {.seq = number_of(object, field::kSeq).value_or(0),
          .at = parse_time(text_of(object, field::kAt), Timestamp()).value_or(Timestamp()),
          .event = text_of(object, field::kEvent),
          .account = text_of(object, field::kAccount),
          .uid = number_of(object, field::kUid).value_or(0),
          .pid = number_of(object, field::kPid).value_or(0),
          .session = text_of(object, field::kSession),
          .item = number_of(object, field::kItem).value_or(0),
          .path = get_bytes(object, field::kPath),
          .detail = text_of(object, field::kDetail),
          .undone = undone != nullptr && undone->is_bool() && undone->get_bool()};
}

}  // namespace reprieve::protocol
