// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/protocol/item_requests.h"

#include <boost/json/array.hpp>

#include "daemon/control/protocol/bytes.h"
#include "daemon/control/protocol/resources.h"

namespace reprieve::protocol {
namespace {

using Source = FieldReader::Source;

boost::json::array bytes_array(const std::vector<std::string>& list) {
  boost::json::array array;
  for (const std::string& bytes : list) array.push_back(bytes_value(bytes));
  return array;
}

std::string require_path(FieldReader& reader, std::string_view name = field::kPath) {
  auto path = reader.bytes(name);
  if (!path) reader.complain(name, "is missing");
  return path.value_or(std::string());
}

std::vector<std::string> require_list(FieldReader& reader, std::string_view name) {
  auto list = reader.bytes_list(name);
  if (!list) reader.complain(name, "is missing");
  return list.value_or(std::vector<std::string>());
}

}  // namespace

Result<StatusRequest> StatusRequest::parse_query(const boost::json::object& query) {
  FieldReader reader(query, Source::query);
  StatusRequest request{.path = require_path(reader), .status = std::nullopt};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

Result<StatusRequest> StatusRequest::parse_body(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  StatusRequest request{.path = require_path(reader), .status = reader.text(field::kStatus)};
  if (!request.status) reader.complain(field::kStatus, "is missing");
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

QueryParameters StatusRequest::to_query() const { return {{std::string(field::kPath), path}}; }

boost::json::object StatusRequest::to_json() const {
  boost::json::object body{{field::kPath, bytes_value(path)}};
  if (status) body[field::kStatus] = *status;
  return body;
}

Result<AssociateRequest> AssociateRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  AssociateRequest request{.path = require_path(reader), .sources = require_list(reader, field::kSources)};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object AssociateRequest::to_json() const {
  return {{field::kPath, bytes_value(path)}, {field::kSources, bytes_array(sources)}};
}

Result<AddToRequest> AddToRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  AddToRequest request{.project = require_path(reader, field::kProject), .path = require_path(reader)};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object AddToRequest::to_json() const {
  return {{field::kProject, bytes_value(project)}, {field::kPath, bytes_value(path)}};
}

Result<ExplainRequest> ExplainRequest::parse(const boost::json::object& body) {
  FieldReader reader(body, Source::body);
  ExplainRequest request{.paths = require_list(reader, field::kPaths),
                         .mode = reader.text(field::kMode).value_or(std::string(word::kItemMode))};
  REPRIEVE_TRY_VOID(reader.finish());
  return request;
}

boost::json::object ExplainRequest::to_json() const {
  boost::json::object body{{field::kPaths, bytes_array(paths)}};
  if (!mode.empty()) body[field::kMode] = mode;
  return body;
}

}  // namespace reprieve::protocol
