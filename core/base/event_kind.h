// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"

namespace reprieve {

// What an event tells of. Stored by name.
enum class EventKind : std::uint8_t {
  trash,  // told from the trash item as long as that is there
  restore,
  restore_part,    // something out of an item, which keeps the rest
  restore_files,   // of a run or an analysis, into it
  purge,           // irrevocable
  replace,         // something of another account's gave way to a rename, and is in that account's trash
  trash_at_owner,  // what the account deleted is in its owner's trash, because it cannot change hands
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
  damaged,        // a file's bytes are not those of its checksum, or cannot be read
  undamaged,      // they are again
  denied,         // a control request of somebody without the right
  backup_failed,
  metadata_restore,  // an older database was put in the place of the last one
  repair,            // a check has put something right
};

// "restore", "account_add"…
[[nodiscard]] std::string_view event_name(EventKind kind);
// The kind that users name so. invalid_argument, which lists the names.
Result<EventKind> parse_event_kind(std::string_view name);
// `restore` for a name that is none, which only a newer version can have stored.
[[nodiscard]] EventKind event_named(std::string_view name);

}  // namespace reprieve
