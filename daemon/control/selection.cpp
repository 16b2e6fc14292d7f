// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/selection.h"

#include <array>
#include <utility>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/resources.h"
#include "daemon/control/protocol/time_text.h"

namespace reprieve::control {
namespace {

namespace field = protocol::field;

constexpr std::array kSorts{std::pair{TrashSort::date_deleted, std::string_view("DateDeleted")},
                            std::pair{TrashSort::total_size, std::string_view("TotalSize")},
                            std::pair{TrashSort::name, std::string_view("Name")}};
constexpr std::array kDirections{std::pair{SortDirection::ascending, std::string_view("Asc")},
                                 std::pair{SortDirection::descending, std::string_view("Desc")}};
constexpr std::array kModes{std::pair{TrashMode::item, protocol::word::kItemMode},
                            std::pair{TrashMode::with_associated, protocol::word::kAssociatedMode},
                            std::pair{TrashMode::files_only, protocol::word::kFilesMode}};
constexpr std::array kCollisions{std::pair{OnCollision::fail, std::string_view("fail")},
                                 std::pair{OnCollision::rename, std::string_view("rename")},
                                 std::pair{OnCollision::skip, std::string_view("skip")},
                                 std::pair{OnCollision::replace, std::string_view("replace")}};

// Each item of a trash is compared with the pattern, which takes time by its length.
constexpr std::size_t kLongestPattern = 4096;

tl::unexpected<Error> bad_value(std::string_view name, const std::string& value, std::string_view what) {
  return fail(Errc::invalid_argument,
              "\"" + std::string(name) + "\": " + std::string(what) + ", not \"" + protocol::lossy_utf8(value) + "\"");
}

// For a reason that quotes the value itself.
tl::unexpected<Error> bad_word(std::string_view name, const Error& error) {
  return fail(Errc::invalid_argument, "\"" + std::string(name) + "\": " + std::string(reason_of(error)));
}

// The choice that `word` names; `fallback` where none was given.
template <typename Choices, typename Choice>
Result<Choice> choose(const Choices& choices, std::string_view name, const std::optional<std::string>& word,
                      Choice fallback) {
  if (!word) return fallback;
  std::string known;
  for (const auto& [choice, text] : choices) {
    if (text == *word) return choice;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return bad_value(name, *word, "must be one of " + known);
}

template <typename Choices, typename Choice>
std::string_view word_for(const Choices& choices, Choice wanted) {
  for (const auto& [choice, text] : choices) {
    if (choice == wanted) return text;
  }
  return {};
}

Result<std::optional<Timestamp>> to_time(std::string_view name, const std::optional<std::string>& text, Timestamp now) {
  if (!text) return std::optional<Timestamp>();
  auto time = protocol::parse_time(*text, now);
  if (!time) return bad_value(name, *text, reason_of(time.error()));
  return std::optional<Timestamp>(*time);
}

Result<std::optional<std::string>> to_pattern(std::string_view name, const std::optional<std::string>& text) {
  if (text && text->size() > kLongestPattern)
    return fail(Errc::invalid_argument,
                "\"" + std::string(name) + "\": over " + std::to_string(kLongestPattern) + " bytes");
  return text;
}

}  // namespace

Result<TrashFilter> to_filter(const protocol::Filter& filter, Timestamp now) {
  TrashFilter result;
  if (filter.kind) {
    const auto kind = parse_kind(*filter.kind);
    if (!kind) return bad_word(field::kKind, kind.error());
    result.kind = *kind;
  }
  REPRIEVE_TRY(result.name, to_pattern(field::kName, filter.name));
  REPRIEVE_TRY(result.origin, to_pattern(field::kOrigin, filter.origin));
  result.deleted_by = filter.deleted_by;
  REPRIEVE_TRY(result.since, to_time(field::kSince, filter.since, now));
  REPRIEVE_TRY(result.until, to_time(field::kUntil, filter.until, now));
  result.min_bytes = filter.min_bytes;
  if (filter.session) result.session = SessionId(static_cast<std::int64_t>(*filter.session));
  return result;
}

Result<TrashQuery> to_query(const protocol::ListRequest& request, Timestamp now) {
  TrashQuery query;
  REPRIEVE_TRY(query.filter, to_filter(request.filter, now));
  REPRIEVE_TRY(query.sort_by, choose(kSorts, field::kSortBy, request.sort_by, TrashSort::date_deleted));
  REPRIEVE_TRY(query.direction, choose(kDirections, field::kSortDir, request.sort_dir, SortDirection::descending));
  query.offset = request.offset;
  query.limit = request.limit;
  return query;
}

Result<OnCollision> to_collision(const std::optional<std::string>& word) {
  return choose(kCollisions, field::kOnCollision, word, OnCollision::fail);
}

Result<TrashMode> to_mode(const std::string& word) {
  return choose(kModes, field::kMode, std::optional(word), TrashMode::item);
}

Result<EventKind> to_event_kind(const std::string& word) {
  const auto kind = parse_event_kind(word);
  if (!kind) return bad_word(field::kEvent, kind.error());
  return *kind;
}

Result<std::optional<Timestamp>> to_since(const std::optional<std::string>& text, Timestamp now) {
  return to_time(field::kSince, text, now);
}

std::string_view mode_name(TrashMode mode) { return word_for(kModes, mode); }
std::string_view sort_name(TrashSort sort) { return word_for(kSorts, sort); }
std::string_view direction_name(SortDirection direction) { return word_for(kDirections, direction); }

}  // namespace reprieve::control
