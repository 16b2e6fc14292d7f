// SPDX-License-Identifier: Apache-2.0
#include "core/items.h"

#include "core/arrival.h"
#include "core/associations.h"
#include "core/deletion_verdict.h"
#include "core/history.h"
#include "core/own_attributes.h"
#include "core/parts.h"
#include "core/standing.h"
#include "core/tree_figures.h"

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

}  // namespace

Items::Items(CoreParts& parts) : parts_(parts) {}

Result<ItemDescription> Items::describe(const Account& account, const std::string& path) {
  return parts_.store->read([&](Transaction& tx) -> Result<ItemDescription> {
    REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
    return describe_inode(tx, account, target.inode);
  });
}

Result<void> Items::set_status(const Account& account, const std::string& path, ItemStatus status,
                               const Caller& caller) {
  REPRIEVE_TRY(const InodeId changed, parts_.store->write([&](Transaction& tx) -> Result<InodeId> {
    REPRIEVE_TRY(const InodeRow item, require_item(tx, account, path));
    REPRIEVE_TRY_VOID(require_status_kind(item));
    tx.inodes.set_status(item.id, status);
    record_change(tx, account, caller, parts_.clock.now(), EventKind::status, item.id, path,
                  std::string(status_name(status)));
    return item.id;
  }));
  parts_.announce({.through = caller.mount, .seen = {{changed, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<void> Items::associate(const Account& account, const std::string& derived,
                              const std::vector<std::string>& sources, const Caller& caller) {
  REPRIEVE_TRY(const InodeId changed, parts_.store->write([&](Transaction& tx) -> Result<InodeId> {
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
  }));
  parts_.announce({.through = caller.mount, .seen = {{changed, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<void> Items::dissociate(const Account& account, const std::string& derived,
                               const std::vector<std::string>& sources, const Caller& caller) {
  REPRIEVE_TRY(const InodeId changed, parts_.store->write([&](Transaction& tx) -> Result<InodeId> {
    REPRIEVE_TRY(const InodeRow item, require_item(tx, account, derived));
    for (const std::string& path : sources) {
      REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
      if (!tx.derivations.remove(item.id, target.inode)) {
        return fail(Errc::not_found, derived + " is not associated with " + path);
      }
    }
    record_change(tx, account, caller, parts_.clock.now(), EventKind::dissociate, item.id, derived,
                  "from " + listed(sources));
    return item.id;
  }));
  parts_.announce({.through = caller.mount, .seen = {{changed, std::nullopt}}, .aftermath = {}});
  return {};
}

Result<void> Items::add_to(const Account& account, const std::string& project, const std::string& sample,
                           const Caller& caller) {
  Changes changes{.through = caller.mount};
  REPRIEVE_TRY_VOID(parts_.store->write([&](Transaction& tx) -> Result<void> {
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
    changes.seen = {{folder, from.name}, {added.id, std::nullopt}};
    return {};
  }));
  parts_.announce(changes);
  return {};
}

Result<Explanation> Items::explain(const Account& account, const std::string& path) {
  InodeId top;
  REPRIEVE_TRY(Explanation explanation, parts_.store->read([&](Transaction& tx) -> Result<Explanation> {
    REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
    top = target.inode;
    Explanation found;
    REPRIEVE_TRY(found.item, describe_inode(tx, account, target.inode));
    if (target.parent == account.trash) {
      found.refusal = Error{Errc::in_trash, {}};
      return found;
    }
    const auto doomed = tx.entries.find_live_with_inode(target.parent, target.name.bytes());
    if (!doomed || is_hidden(tx, account, *doomed)) return fail(Errc::not_found, path + " does not exist");
    const auto verdict = judge_deletion(tx, account, *doomed, locate(tx, account, target.parent), Guard::heed);
    if (verdict) {
      found.fate = *verdict;
    } else {
      found.refusal = verdict.error();
    }
    return found;
  }));
  REPRIEVE_TRY(explanation.figures, count_together(parts_, {top}));
  return explanation;
}

}  // namespace reprieve
