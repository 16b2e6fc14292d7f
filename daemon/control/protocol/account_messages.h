// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "daemon/control/protocol/requests.h"

// What is asked and answered about accounts, sharing and what happened; as requests.h and responses.h.
namespace reprieve::protocol {

struct AccountAddRequest {
  std::string name;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::optional<std::uint64_t> quota;  // bytes; 0: none

  static Result<AccountAddRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

// What is not set stays.
struct AccountSetRequest {
  std::optional<std::uint64_t> uid;
  std::optional<std::uint64_t> gid;
  std::optional<std::uint64_t> quota;  // bytes; 0: none

  static Result<AccountSetRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct ShareRequest {
  std::string path;
  std::string with;
  std::optional<std::string> role;  // of a share; viewer where it is not given

  static Result<ShareRequest> parse(const boost::json::object& body);
  static Result<ShareRequest> parse_unshare(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct HistoryRequest {
  static constexpr std::uint64_t kDefaultLimit = 100;
  static constexpr std::uint64_t kMostLimit = 10'000;

  std::optional<std::string> event;
  std::optional<std::string> since;
  std::uint64_t limit = kDefaultLimit;

  static Result<HistoryRequest> parse(const boost::json::object& query);
  [[nodiscard]] QueryParameters to_query() const;
};

struct EventsRequest {
  std::optional<std::uint64_t> since;  // a number
  bool follow = false;

  static Result<EventsRequest> parse(const boost::json::object& query);
  [[nodiscard]] QueryParameters to_query() const;
};

struct AccountInfo {
  std::string name;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::optional<std::uint64_t> quota;
  std::uint64_t projects = 0;
  std::uint64_t runs = 0;
  std::uint64_t shared = 0;
  std::uint64_t trash_items = 0;

  [[nodiscard]] boost::json::object to_json() const;
  static AccountInfo parse(const boost::json::value& value);
};

struct ShareInfo {
  std::string owner;
  std::string with;
  std::string role;
  std::string state;  // word::kActive, kLeft
  std::string kind;
  std::string path;
  std::string name;

  [[nodiscard]] boost::json::object to_json() const;
  static ShareInfo parse(const boost::json::value& value);
};

struct EventInfo {
  std::uint64_t seq = 0;
  Timestamp at{};
  std::string event;
  std::string account;
  std::uint64_t uid = 0;
  std::uint64_t pid = 0;
  std::string session;
  std::uint64_t item = 0;  // 0: none
  std::string path;
  std::string detail;
  bool undone = false;

  [[nodiscard]] boost::json::object to_json() const;
  static EventInfo parse(const boost::json::value& value);
};

}  // namespace reprieve::protocol
