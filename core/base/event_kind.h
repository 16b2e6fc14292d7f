// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace reprieve {

// What an event tells of. Stored by name.
enum class EventKind : std::uint8_t {
  trash,  // told from the trash items, not stored
  restore,
  restore_part,   // something out of an item, which keeps the rest
  restore_files,  // of a run or an analysis, into it
  replace,        // something of another account's gave way to a rename, and is in that account's trash
  leave,
  hide,
  unhide,
  rejoin,
  share,
  unshare,
  associate,
  dissociate,
  status,
  add_to,
  account_add,
  account_set,
  account_remove,
  configuration,  // the daemon has read it
  denied,         // a control request of somebody without the right
};

// "restore", "account_add"…
[[nodiscard]] std::string_view event_name(EventKind kind);
// The kind that users name so. invalid_argument, which lists the names.
Result<EventKind> parse_event_kind(std::string_view name);
// `restore` for a name that is none, which only a newer version can have stored.
[[nodiscard]] EventKind event_named(std::string_view name);

}  // namespace reprieve
