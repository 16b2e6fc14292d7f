// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"

// What is asked and answered about a check of the store; as requests.h and responses.h.
namespace reprieve::protocol {

struct CheckRequest {
  bool repair = false;

  static Result<CheckRequest> parse(const boost::json::object& body);
  [[nodiscard]] boost::json::object to_json() const;
};

struct CheckFinding {
  std::string rule;
  std::string message;
  std::optional<std::uint64_t> inode;
  std::optional<std::uint64_t> parent;  // with `entry`: the number of the directory, and of the entry in it
  std::optional<std::uint64_t> entry;
  std::optional<std::uint64_t> item;
  std::string account;   // whose `path` it is
  std::string path;      // bytes
  std::string repaired;  // what was done about it; empty: nothing

  [[nodiscard]] boost::json::object to_json() const;
  static CheckFinding parse(const boost::json::value& value);
};

struct CheckResult {
  std::vector<CheckFinding> findings;  // the first thousand
  std::uint64_t found = 0;             // all
  std::uint64_t repaired = 0;          // of them
  std::uint64_t inodes = 0;            // looked at
  std::uint64_t entries = 0;
  std::uint64_t trash_items = 0;
  std::uint64_t blobs = 0;
  double seconds = 0;
  double longest_pause = 0;  // seconds

  [[nodiscard]] boost::json::object to_json() const;
  static CheckResult parse(const boost::json::value& value);
  // For people: a line a finding, printable, and one that sums up.
  [[nodiscard]] std::string text() const;
};

struct CheckState {
  std::string state;  // word::kRunning, kIdle
  std::uint64_t done = 0;
  std::uint64_t total = 0;

  [[nodiscard]] boost::json::object to_json() const;
  static CheckState parse(const boost::json::value& value);
};

}  // namespace reprieve::protocol
