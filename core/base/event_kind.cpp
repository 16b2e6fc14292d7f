// SPDX-License-Identifier: Apache-2.0
#include "core/base/event_kind.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace reprieve {
namespace {

constexpr std::array kNames{std::pair{EventKind::trash, std::string_view("trash")},
                            std::pair{EventKind::restore, std::string_view("restore")},
                            std::pair{EventKind::restore_part, std::string_view("restore_part")},
                            std::pair{EventKind::restore_files, std::string_view("restore_files")},
                            std::pair{EventKind::purge, std::string_view("purge")},
                            std::pair{EventKind::replace, std::string_view("replace")},
                            std::pair{EventKind::trash_at_owner, std::string_view("trash_at_owner")},
                            std::pair{EventKind::leave, std::string_view("leave")},
                            std::pair{EventKind::hide, std::string_view("hide")},
                            std::pair{EventKind::unhide, std::string_view("unhide")},
                            std::pair{EventKind::rejoin, std::string_view("rejoin")},
                            std::pair{EventKind::share, std::string_view("share")},
                            std::pair{EventKind::unshare, std::string_view("unshare")},
                            std::pair{EventKind::associate, std::string_view("associate")},
                            std::pair{EventKind::dissociate, std::string_view("dissociate")},
                            std::pair{EventKind::status, std::string_view("status")},
                            std::pair{EventKind::add_to, std::string_view("add_to")},
                            std::pair{EventKind::account_add, std::string_view("account_add")},
                            std::pair{EventKind::account_set, std::string_view("account_set")},
                            std::pair{EventKind::account_remove, std::string_view("account_remove")},
                            std::pair{EventKind::configuration, std::string_view("configuration")},
                            std::pair{EventKind::damaged, std::string_view("damaged")},
                            std::pair{EventKind::undamaged, std::string_view("undamaged")},
                            std::pair{EventKind::denied, std::string_view("denied")},
                            std::pair{EventKind::backup_failed, std::string_view("backup_failed")},
                            std::pair{EventKind::metadata_restore, std::string_view("metadata_restore")},
                            std::pair{EventKind::repair, std::string_view("repair")}};

}  // namespace

std::string_view event_name(EventKind kind) {
  return std::find_if(kNames.begin(), kNames.end(), [kind](const auto& row) { return row.first == kind; })->second;
}

Result<EventKind> parse_event_kind(std::string_view name) {
  std::string known;
  for (const auto& [kind, text] : kNames) {
    if (text == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(text);
  }
  return fail(Errc::invalid_argument, "must be one of " + known);
}

EventKind event_named(std::string_view name) {
  const auto* row =
      std::find_if(kNames.begin(), kNames.end(), [name](const auto& each) { return each.second == name; });
  return row == kNames.end() ? EventKind::restore : row->first;
}

}  // namespace reprieve
