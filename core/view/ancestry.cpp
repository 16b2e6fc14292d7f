// SPDX-License-Identifier: Apache-2.0
#include "core/view/ancestry.h"

#include <algorithm>
#include <vector>

namespace reprieve {
namespace {

// The way up from a directory to the account's root, as far as it leads.
struct Climb {
  Life life = Life::live;
  TrashItemId item;
  std::vector<EntryRow> steps;  // the directory's own place first; without the one that is trashed
  bool elsewhere_too = false;   // one of them has other places
};

Climb climb(Transaction& tx, const Account& account, InodeId directory);

// Which of several places is this account's: one that leads to its root, live if there is such a one.
std::optional<EntryRow> choose(Transaction& tx, const Account& account, const std::vector<EntryRow>& places) {
  std::optional<EntryRow> trashed;
  for (const EntryRow& place : places) {
    // Most often decided at once: what is shared lies in the projects/ or runs/ of each account that has it.
    const bool at_top = place.parent == account.projects || place.parent == account.runs;
    if (at_top && !place.item) return place;
  }
  // Of several that are live the one by which the account may do most.
  std::optional<EntryRow> best;
  Role role = Role::viewer;
  for (const EntryRow& place : places) {
    if (place.item) {
      if (!trashed) trashed = place;
      continue;
    }
    const Climb above = climb(tx, account, place.parent);
    if (above.life == Life::trashed && !trashed) trashed = place;
    if (above.life != Life::live) continue;
    const Role here = above.steps.size() < 2 ? Role::owner : above.steps[above.steps.size() - 2].role;
    if (here == Role::owner) return place;
    if (!best || role == Role::viewer) {
      best = place;
      role = here;
    }
  }
  return best ? best : trashed;
}

std::optional<EntryRow> place_of(Transaction& tx, const Account& account, InodeId directory) {
  const std::vector<EntryRow>& places = tx.entries.places_of_directory(directory);
  if (places.size() == 1) return places.front();
  if (places.empty()) return std::nullopt;
  return choose(tx, account, std::vector<EntryRow>(places));  // a copy: the walk reads other places
}

Climb climb(Transaction& tx, const Account& account, InodeId directory) {
  Climb way;
  for (InodeId at = directory; at != account.root;) {
    auto place = place_of(tx, account, at);
    if (!place) return {.life = Life::purged, .item = {}, .steps = {}};
    if (place->item) {
      way.life = Life::trashed;
      way.item = place->item;
      return way;
    }
    at = place->parent;
    way.elsewhere_too |= tx.entries.places_of_directory(place->inode).size() > 1;
    way.steps.push_back(*std::move(place));
  }
  return way;
}

// Who made the directories below the item.
void find_makers(Transaction& tx, const Account& account, const std::vector<EntryRow>& steps, Location& location) {
  for (const EntryRow& step : steps) {
    if (step.inode == location.top || step.inode == account.projects || step.inode == account.runs) continue;
    const auto row = tx.inodes.find(step.inode);
    if (!row) continue;
    location.created |= row->creator == account.id;
    location.of_guest |= row->creator != row->owner;
  }
}

constexpr int kBest = 6;

int rank(Transaction& tx, const Account& account, const Location& location) {
  if (location.life == Life::purged) return 0;
  if (location.life == Life::trashed) return is_own_item(tx, account, location.item) ? 2 : 1;
  if (location.role == Role::viewer) return 3;
  if (location.role == Role::editor) return location.created ? 5 : 4;
  return kBest;
}

}  // namespace

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

void UpwardPath::add(const std::string& name) {
  is_cut_ |= size_ + name.size() + 1 > kLongestPath;
  if (is_cut_) return;
  size_ += name.size() + 1;
  names_.push_back(name);
}

std::string UpwardPath::text() const {
  std::string text;
  text.reserve(size_);
  if (is_cut_) text = kCut;
  for (auto name = names_.rbegin(); name != names_.rend(); ++name) {
    if (name != names_.rbegin()) text += '/';
    text += *name;
  }
  return text;
}

bool is_own_item(Transaction& tx, const Account& account, TrashItemId id) {
  const auto item = tx.trash.find(id);
  return item && item->account == account.id;
}

Location locate(Transaction& tx, const Account& account, InodeId directory) {
  const Climb way = climb(tx, account, directory);
  Location location{.life = way.life, .item = way.item, .path = {}, .role = Role::owner, .top = {}};
  if (way.life != Life::live) return location;
  UpwardPath path;
  for (const EntryRow& step : way.steps) path.add(step.name);
  location.path = path.text();
  // From the root down the steps are projects/ or runs/, then the item.
  if (way.steps.size() < 2) return location;
  const EntryRow& top = way.steps[way.steps.size() - 2];
  location.top = top.inode;
  location.role = top.role;
  location.elsewhere_too = way.elsewhere_too;
  if (location.role != Role::owner) find_makers(tx, account, way.steps, location);
  return location;
}

std::optional<EntryRow> place_in_tree(Transaction& tx, const Account& account, InodeId directory) {
  return place_of(tx, account, directory);
}

Result<InodeRow> require_inode(Transaction& tx, InodeId inode) {
  auto row = tx.inodes.find(inode);
  if (!row) return fail(Errc::stale);
  return *row;
}

Result<Location> require_live(Transaction& tx, const Account& account, InodeId directory) {
  Location location = locate(tx, account, directory);
  if (location.life == Life::trashed) return fail(Errc::in_trash);
  if (location.life == Life::purged) return fail(Errc::not_found, "the directory was purged");
  return location;
}

Result<Location> require_changeable(Transaction& tx, const Account& account, InodeId directory) {
  REPRIEVE_TRY(Location location, require_live(tx, account, directory));
  if (location.role == Role::viewer) return fail(Errc::viewer_only);
  return location;
}

Location locate_inode(Transaction& tx, const Account& account, InodeId inode) {
  if (inode == account.root) return {};
  Location best{.life = Life::purged};
  int best_rank = 0;
  for (const EntryRow& place : tx.entries.places(inode)) {
    Location here =
        place.item ? Location{.life = Life::trashed, .item = place.item} : locate(tx, account, place.parent);
    if (here.life == Life::live && place.role != Role::owner) {
      here.role = place.role;
      here.top = inode;
    } else if (here.life == Life::live && (place.parent == account.projects || place.parent == account.runs)) {
      here.top = inode;
    }
    const int here_rank = rank(tx, account, here);
    if (here_rank == kBest) return here;
    if (here_rank > best_rank) {
      best = std::move(here);
      best_rank = here_rank;
    }
  }
  return best;
}

Result<void> check_new_place(Transaction& tx, const Account& account, const InodeRow& inode, const Location& from,
                             const Location& to) {
  if (from.role == Role::owner) return {};
  if (from.role == Role::viewer) return fail(Errc::viewer_only);
  if (to.top == from.top) {
    if (from.created || inode.creator == account.id || !to.of_guest) return {};
    return fail(Errc::not_yours, "only its owner may put it into a directory that a collaborator made; copy it");
  }
  if (!tx.inodes.made_by_others(inode.id, account.id)) return {};
  return fail(Errc::not_yours, "only its owner may move it out of the shared item; copy it");
}

bool is_within(Transaction& tx, InodeId directory, InodeId ancestor) {
  if (directory == ancestor) return true;
  for (InodeId at = directory;;) {
    const std::vector<EntryRow>& places = tx.entries.places_of_directory(at);
    if (places.empty()) return false;
    if (places.size() > 1) {
      const std::vector<EntryRow> all(places);  // a copy: the walk reads other places
      return std::any_of(all.begin(), all.end(),
                         [&](const EntryRow& place) { return is_within(tx, place.parent, ancestor); });
    }
    at = places.front().parent;
    if (at == ancestor) return true;
  }
}

}  // namespace reprieve
