// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/integrity_messages.h"

#include <boost/json/array.hpp>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/lenient_json.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::protocol {

Result<DamagedRequest> DamagedRequest::parse(const boost::json::object& query) {
  FieldReader reader(query, FieldReader::Source::query);
  DamagedRequest request;
  request.after = reader.number(field::kAfter).value_or(0);
  request.limit = reader.number(field::kLimit, 1, kMostLimit).value_or(kMostLimit);
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

QueryParameters DamagedRequest::to_query() const {
  return {{std::string(field::kAfter), std::to_string(after)}, {std::string(field::kLimit), std::to_string(limit)}};
}

boost::json::object DamagedInfo::to_json() const {
  boost::json::object object{{field::kInode, inode}, {field::kAccount, account}};
  put_bytes(object, field::kPath, path);
  object[field::kCompared] = rfc3339(compared);
  return object;
}

DamagedInfo DamagedInfo::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.inode = number_of(object, field::kInode).value_or(0),
          .account = text_of(object, field::kAccount),
          .path = get_bytes(object, field::kPath),
          .compared = parse_time(text_of(object, field::kCompared), Timestamp()).value_or(Timestamp())};
}

boost::json::object DamagedList::to_json() const {
  boost::json::array list;
  for (const DamagedInfo& item : items) list.push_back(item.to_json());
  boost::json::object object{{field::kChecksums, kept}, {field::kItems, std::move(list)}, {field::kMore, nullptr}};
  if (more) object[field::kMore] = *more;
  return object;
}

DamagedList DamagedList::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  const auto* kept = object.if_contains(field::kChecksums);
  DamagedList list{.kept = kept != nullptr && *kept == true, .items = {}, .more = number_of(object, field::kMore)};
  const auto* items = object.if_contains(field::kItems);
  if (items == nullptr || !items->is_array()) return list;
  for (const auto& item : items->get_array()) list.items.push_back(DamagedInfo::parse(item));
  return list;
}

boost::json::object BackupInfo::to_json() const {
  boost::json::object object;
  put_bytes(object, field::kFile, file);
  object[field::kBytes] = bytes;
  object[field::kMade] = rfc3339(made);
  return object;
}

BackupInfo BackupInfo::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.file = get_bytes(object, field::kFile),
          .bytes = number_of(object, field::kBytes).value_or(0),
          .made = parse_time(text_of(object, field::kMade), Timestamp()).value_or(Timestamp())};
}

}  // namespace reprieve::protocol
