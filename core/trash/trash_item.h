// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/event_kind.h"
#include "core/base/ids.h"
#include "core/base/trash_mode.h"
#include "core/base/tree_figures.h"
#include "core/view/item_kind.h"
#include "core/view/item_status.h"

namespace reprieve {

// One reprieved deletion as users see it. Names and paths are bytes in no particular encoding.
struct TrashItem {
  TrashItemId id;
  std::string name;  // in .trash/
  ItemKind kind = ItemKind::file;
  std::string origin;  // the path below the account's root that it was deleted from; cut where it is over 64 KiB long
  std::string account;
  std::string deleted_by;  // the account of the deleter
  uid_t deleted_by_uid = 0;
  Timestamp deleted_at{};
  SessionId session;
  bool held = false;
  TrashMode mode = TrashMode::item;
  TrashItemId together;                // the first item of its group; none: it was trashed alone
  std::optional<TreeFigures> figures;  // not set where counting was not asked for
};

enum class TrashSort : std::uint8_t { date_deleted, total_size, name };
enum class SortDirection : std::uint8_t { ascending, descending };

// Which items; every condition that is set must hold.
struct TrashFilter {
  std::optional<ItemKind> kind;
  std::optional<std::string> name;        // glob(7) over the name in .trash/
  std::optional<std::string> origin;      // glob(7) over the origin; '*' matches '/' as well
  std::optional<std::string> deleted_by;  // account name
  std::optional<Timestamp> since;         // deleted at or after
  std::optional<Timestamp> until;         // deleted before
  std::optional<std::uint64_t> min_bytes;
  std::optional<SessionId> session;
};

struct TrashQuery {
  TrashFilter filter;
  TrashSort sort_by = TrashSort::date_deleted;
  SortDirection direction = SortDirection::descending;
  std::size_t offset = 0;
  std::size_t limit = 100;
};

struct TrashPage {
  std::vector<TrashItem> items;  // with figures
  std::size_t total = 0;         // that match, on all pages
};

// One item with what it holds of each kind.
struct TrashItemDetail {
  TrashItem item;
  std::map<ItemKind, std::uint64_t> counts;
};

struct TrashHow {
  TrashMode mode = TrashMode::item;
  Guard guard = Guard::heed;
};

enum class OnCollision : std::uint8_t { fail, rename, skip, replace };

struct RestoreOptions {
  OnCollision on_collision = OnCollision::fail;
  bool recreate_parents = false;  // make the folders of the origin again where they are gone
  bool together = false;          // with each item all that was trashed together with it
  bool as_undo = false;           // taking back is not something to take back: the next undo goes further into the past
  bool rehearse = false;          // nothing is changed: outcomes tell what would become of the items
  Guard guard = Guard::heed;      // of what a restored item replaces
  std::optional<std::string> to;  // a directory below the account's root, instead of the original parent
};

enum class BatchState : std::uint8_t { done, skipped, failed };

// What became of one item or path of a batch.
struct BatchOutcome {
  BatchState state = BatchState::failed;
  TrashItemId id;
  std::string subject;              // the item's name in .trash/, or the path as it was asked for
  std::string path;                 // where it is now: the restored path, or the name in .trash/
  std::optional<EventKind> effect;  // what was done, where that depends on who owns it
  std::string code;                 // of what went wrong: code_name(); empty when done
  std::string errno_symbol;
  std::string reason;
};

}  // namespace reprieve
