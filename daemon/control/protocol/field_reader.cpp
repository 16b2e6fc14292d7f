// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/field_reader.h"

#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "daemon/control/protocol/bytes.h"

namespace reprieve::protocol {
namespace {

std::optional<std::uint64_t> number_of(const boost::json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
  if (!value.is_string() || value.get_string().empty()) return std::nullopt;
  const std::string_view text = value.get_string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr std::uint64_t kMostId = std::numeric_limits<std::int64_t>::max();

// Why these bytes are no name or path; empty if they are.
std::string_view flaw_of(const std::string& bytes) {
  if (bytes.empty()) return "must not be empty";
  if (bytes.find('\0') != std::string::npos) return "must not contain a NUL byte";
  return {};
}

}  // namespace

FieldReader::FieldReader(const boost::json::object& object, Source source, std::string prefix)
    : object_(object), source_(source), prefix_(std::move(prefix)) {}

const boost::json::value* FieldReader::find(std::string_view name) {
  known_.emplace(name);
  if (!complaint_.empty()) return nullptr;
  const auto* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string> FieldReader::text(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  complain(name, "must be a string");
  return std::nullopt;
}

std::optional<std::string> FieldReader::bytes(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  auto parsed = parse_bytes_value(*value);
  const std::string_view flaw = parsed ? flaw_of(*parsed) : reason_of(parsed.error());
  if (flaw.empty()) return *std::move(parsed);
  complain(name, flaw);
  return std::nullopt;
}

std::optional<std::uint64_t> FieldReader::number(std::string_view name, std::uint64_t least, std::uint64_t most) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = number_of(*value);
  if (number && *number >= least && *number <= most) return number;
  complain(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<bool> FieldReader::flag(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  complain(name, "must be true or false");
  return std::nullopt;
}

const boost::json::array* FieldReader::elements(std::string_view name, const boost::json::value& value,
                                                std::string_view of_what) {
  const auto* list = value.if_array();
  if (list == nullptr || list->empty()) {
    complain(name, "must be a list of one or more " + std::string(of_what));
    return nullptr;
  }
  if (list->size() > kMostInList) {
    complain(name, "has " + std::to_string(list->size()) + " elements, and a request has at most " +
                       std::to_string(kMostInList));
    return nullptr;
  }
  return list;
}

std::optional<std::vector<std::int64_t>> FieldReader::id_list(std::string_view name) {
  constexpr std::string_view kWhat = "positive numbers";
  const auto* value = find(name);
  const auto* given = value == nullptr ? nullptr : elements(name, *value, kWhat);
  if (given == nullptr) return std::nullopt;
  std::vector<std::int64_t> ids;
  for (const auto& element : *given) {
    const auto id = number_of(element);
    if (!id || *id == 0 || *id > kMostId) {
      complain(name, "must be a list of one or more " + std::string(kWhat));
      return std::nullopt;
    }
    ids.push_back(static_cast<std::int64_t>(*id));
  }
  return ids;
}

std::optional<std::vector<std::string>> FieldReader::bytes_list(std::string_view name) {
  const auto* value = find(name);
  const auto* given = value == nullptr ? nullptr : elements(name, *value, "paths");
  if (given == nullptr) return std::nullopt;
  std::vector<std::string> list;
  for (const auto& element : *given) {
    auto parsed = parse_bytes_value(element);
    const std::string_view flaw = parsed ? flaw_of(*parsed) : reason_of(parsed.error());
    if (!flaw.empty()) {
      complain(std::string(name) + "[" + std::to_string(list.size()) + "]", flaw);
      return std::nullopt;
    }
    list.push_back(*std::move(parsed));
  }
  return list;
}

const boost::json::object* FieldReader::object(std::string_view name) {
  const auto* value = find(name);
  if (value == nullptr) return nullptr;
  if (value->is_object()) return &value->get_object();
  complain(name, "must be an object");
  return nullptr;
}

void FieldReader::complain(std::string_view name, std::string_view what) {
  const std::string_view noun = source_ == Source::query ? "parameter" : "field";
  complain(std::string(noun) + " \"" + prefix_ + lossy_utf8(name) + "\" " + std::string(what));
}

void FieldReader::complain(std::string what) {
  if (complaint_.empty()) complaint_ = std::move(what);
}

Result<void> FieldReader::finish() {
  for (const auto& member : object_) {
    if (!known_.contains(std::string_view(member.key()))) complain(member.key(), "is not known here");
  }
  if (!complaint_.empty()) return fail(Errc::invalid_argument, complaint_);
  return {};
}

}  // namespace reprieve::protocol
