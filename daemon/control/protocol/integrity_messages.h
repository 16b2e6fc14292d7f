// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "daemon/control/protocol/requests.h"

// What is asked and answered about damaged files and about backups; as requests.h and responses.h.
namespace reprieve::protocol {

struct DamagedRequest {
  static constexpr std::uint64_t kMostLimit = 1000;

  std::uint64_t after = 0;  // a number of an inode: those behind it
  std::uint64_t limit = kMostLimit;

  static Result<DamagedRequest> parse(const boost::json::object& query);
  [[nodiscard]] QueryParameters to_query() const;
};

struct DamagedInfo {
  std::uint64_t inode = 0;
  std::string account;
  std::string path;  // bytes
  Timestamp compared{};

  [[nodiscard]] boost::json::object to_json() const;
  static DamagedInfo parse(const boost::json::value& value);
};

struct DamagedList {
  bool kept = true;  // whether there are checksums at all
  std::vector<DamagedInfo> items;
  std::optional<std::uint64_t> more;  // `after` of the request for the rest

  [[nodiscard]] boost::json::object to_json() const;
  static DamagedList parse(const boost::json::value& value);
};

struct BackupInfo {
  std::string file;  // bytes
  std::uint64_t bytes = 0;
  Timestamp made{};

  [[nodiscard]] boost::json::object to_json() const;
  static BackupInfo parse(const boost::json::value& value);
};

}  // namespace reprieve::protocol
