// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/control/protocol/requests.h"

namespace reprieve::ctl {

// Of int, so that CLI11 reads it as a number and not as a character.
enum class SortBy : int { date, size, name };

// The command line, taken apart. Each command fills what it has options for.
struct Options {
  // Of every command.
  std::optional<std::string> socket;
  std::optional<std::string> account;
  bool json = false;

  std::vector<std::int64_t> ids;
  std::vector<std::string> paths;
  protocol::Filter filter;
  bool yes = false;

  // trash
  std::optional<std::string> mode;
  bool force = false;
  // add-to; `path` of it and of status
  std::string project;
  std::string path;
  std::optional<std::string> status;
  // list
  SortBy sort = SortBy::date;
  bool ascending = false;
  bool reverse = false;
  bool long_list = false;
  std::optional<std::uint64_t> limit;
  std::uint64_t offset = 0;
  // restore
  bool all = false;
  // restore, empty
  bool dry_run = false;
  protocol::RestoreHow how;
  // account, share, unshare, history
  std::string action;
  std::string name;  // an account
  std::optional<std::uint64_t> uid;
  std::optional<std::uint64_t> gid;
  std::optional<std::uint64_t> quota;
  std::string role = "viewer";
  std::optional<std::string> event;
  // watch
  std::optional<std::uint64_t> since_number;
  // check
  bool repair = false;
  // empty, purge
  bool wait = false;
};

}  // namespace reprieve::ctl
