// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"

// What the server answers, as far as both sides deal with it. `to_json` is the server's; `parse` is for clients and
// takes what it finds, so that a client works with a server that says more than it knows. Names and paths are bytes.
namespace reprieve::protocol {

struct Figures {
  std::uint64_t files = 0;
  std::uint64_t folders = 0;
  std::uint64_t bytes = 0;
  std::uint64_t exclusive_bytes = 0;
};

struct Item {
  std::int64_t id = 0;
  std::string name;
  std::string kind;
  std::string origin;
  std::string account;
  std::string deleted_by;
  std::uint64_t deleted_by_uid = 0;
  Timestamp deleted_at{};
  std::optional<Figures> figures;
  std::string session;
  bool held = false;
  std::string mode;                             // word::kItemMode, kAssociatedMode, kFilesMode
  std::optional<std::int64_t> together;         // the first item of its group
  std::map<std::string, std::uint64_t> counts;  // of each kind; only where one item is shown

  [[nodiscard]] boost::json::object to_json() const;
  static Item parse(const boost::json::value& value);
};

// An error as a body or as a part of one.
struct ErrorReport {
  std::string code;
  std::string errno_symbol;
  std::string message;
  std::optional<std::string> path;

  [[nodiscard]] boost::json::object to_json() const;
  static ErrorReport parse(const boost::json::value& value);
};

// What became of one item or path of a batch.
struct ItemResult {
  std::optional<std::int64_t> id;
  std::optional<std::string> name;  // in .trash/
  std::string state;                // word::kDone, kSkipped, kFailed
  std::optional<std::string> path;  // the restored path, or the one that was to be trashed
  std::optional<ErrorReport> error;
  std::optional<std::string> effect = {};  // what was done, where that depends on who owns it: an event's name

  [[nodiscard]] boost::json::object to_json() const;
  static ItemResult parse(const boost::json::value& value);
};

struct ResultList {
  std::vector<ItemResult> results;
  std::optional<std::int64_t> operation;  // of a purge

  [[nodiscard]] boost::json::object to_json() const;
  static ResultList parse(const boost::json::value& value);
};

struct Plan {
  std::string token;
  Timestamp expires{};
  std::vector<Item> items;
  Figures total;
  std::vector<Item> kept;

  [[nodiscard]] boost::json::object to_json() const;
  static Plan parse(const boost::json::value& value);
};

struct Page {
  std::vector<Item> items;
  std::uint64_t total_count = 0;
  std::uint64_t offset = 0;
  std::uint64_t limit = 0;
  std::string sort_by;
  std::string sort_dir;

  [[nodiscard]] boost::json::object to_json() const;
  static Page parse(const boost::json::value& value);
};

// How far long work has come: files and folders, and bytes.
struct Progress {
  std::int64_t id = 0;
  std::string state;  // word::kRunning, kDone
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t rate = 0;  // bytes a second
  double seconds = 0;
  std::string held_up;  // why it does not go on; left out while it does

  [[nodiscard]] boost::json::object to_json() const;
  static Progress parse(const boost::json::value& value);
};

struct Mount {
  std::string account;
  std::string path;
  std::string data_path;
  bool allow_other = false;

  [[nodiscard]] boost::json::object to_json() const;
  static Mount parse(const boost::json::value& value);
};

}  // namespace reprieve::protocol
