// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "daemon/control/protocol/field_reader.h"

// What clients ask for. Each request has a decoder for the server and an encoder for clients. The field `account`,
// which most requests take, is no part of them: the server reads it before it decodes the rest.
namespace reprieve::protocol {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Which trash items; every condition that is set must hold. Words and times are checked by the server only.
struct Filter {
  std::optional<std::string> kind;
  std::optional<std::string> name;  // glob(7), bytes
  std::optional<std::string> origin;
  std::optional<std::string> deleted_by;
  std::optional<std::string> since;
  std::optional<std::string> until;
  std::optional<std::uint64_t> min_bytes;
  std::optional<std::uint64_t> session;

  // Takes the filter's fields from a query or a body. The reader keeps the complaints.
  static Filter read(FieldReader& reader);
  [[nodiscard]] QueryParameters to_query() const;
  [[nodiscard]] boost::json::object to_json() const;
  [[nodiscard]] bool empty() const;
};

struct ListRequest {
  static constexpr std::uint64_t kDefaultLimit = 100;
  static constexpr std::uint64_t kMostLimit = 1000;

  Filter filter;
  std::optional<std::string> sort_by;
  std::optional<std::string> sort_dir;
  std::uint64_t offset = 0;
  std::uint64_t limit = kDefaultLimit;

  static Result<ListRequest> parse(const boost::json::object& query);
  [[nodiscard]] QueryParameters to_query() const;
};

struct TrashRequest {
  std::vector<std::string> paths;
  std::string mode;  // empty: the default
  bool force = false;

  static Result<TrashRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

// How items are put back.
struct RestoreHow {
  std::optional<std::string> on_collision;
  bool recreate_parents = false;
  bool together = false;
  bool dry_run = false;  // only to be told what would become of them
  std::optional<std::string> to;

  static RestoreHow read(FieldReader& reader);
  // For the restore of one item, whose body has nothing else.
  static Result<RestoreHow> parse(const boost::json::object& body);
  void write(boost::json::object& body) const;
};

// Exactly one of ids, session, all and filter.
struct RestoreRequest {
  std::vector<std::int64_t> ids;
  std::optional<std::uint64_t> session;
  bool all = false;
  std::optional<Filter> filter;
  RestoreHow how;

  static Result<RestoreRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct UndoRequest {
  bool force = false;

  static Result<UndoRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct EmptyPlanRequest {
  Filter filter;

  static Result<EmptyPlanRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct EmptyRequest {
  std::string token;

  static Result<EmptyRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct PurgeRequest {
  std::vector<std::int64_t> ids;

  static Result<PurgeRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

}  // namespace reprieve::protocol
