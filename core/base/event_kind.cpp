// SPDX-License-Identifier: Apache-2.0
#include "core/base/event_kind.h"

#include <algorithm>
#include <array>
#include <utility>

namespace reprieve {
namespace {

constexpr std::array kNames{std::pair{EventKind::trash, std::string_view("trash")},
                            std::pair{EventKind::restore, std::string_view("restore")},
                            std::pair{EventKind::leave, std::string_view("leave")},
                            std::pair{EventKind::hide, std::string_view("hide")},
                            std::pair{EventKind::unhide, std::string_view("unhide")},
                            std::pair{EventKind::rejoin, std::string_view("rejoin")},
                            std::pair{EventKind::share, std::string_view("share")},
                            std::pair{EventKind::unshare, std::string_view("unshare")},
                            std::pair{EventKind::account_add, std::string_view("account_add")},
                            std::pair{EventKind::account_set, std::string_view("account_set")},
                            std::pair{EventKind::account_remove, std::string_view("account_remove")},
                            std::pair{EventKind::denied, std::string_view("denied")}};

}  // namespace

std::string_view event_name(EventKind kind) {
  return std::find_if(kNames.begin(), kNames.end(), [kind](const auto& row) { return row.first == kind; })->second;
}

EventKind event_named(std::string_view name) {
  const auto* row =
      std::find_if(kNames.begin(), kNames.end(), [name](const auto& each) { return each.second == name; });
  return row == kNames.end() ? EventKind::restore : row->first;
}

}  // namespace reprieve
