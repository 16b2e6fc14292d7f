// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "daemon/control/protocol/requests.h"

// What clients ask about items that are not in the trash. As requests.h.
namespace reprieve::protocol {

// Of one item: a query that asks, and a body that sets.
struct StatusRequest {
  std::string path;
  std::optional<std::string> status;  // only in a body, and there always

  static Result<StatusRequest> parse_query(const boost::json::object& query);
  static Result<StatusRequest> parse_body(const boost::json::object& body);
  [[nodiscard]] QueryParameters to_query() const;
  [[nodiscard]] boost::json::object to_json() const;
};

struct AssociateRequest {
  std::string path;                  // what was made
  std::vector<std::string> sources;  // from what

  static Result<AssociateRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct AddToRequest {
  std::string project;
  std::string path;  // of the sample

  static Result<AddToRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct ExplainRequest {
  std::vector<std::string> paths;
  std::string mode;  // empty: the default

  static Result<ExplainRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

}  // namespace reprieve::protocol
