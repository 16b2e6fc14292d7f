// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/check_repair.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/accounts/arrival.h"
#include "core/base/time_text.h"
#include "core/view/free_entry_name.h"
#include "core/view/item_kind.h"

namespace reprieve {
namespace {

constexpr std::size_t kPortion = 512;
constexpr int kMostBits = 48;            // of the number of an inode
constexpr std::size_t kDateLength = 10;  // of an RFC 3339 time

bool is_directory(const std::optional<InodeRow>& inode) { return inode && S_ISDIR(inode->mode); }

// The name where it is free, else with a number.
std::string free_name(Transaction& tx, InodeId directory, const EntryName& name) {
  if (!tx.entries.find_live(directory, name.bytes())) return name.bytes();
  return free_entry_name(tx, directory, name).bytes();
}

}  // namespace

std::string CheckRepair::put_right(const Invariant& rule, const RowSubject& row) {
  switch (rule.repair) {
    case Repair::none: return {};
    case Repair::to_lost_found:
    case Repair::clear_mark: return give_place(rule, row);
    case Repair::remove_row: return remove(rule, row);
    case Repair::count_links: return count_links(row.inode);
    case Repair::inherit_owner: return inherit_owner(row.inode);
    case Repair::raise_sequence: return pass_number(rule, row);
    case Repair::follow_grant: return follow_grant(rule, row);
    case Repair::follow_owner: return follow_owner(row);
  }
  return {};
}

std::string CheckRepair::remove(const Invariant& rule, const RowSubject& row) {
  switch (rule.walk) {
    case Walk::entries: return remove_entry(*tx_.entries.find(row.parent, row.entry));
    case Walk::trash_items: tx_.trash.remove(row.item); break;
    case Walk::grants: tx_.grants.remove(row.inode, row.account); break;
    case Walk::hidden_entries:
      tx_.hidden.remove(
          {.account = row.account, .parent = row.parent, .entry = row.entry, .session = {}, .settled = {}});
      break;
    case Walk::doomed_blobs: tx_.purges.buried(row.inode); break;
    case Walk::accounts:
    case Walk::inodes:
    case Walk::xattrs:
    case Walk::derivations:
    case Walk::idempotency_outcomes:
    case Walk::empty_plans: tx_.invariants.remove_broken(rule, row.key); break;
  }
  return "the row was removed";
}

std::string CheckRepair::give_place(const Invariant& rule, const RowSubject& row) {
  if (rule.walk == Walk::inodes) {
    const std::vector<EntryRow> places = tx_.entries.places(row.inode);
    const auto home =
        std::ranges::find_if(places, [](const EntryRow& place) { return place.role == Role::owner && !place.item; });
    if (home == places.end()) return enter(row.inode);
    return tx_.inodes.find(row.inode)->kind == ItemKind::project || tx_.inodes.find(row.inode)->kind == ItemKind::run
               ? keep_one_home(row)
               : move(*home);
  }
  const auto entry = tx_.entries.find(row.parent, row.entry);
  if (!entry) return {};
  std::string done = move(*entry);
  if (!done.empty() && row.item) {
    const auto item = tx_.trash.find(row.item);
    if (item && item->parent == row.parent && item->entry == row.entry) tx_.trash.remove(row.item);
  }
  return done;
}

// Of the places of a project or run that are not shares the first one that is live, or else trashed, is kept.
std::string CheckRepair::keep_one_home(const RowSubject& row) {
  std::vector<EntryRow> homes = tx_.entries.places(row.inode);
  std::erase_if(homes, [](const EntryRow& place) { return place.role != Role::owner; });
  std::stable_partition(homes.begin(), homes.end(), [](const EntryRow& place) { return !place.item; });
  for (std::size_t i = 1; i < homes.size(); ++i) remove_entry(homes[i]);
  return "its other entries were removed";
}

std::string CheckRepair::remove_entry(const EntryRow& entry) {
  if (entry.item) {
    const auto item = tx_.trash.find(entry.item);
    if (item && item->parent == entry.parent && item->entry == entry.id) tx_.trash.remove(entry.item);
  }
  tx_.entries.remove(entry.parent, entry.id);
  tx_.invariants.count_links(entry.parent);
  tx_.invariants.count_links(entry.inode);
  changes_.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  return "the entry was removed";
}

std::string CheckRepair::count_links(InodeId inode) {
  tx_.invariants.count_links(inode);
  tx_.inodes.set_changed(inode, now_);
  changes_.seen.push_back({inode, std::nullopt});
  return "the link count was put right";
}

std::optional<Account> CheckRepair::holder_of(AccountId owner) {
  if (auto account = tx_.accounts.find(owner)) return account;
  const auto accounts = tx_.accounts.all();
  return accounts.empty() ? std::nullopt : std::optional(accounts.front());
}

void CheckRepair::set_owner(const InodeRow& top, const Account& holder) {
  if (top.owner == holder.id) return;
  tx_.inodes.adopt(top.id, holder.id, top.uid, top.gid, holder.uid, holder.gid, now_);
}

std::string CheckRepair::inherit_owner(InodeId inode) {
  const auto row = tx_.inodes.find(inode);
  const auto place = tx_.entries.place(inode);
  const auto parent = place ? tx_.inodes.find(place->parent) : std::nullopt;
  const auto holder = holder_of(parent ? parent->owner : AccountId());
  if (!row || !holder) return {};
  set_owner(*row, *holder);
  changes_.seen.push_back({inode, std::nullopt});
  return "it belongs to " + holder->name;
}

std::string CheckRepair::pass_number(const Invariant& rule, const RowSubject& row) {
  switch (rule.walk) {
    case Walk::inodes: tx_.sequences.pass(row.inode); break;
    case Walk::entries: tx_.sequences.pass(row.entry); break;
    case Walk::trash_items: tx_.sequences.pass(row.item); break;
    default: return {};
  }
  return "numbers go on behind it";
}

std::string CheckRepair::follow_grant(const Invariant& rule, const RowSubject& row) {
  if (rule.walk == Walk::entries) {
    const auto entry = tx_.entries.find(row.parent, row.entry);
    return entry ? follow_grant(*entry) : std::string();
  }
  auto grant = tx_.grants.find(row.inode, row.account);
  const auto account = tx_.accounts.find(row.account);
  const auto item = tx_.inodes.find(row.inode);
  if (!grant || !account || !item) return {};
  const InodeId folder = item->kind == ItemKind::run ? account->runs : account->projects;
  std::vector<EntryRow> places = tx_.entries.places(row.inode);
  std::erase_if(places, [&](const EntryRow& place) { return place.parent != folder; });
  for (std::size_t i = 1; i < places.size(); ++i) remove_entry(places[i]);
  if (!places.empty()) return "its other entries were removed";
  if (!is_directory(tx_.inodes.find(folder))) return {};
  const auto name = EntryName::parse(grant->name);
  grant->name = free_name(tx_, folder, name ? *name : EntryName::trusted(std::to_string(row.inode.number())));
  add_entry(tx_, folder, grant->name, row.inode, grant->role);
  tx_.grants.put(*grant);
  tx_.invariants.count_links(folder);
  changes_.seen.push_back({folder, EntryName::trusted(grant->name)});
  return "it is there again as " + grant->name;
}

std::string CheckRepair::follow_grant(const EntryRow& entry) {
  const auto accounts = tx_.accounts.all();
  const auto account = std::ranges::find_if(
      accounts, [&entry](const Account& each) { return entry.parent == each.projects || entry.parent == each.runs; });
  const auto item = tx_.inodes.find(entry.inode);
  const bool is_share = account != accounts.end() && item && item->owner != account->id;
  if (!is_share) {
    tx_.entries.set_role(entry.parent, entry.id, Role::owner);
    changes_.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
    return "it is no share";
  }
  const auto grant = tx_.grants.find(entry.inode, account->id);
  const auto homes = tx_.entries.places(entry.inode);
  const bool is_trashed =
      std::ranges::any_of(homes, [](const EntryRow& place) { return place.role == Role::owner && place.item; });
  if (!grant || grant->state != GrantState::active || is_trashed) return remove_entry(entry);
  tx_.entries.set_role(entry.parent, entry.id, grant->role);
  tx_.grants.set_name(entry.inode, account->id, entry.name);
  changes_.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  return "it is what was granted";
}

std::string CheckRepair::follow_owner(const RowSubject& row) {
  const auto item = tx_.trash.find(row.item);
  const auto inode = tx_.inodes.find(row.inode);
  const auto directory = item ? tx_.inodes.find(item->parent) : std::nullopt;
  if (!inode || !directory) return {};
  // Where it was tells which of the two is wrong.
  const auto holder = tx_.accounts.find(directory->owner);
  if (!holder) return {};
  if (holder->id == item->account) {
    set_owner(*inode, *holder);
    return "it belongs to " + holder->name;
  }
  if (holder->id != inode->owner) return {};
  return "it is in the trash of " + holder->name + " as " + give_item(tx_, *item, *holder, changes_).bytes();
}

std::string CheckRepair::enter(InodeId inode) {
  const auto row = tx_.inodes.find(inode);
  if (!row) return {};
  const auto place = find_place(*row, std::to_string(inode.number()));
  if (!place) return {};
  add_entry(tx_, place->directory, place->name, inode);
  return settle(*row, *place);
}

std::string CheckRepair::move(const EntryRow& entry) {
  const auto row = tx_.inodes.find(entry.inode);
  if (!row) return {};
  const auto place = find_place(*row, entry.name);
  if (!place) return {};
  tx_.entries.move(entry, place->directory, place->name);
  if (entry.role != Role::owner) {
    if (const auto moved = tx_.entries.find_live(place->directory, place->name))
      tx_.entries.set_role(moved->parent, moved->id, Role::owner);
  }
  tx_.invariants.count_links(entry.parent);
  changes_.seen.push_back({entry.parent, EntryName::trusted(entry.name)});
  return settle(*row, *place);
}

// What comes to a place there: owner, kind, link counts.
std::string CheckRepair::settle(const InodeRow& inode, const Place& place) {
  const auto directory = tx_.inodes.find(place.directory);
  if (const auto holder = holder_of(directory->owner)) set_owner(inode, *holder);
  if (inode.kind == ItemKind::samples || inode.kind == ItemKind::analyses) as_folder(inode);
  tx_.invariants.count_links(inode.id);
  tx_.inodes.directory_changed(place.directory, 0, now_);
  tx_.invariants.count_links(place.directory);
  changes_.seen.push_back({place.directory, EntryName::trusted(place.name)});
  changes_.seen.push_back({inode.id, std::nullopt});
  return "it is in lost+found as " + place.name;
}

// samples/ and analyses/ are what they are in a project under these names only.
void CheckRepair::as_folder(const InodeRow& container) {
  tx_.inodes.set_kind(container.id, ItemKind::folder);
  for (EntryId after{}; true;) {
    const auto children = tx_.entries.list(container.id, after, kPortion);
    for (const auto& [entry, inode] : children) {
      if (inode.kind == ItemKind::sample || inode.kind == ItemKind::analysis)
        tx_.inodes.set_kind(inode.id, ItemKind::folder);
    }
    if (children.size() < kPortion) return;
    after = children.back().entry.id;
  }
}

std::optional<CheckRepair::Place> CheckRepair::find_place(const InodeRow& inode, const std::string& wanted) {
  const auto holder = holder_of(inode.owner);
  if (!holder || is_skeleton(inode.kind)) return std::nullopt;
  auto parsed = EntryName::parse(wanted);
  const bool is_taken = wanted == "samples" || wanted == "analyses";
  EntryName name = parsed && !is_taken ? *std::move(parsed) : EntryName::trusted(std::to_string(inode.id.number()));
  if (inode.kind == ItemKind::project || inode.kind == ItemKind::run) {
    const InodeId folder = inode.kind == ItemKind::run ? holder->runs : holder->projects;
    if (!is_directory(tx_.inodes.find(folder))) return std::nullopt;
    name = EntryName::trusted("lost+found-" + rfc3339(now_).substr(0, kDateLength) + "-" +
                              std::to_string(inode.id.number()));
    return Place{folder, free_name(tx_, folder, name)};
  }
  const auto project = lost_found(*holder);
  if (!project) return std::nullopt;
  InodeId folder = *project;
  if (inode.kind == ItemKind::sample || inode.kind == ItemKind::analysis) {
    const auto container = tx_.entries.find_live(*project, inode.kind == ItemKind::sample ? "samples" : "analyses");
    if (!container) return std::nullopt;
    folder = container->inode;
  }
  return Place{folder, free_name(tx_, folder, name)};
}

std::optional<InodeId> CheckRepair::lost_found(const Account& holder) {
  const auto projects = tx_.inodes.find(holder.projects);
  if (!is_directory(projects)) return std::nullopt;
  const EntryName wanted = EntryName::trusted("lost+found-" + rfc3339(now_).substr(0, kDateLength));
  std::string name = wanted.bytes();
  if (const auto there = tx_.entries.find_live_with_inode(holder.projects, name)) {
    if (there->entry.role == Role::owner && there->inode.kind == ItemKind::project) return there->inode.id;
    name = free_entry_name(tx_, holder.projects, wanted).bytes();
  }
  const Caller owner{.uid = holder.uid, .gid = holder.gid};
  const InodeRow made = make_inode({holder, holder}, tx_.sequences.next_inode(), ItemKind::folder, S_IFDIR | S_IRWXU,
                                   *projects, owner, now_);
  tx_.inodes.insert(made, nullptr);
  add_entry(tx_, holder.projects, name, made.id);
  tx_.inodes.directory_changed(holder.projects, 1, now_);
  settle_kind(tx_, holder, made, ItemKind::project, owner, now_);
  changes_.seen.push_back({holder.projects, EntryName::trusted(name)});
  return made.id;
}

std::string CheckRepair::enter_blob(InodeId blob) {
  // No store has given out so many, and what comes next would be numbered behind it.
  if (blob.number() >> kMostBits != 0) return {};
  const auto holder = holder_of(AccountId());
  if (!holder) return {};
  tx_.sequences.pass(blob);
  InodeRow row{.id = blob, .kind = ItemKind::file, .mode = S_IFREG | S_IRUSR | S_IWUSR, .uid = holder->uid};
  row.gid = holder->gid;
  row.changed = row.born = now_;
  row.owner = row.creator = holder->id;
  tx_.inodes.insert(row, nullptr);
  std::string done = enter(blob);
  if (done.empty()) tx_.inodes.remove(blob);
  return done;
}

std::string CheckRepair::mark_lost(InodeId file) {
  tx_.inodes.set_xattr(file, kLostAttribute, rfc3339(now_));
  changes_.seen.push_back({file, std::nullopt});
  return "it is marked as lost";
}

std::string CheckRepair::unmark_lost(InodeId file) {
  tx_.inodes.remove_xattr(file, kLostAttribute);
  changes_.seen.push_back({file, std::nullopt});
  return "the mark was removed";
}

}  // namespace reprieve
