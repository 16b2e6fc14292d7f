// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/responses.h"

#include <boost/json/array.hpp>
#include <limits>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::protocol {
namespace {

// Tolerant access to a body: what is missing or of another type reads as nothing.
const boost::json::object& object_of(const boost::json::value& value) {
  static const boost::json::object none;
  return value.is_object() ? value.get_object() : none;
}

const boost::json::value& at(const boost::json::object& object, std::string_view name) {
  static const boost::json::value null;
  const auto* value = object.if_contains(name);
  return value != nullptr ? *value : null;
}

std::string text_of(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::uint64_t number_of(const boost::json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  return value.is_int64() && value.get_int64() > 0 ? static_cast<std::uint64_t>(value.get_int64()) : 0;
}

std::int64_t id_of(const boost::json::value& value) {
  const std::uint64_t number = number_of(value);
  return number <= std::numeric_limits<std::int64_t>::max() ? static_cast<std::int64_t>(number) : 0;
}

bool flag_of(const boost::json::value& value) { return value.is_bool() && value.get_bool(); }

Timestamp time_of(const boost::json::value& value) {
  return parse_time(text_of(value), Timestamp()).value_or(Timestamp());
}

template <typename T>
std::vector<T> list_of(const boost::json::value& value) {
  std::vector<T> list;
  if (!value.is_array()) return list;
  list.reserve(value.get_array().size());
  for (const auto& element : value.get_array()) list.push_back(T::parse(element));
  return list;
}

template <typename T>
boost::json::array array_of(const std::vector<T>& list) {
  boost::json::array array;
  array.reserve(list.size());
  for (const T& element : list) array.push_back(element.to_json());
  return array;
}

void put_figures(boost::json::object& object, const std::optional<Figures>& figures) {
  object[field::kFiles] = figures ? boost::json::value(figures->files) : boost::json::value();
  object[field::kFolders] = figures ? boost::json::value(figures->folders) : boost::json::value();
  object[field::kBytes] = figures ? boost::json::value(figures->bytes) : boost::json::value();
  object[field::kExclusiveBytes] = figures ? boost::json::value(figures->exclusive_bytes) : boost::json::value();
}

Figures figures_of(const boost::json::object& object) {
  return {.files = number_of(at(object, field::kFiles)),
          .folders = number_of(at(object, field::kFolders)),
          .bytes = number_of(at(object, field::kBytes)),
          .exclusive_bytes = number_of(at(object, field::kExclusiveBytes))};
}

std::optional<std::string> optional_bytes(const boost::json::object& object, std::string_view name) {
  if (!at(object, name).is_string()) return std::nullopt;
  return get_bytes(object, name);
}

}  // namespace

boost::json::object Item::to_json() const {
  boost::json::object object;
  object[field::kId] = id;
  put_bytes(object, field::kName, name);
  object[field::kKind] = kind;
  put_bytes(object, field::kOrigin, origin);
  object[field::kAccount] = account;
  object[field::kDeletedBy] = {{field::kAccount, deleted_by}, {field::kUid, deleted_by_uid}};
  object[field::kDateDeleted] = rfc3339(deleted_at);
  put_figures(object, figures);
  object[field::kSession] = session;
  object[field::kHeld] = held;
  object[field::kExpiresAt] = nullptr;
  object[field::kIncludes] = mode == word::kFilesMode ? boost::json::array{word::kFileData}
                                                      : boost::json::array{word::kFileData, word::kMetadata};
  object[field::kMode] = mode;
  object[field::kTogether] = nullptr;
  if (together) object[field::kTogether] = *together;
  if (counts.empty()) return object;
  boost::json::object by_kind;
  for (const auto& [each, count] : counts) by_kind[each] = count;
  object[field::kCounts] = std::move(by_kind);
  return object;
}

Item Item::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  const auto& deleter = object_of(at(object, field::kDeletedBy));
  Item item;
  item.id = id_of(at(object, field::kId));
  item.name = get_bytes(object, field::kName);
  item.kind = text_of(at(object, field::kKind));
  item.origin = get_bytes(object, field::kOrigin);
  item.account = text_of(at(object, field::kAccount));
  item.deleted_by = text_of(at(deleter, field::kAccount));
  item.deleted_by_uid = number_of(at(deleter, field::kUid));
  item.deleted_at = time_of(at(object, field::kDateDeleted));
  if (at(object, field::kBytes).is_number()) item.figures = figures_of(object);
  item.session = text_of(at(object, field::kSession));
  item.held = flag_of(at(object, field::kHeld));
  item.mode = text_of(at(object, field::kMode));
  if (at(object, field::kTogether).is_number()) item.together = id_of(at(object, field::kTogether));
  for (const auto& member : object_of(at(object, field::kCounts))) {
    item.counts.emplace(member.key(), number_of(member.value()));
  }
  return item;
}

boost::json::object ErrorReport::to_json() const {
  boost::json::object object{
      {field::kCode, code}, {field::kErrno, errno_symbol}, {field::kMessage, lossy_utf8(message)}};
  if (path) {
    put_bytes(object, field::kPath, *path);
  } else {
    object[field::kPath] = nullptr;
  }
  return object;
}

ErrorReport ErrorReport::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.code = text_of(at(object, field::kCode)),
          .errno_symbol = text_of(at(object, field::kErrno)),
          .message = text_of(at(object, field::kMessage)),
          .path = optional_bytes(object, field::kPath)};
}

boost::json::object ItemResult::to_json() const {
  boost::json::object object;
  if (id) object[field::kId] = *id;
  if (name) put_bytes(object, field::kName, *name);
  object[field::kState] = state;
  if (path) put_bytes(object, field::kPath, *path);
  if (effect) object[field::kEffect] = *effect;
  if (error) object[field::kError] = error->to_json();
  return object;
}

ItemResult ItemResult::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  ItemResult result;
  if (at(object, field::kId).is_number()) result.id = id_of(at(object, field::kId));
  result.name = optional_bytes(object, field::kName);
  result.state = text_of(at(object, field::kState));
  result.path = optional_bytes(object, field::kPath);
  if (at(object, field::kEffect).is_string()) result.effect = text_of(at(object, field::kEffect));
  if (at(object, field::kError).is_object()) result.error = ErrorReport::parse(at(object, field::kError));
  return result;
}

boost::json::object ResultList::to_json() const {
  boost::json::object object;
  if (operation) object[field::kOperation] = *operation;
  object[field::kResults] = array_of(results);
  return object;
}

ResultList ResultList::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  ResultList list{.results = list_of<ItemResult>(at(object, field::kResults)), .operation = std::nullopt};
  if (at(object, field::kOperation).is_number()) list.operation = id_of(at(object, field::kOperation));
  return list;
}

boost::json::object Plan::to_json() const {
  boost::json::object sum{{field::kItems, items.size()}};
  put_figures(sum, total);
  return {{field::kToken, token},
          {field::kExpires, rfc3339(expires)},
          {field::kItems, array_of(items)},
          {field::kTotal, std::move(sum)},
          {field::kKept, array_of(kept)}};
}

Plan Plan::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.token = text_of(at(object, field::kToken)),
          .expires = time_of(at(object, field::kExpires)),
          .items = list_of<Item>(at(object, field::kItems)),
          .total = figures_of(object_of(at(object, field::kTotal))),
          .kept = list_of<Item>(at(object, field::kKept))};
}

boost::json::object Page::to_json() const {
  return {{field::kItems, array_of(items)},
          {field::kPaging,
           {{field::kDisplayedCount, items.size()},
            {field::kTotalCount, total_count},
            {field::kOffset, offset},
            {field::kLimit, limit},
            {field::kSortBy, sort_by},
            {field::kSortDir, sort_dir}}}};
}

Page Page::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  const auto& paging = object_of(at(object, field::kPaging));
  return {.items = list_of<Item>(at(object, field::kItems)),
          .total_count = number_of(at(paging, field::kTotalCount)),
          .offset = number_of(at(paging, field::kOffset)),
          .limit = number_of(at(paging, field::kLimit)),
          .sort_by = text_of(at(paging, field::kSortBy)),
          .sort_dir = text_of(at(paging, field::kSortDir))};
}

boost::json::object Progress::to_json() const {
  boost::json::object object{{field::kId, id},       {field::kState, state},    {field::kDone, done},
                             {field::kTotal, total}, {field::kBytes, bytes},    {field::kBytesTotal, bytes_total},
                             {field::kRate, rate},   {field::kSeconds, seconds}};
  if (!held_up.empty()) object.emplace(field::kHeldUp, held_up);
  return object;
}

Progress Progress::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  const auto& seconds = at(object, field::kSeconds);
  return {.id = id_of(at(object, field::kId)),
          .state = text_of(at(object, field::kState)),
          .done = number_of(at(object, field::kDone)),
          .total = number_of(at(object, field::kTotal)),
          .bytes = number_of(at(object, field::kBytes)),
          .bytes_total = number_of(at(object, field::kBytesTotal)),
          .rate = number_of(at(object, field::kRate)),
          .seconds = seconds.is_double() ? seconds.get_double() : static_cast<double>(number_of(seconds)),
          .held_up = text_of(at(object, field::kHeldUp))};
}

boost::json::object Mount::to_json() const {
  boost::json::object object{{field::kAccount, account}};
  put_bytes(object, field::kPath, path);
  object[field::kDataPath] = data_path;
  object[field::kAllowOther] = allow_other;
  return object;
}

Mount Mount::parse(const boost::json::value& value) {
  const auto& object = object_of(value);
  return {.account = text_of(at(object, field::kAccount)),
          .path = get_bytes(object, field::kPath),
          .data_path = text_of(at(object, field::kDataPath)),
          .allow_other = flag_of(at(object, field::kAllowOther))};
}

}  // namespace reprieve::protocol
