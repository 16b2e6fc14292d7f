// SPDX-License-Identifier: Apache-2.0
#include "core/tree/items.h"

#include "core/accounts/arrival.h"
#include "core/accounts/associations.h"
#include "core/requests/once.h"
#include "core/trash/deletion_verdict.h"
#include "core/trash/files_only.h"
#include "core/trash/history.h"
#include "core/trash/trash_group.h"
#include "core/trash/tree_figures.h"
#include "core/tree/own_attributes.h"
#include "core/view/standing.h"

namespace reprieve {
namespace {

// A path that leads to an item which may be changed.
Result<InodeRow> require_item(Transaction& tx, const Account& account, const std::string& path) {
  REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
  REPRIEVE_TRY(InodeRow row, require_inode(tx, target.inode));
  if (target.parent == account.trash) return fail(Errc::in_trash);
  const Location location = locate_inode(tx, account, target.inode);
  if (location.life != Life::live) return fail(Errc::in_trash);
  if (location.role == Role::viewer) return fail(Errc::viewer_only);
  return row;
}

std::string listed(const std::vector<std::string>& paths) {
  std::string line;
  for (const std::string& path : paths) line += (line.empty() ? "" : ", ") + path;
  return line;
}

Result<InodeRow> require_owned(Transaction& tx, const Account& account, const std::string& path) {
  REPRIEVE_TRY(InodeRow row, require_item(tx, account, path));
  if (locate_inode(tx, account, row.id).role != Role::owner) return fail(Errc::not_yours);
  return row;
}

std::vector<std::string> live_paths(Transaction& tx, const Account& account, InodeId inode) {
  std::vector<std::string> paths;
  for (const EntryRow& place : live_places(tx, account, inode)) {
    paths.push_back(join(locate(tx, account, place.parent).path, place.name));
  }
  return paths;
}

std::vector<std::string> paths_of(Transaction& tx, const Account& account, const std::vector<InodeId>& inodes) {
  std::vector<std::string> paths;
  for (const InodeId inode : inodes) {
    if (auto path = visible_path(tx, account, inode)) paths.push_back(*std::move(path));
  }
  return paths;
}

Result<ItemDescription> describe_inode(Transaction& tx, const Account& account, InodeId inode) {
  REPRIEVE_TRY(const InodeRow row, require_inode(tx, inode));
  const Ownership ownership = ownership_of(tx, row, locate_inode(tx, account, inode));
  return ItemDescription{.kind = row.kind,
                         .owner = ownership.owner,
                         .role = std::string(ownership.role),
                         .status = row.status,
                         .files_deleted = row.files_deleted,
                         .places = live_paths(tx, account, inode),
                         .derived_from = paths_of(tx, account, tx.derivations.sources_of(inode)),
                         .made_from_it = paths_of(tx, account, tx.derivations.derived_from(inode))};
}

// A deletion that would be carried out in the mode of an item alone.
struct Judged {
  EntryWithInode doomed;
  Fate fate;
  TrashMode mode;
};

// Whether it may be in its mode, too; what would go with it.
Result<std::vector<EntryRow>> judge_mode(Transaction& tx, const Account& account, const std::string& path,
                                         const Judged& judged) {
  switch (judged.mode) {
    case TrashMode::item: return std::vector<EntryRow>();
    case TrashMode::files_only: {
      if (judged.fate != Fate::trash) return fail(Errc::not_yours, "only its owner can delete its files");
      REPRIEVE_TRY_VOID(require_files(tx, judged.doomed.inode));
      return std::vector<EntryRow>();
    }
    case TrashMode::with_associated: {
      REPRIEVE_TRY(auto group, find_group(tx, account, path, Guard::heed));
      group.erase(group.begin());
      return group;
    }
  }
  return fail(Errc::internal);
}

}  // namespace

Items::Items(CoreParts& parts) : parts_(parts) {}

Result<ItemDescription> Items::describe(const Account& account, const std::string& path) {
  return parts_.store->read([&](Transaction& tx) -> Result<ItemDescription> {
    REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
    return describe_inode(tx, account, target.inode);
  });
}

Result<ItemDescription> Items::change(const Account& account, const Caller& caller, const Change& change) {
  InodeId changed;
  const auto apply = [&](Transaction& tx) -> Result<ItemDescription> {
    REPRIEVE_TRY(changed, change(tx));
    return describe_inode(tx, account, changed);
  };
  REPRIEVE_TRY(ItemDescription item, write_once<ItemDescription>(parts_, caller.part, Step::first, apply));
  if (changed) parts_.announce({.through = caller.mount, .seen = {{changed, std::nullopt}}, .aftermath = {}});
  return item;
}

Result<ItemDescription> Items::set_status(const Account& account, const std::string& path, ItemStatus status,
                                          const Caller& caller) {
  return change(account, caller, [&](Transaction& tx) -> Result<InodeId> {
    REPRIEVE_TRY(const InodeRow item, require_item(tx, account, path));
    REPRIEVE_TRY_VOID(require_status_kind(item));
    tx.inodes.set_status(item.id, status);
    record_change(tx, account, caller, parts_.clock.now(), EventKind::status, item.id, path,
                  std::string(status_name(status)));
    return item.id;
  });
}

Result<ItemDescription> Items::associate(const Account& account, const std::string& derived,
                                         const std::vector<std::string>& sources, const Caller& caller) {
  return change(account, caller, [&](Transaction& tx) -> Result<InodeId> {
    REPRIEVE_TRY(const InodeRow item, require_item(tx, account, derived));
    for (const std::string& path : sources) {
      REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
      REPRIEVE_TRY(const InodeRow source, require_inode(tx, target.inode));
      REPRIEVE_TRY_VOID(check_association(item, source));
      tx.derivations.add(item.id, source.id);
    }
    record_change(tx, account, caller, parts_.clock.now(), EventKind::associate, item.id, derived,
                  "with " + listed(sources));
    return item.id;
  });
}

Result<ItemDescription> Items::dissociate(const Account& account, const std::string& derived,
                                          const std::vector<std::string>& sources, const Caller& caller) {
  return change(account, caller, [&](Transaction& tx) -> Result<InodeId> {
    REPRIEVE_TRY(const InodeRow item, require_item(tx, account, derived));
    for (const std::string& path : sources) {
      REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
      if (!tx.derivations.remove(item.id, target.inode)) {
        std::string reason = derived;
        return fail(Errc::not_found, reason.append(" is not associated with ").append(path));
      }
    }
    record_change(tx, account, caller, parts_.clock.now(), EventKind::dissociate, item.id, derived,
                  "from " + listed(sources));
    return item.id;
  });
}

Result<ItemDescription> Items::add_to(const Account& account, const std::string& project, const std::string& sample,
                                      const Caller& caller) {
  Changes changes{.through = caller.mount};
  const auto add = [&](Transaction& tx) -> Result<ItemDescription> {
    REPRIEVE_TRY(const InodeRow added, require_owned(tx, account, sample));
    REPRIEVE_TRY(const InodeRow target, require_owned(tx, account, project));
    if (added.kind != ItemKind::sample) return fail(Errc::wrong_place, sample + " is no sample");
    if (target.kind != ItemKind::project) return fail(Errc::wrong_place, project + " is no project");
    const auto samples = tx.entries.find_live_with_inode(target.id, "samples");
    if (!samples || samples->inode.kind != ItemKind::samples) {
      return fail(Errc::wrong_place, project + " has no folder of samples");
    }
    const InodeId folder = samples->inode.id;
    for (const EntryRow& place : tx.entries.places(added.id)) {
      if (place.parent == folder && !place.item) return fail(Errc::exists, "the sample is in that project already");
    }
    REPRIEVE_TRY(const PathTarget from, Namespace::resolve_in(tx, account, sample));
    if (tx.entries.find_live(folder, from.name.bytes())) return fail(Errc::exists);
    const Timestamp now = parts_.clock.now();
    add_entry(tx, folder, from.name.bytes(), added.id);
    tx.inodes.directory_changed(folder, 1, now);
    record_change(tx, account, caller, now, EventKind::add_to, added.id, sample, "to " + project);
    settle_audience(tx, account, added, samples->inode, changes);
    changes.seen = {{folder, from.name}, {added.id, std::nullopt}};
    return describe_inode(tx, account, added.id);
  };
  REPRIEVE_TRY(ItemDescription item, write_once<ItemDescription>(parts_, caller.part, Step::first, add));
  parts_.announce(changes);
  return item;
}

Result<Explanation> Items::explain(const Account& account, const std::string& path, TrashMode mode) {
  std::vector<InodeId> tops;
  REPRIEVE_TRY(Explanation explanation, parts_.store->read([&](Transaction& tx) -> Result<Explanation> {
    REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
    tops = {target.inode};
    Explanation found;
    REPRIEVE_TRY(found.item, describe_inode(tx, account, target.inode));
    if (target.parent == account.trash) {
      found.refusal = Error{Errc::in_trash, {}};
      return found;
    }
    const auto doomed = tx.entries.find_live_with_inode(target.parent, target.name.bytes());
    if (!doomed || is_hidden(tx, account, *doomed)) return fail(Errc::not_found, path + " does not exist");
    const auto verdict = judge_deletion(tx, account, *doomed, locate(tx, account, target.parent), Guard::heed);
    auto group = verdict ? judge_mode(tx, account, path, {*doomed, *verdict, mode}) : fail(verdict.error());
    if (verdict) found.fate = *verdict;
    if (!group) {
      found.refusal = std::move(group).error();
      return found;
    }
    for (const EntryRow& member : *group) {
      tops.push_back(member.inode);
      found.group.push_back(join(locate(tx, account, member.parent).path, member.name));
    }
    return found;
  }));
  REPRIEVE_TRY(explanation.figures, count_together(parts_, tops));
  return explanation;
}

}  // namespace reprieve
