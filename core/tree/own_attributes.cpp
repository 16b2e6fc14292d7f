// SPDX-License-Identifier: Apache-2.0
#include "core/tree/own_attributes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "core/accounts/associations.h"
#include "core/base/time_text.h"
#include "core/parts.h"
#include "core/trash/history.h"
#include "core/trash/tree_figures.h"
#include "core/view/item_status.h"
#include "core/view/standing.h"

namespace reprieve {
namespace {

constexpr std::string_view kPrefix = "user.reprieve.";
constexpr std::string_view kStatus = "status";
constexpr std::string_view kDerivedFrom = "derived_from";
constexpr std::string_view kTrashFolder = ".trash";

std::string_view short_name(std::string_view name) { return name.substr(kPrefix.size()); }

// What there is to be said of an inode before its tree is counted.
struct Facts {
  InodeRow inode;
  bool live = false;
  Ownership ownership;
  std::string sources;           // paths, one a line
  std::optional<TrashRow> item;  // the account's own, of which it is the top
  std::string deleted_by;
};

std::string source_paths(Transaction& tx, const Account& account, InodeId inode) {
  std::string lines;
  for (const InodeId source : tx.derivations.sources_of(inode)) {
    const auto path = visible_path(tx, account, source);
    if (path) lines += (lines.empty() ? "" : "\n") + *path;
  }
  return lines;
}

Result<Facts> gather(CoreParts& parts, Transaction& tx, const Account& account, InodeId inode) {
  Facts facts;
  REPRIEVE_TRY(facts.inode, require_inode(tx, inode));
  REPRIEVE_TRY_VOID(standing_of(parts, tx, account, facts.inode));
  const Location location = locate_inode(tx, account, inode);
  facts.live = location.life == Life::live;
  facts.ownership = ownership_of(tx, facts.inode, location);
  facts.sources = source_paths(tx, account, inode);
  for (const EntryRow& place : tx.entries.places(inode)) {
    if (!place.item) continue;
    auto item = tx.trash.find(place.item);
    if (item && item->account == account.id) facts.item = std::move(item);
  }
  const auto deleter = facts.item ? tx.accounts.find(facts.item->deleted_by) : std::nullopt;
  if (deleter) facts.deleted_by = deleter->name;
  return facts;
}

std::string text(bool value) { return value ? "true" : "false"; }

// None: it does not apply.
std::optional<std::string> of_live(const Facts& facts, std::string_view name) {
  if (!facts.live) return std::nullopt;
  if (name == "owner") return facts.ownership.owner;
  if (name == "role") return std::string(facts.ownership.role);
  return std::nullopt;
}

std::optional<std::string> of_any(const Facts& facts, std::string_view name) {
  if (name == "kind") return std::string(kind_name(facts.item ? facts.item->kind : facts.inode.kind));
  if (name == kStatus && facts.inode.status != ItemStatus::none) return std::string(status_name(facts.inode.status));
  if (name == kDerivedFrom && !facts.sources.empty()) return facts.sources;
  return std::nullopt;
}

std::optional<std::string> of_trashed(const Facts& facts, std::string_view name) {
  if (!facts.item) return std::nullopt;
  const TrashRow& item = *facts.item;
  if (name == "id") return std::to_string(item.id.number());
  if (name == "origin") return item.origin;
  if (name == "deleted_at") return rfc3339(item.deleted);
  if (name == "deleted_by") return facts.deleted_by;
  if (name == "session") return std::to_string(item.session.number());
  if (name == "held") return text(item.held);
  return std::nullopt;
}

Result<void> set_sources(Transaction& tx, const Account& account, const InodeRow& item, std::string_view lines) {
  tx.derivations.remove_sources(item.id);
  while (!lines.empty()) {
    const std::string_view path = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(path.size() + 1, lines.size()));
    if (path.empty()) continue;
    REPRIEVE_TRY(const PathTarget target, Namespace::resolve_in(tx, account, path));
    REPRIEVE_TRY(const InodeRow source, require_inode(tx, target.inode));
    REPRIEVE_TRY_VOID(check_association(item, source));
    tx.derivations.add(item.id, source.id);
  }
  return {};
}

// A way up to the root, or to the account's own item.
struct WayUp {
  UpwardPath path;
  bool in_trash = false;
};

// None: what is there is in another account's trash.
std::optional<WayUp> one_up(Transaction& tx, const Account& account, const EntryRow& place, WayUp walked) {
  if (!place.item) {
    walked.path.add(place.name);
    return walked;
  }
  const auto item = tx.trash.find(place.item);
  if (!item || item->account != account.id) return std::nullopt;
  walked.path.add(item->name);
  walked.path.add(std::string(kTrashFolder));
  walked.in_trash = true;
  return walked;
}

std::optional<WayUp> way_up(Transaction& tx, const Account& account, InodeId inode, WayUp walked);

// A live one before others.
std::optional<WayUp> best_way_up(Transaction& tx, const Account& account, const std::vector<EntryRow>& places,
                                 const WayUp& walked) {
  std::optional<WayUp> in_trash;
  for (const EntryRow& place : places) {
    auto way = one_up(tx, account, place, walked);
    if (way && !way->in_trash) way = way_up(tx, account, place.parent, *std::move(way));
    if (way && !way->in_trash) return way;
    if (way) in_trash = std::move(way);
  }
  return in_trash;
}

// From `inode` on. Calls itself only where there are several places: a tree can be deeper than a stack.
std::optional<WayUp> way_up(Transaction& tx, const Account& account, InodeId inode, WayUp walked) {
  for (InodeId at = inode; at != account.root;) {
    const auto places = tx.entries.places(at);
    if (places.size() != 1) return best_way_up(tx, account, places, walked);
    auto way = one_up(tx, account, places.front(), std::move(walked));
    if (!way || way->in_trash) return way;
    walked = *std::move(way);
    at = places.front().parent;
  }
  return walked;
}

tl::unexpected<Error> reserved() {
  return fail(Errc::reserved_name, "of user.reprieve.* only status and derived_from can be set");
}

}  // namespace

bool is_own_attribute(std::string_view name) { return name.starts_with(kPrefix); }

Result<std::string> own_attribute(CoreParts& parts, const Account& account, InodeId inode, const std::string& name) {
  REPRIEVE_TRY(const Facts facts,
               parts.store->read([&](Transaction& tx) { return gather(parts, tx, account, inode); }));
  const std::string_view wanted = short_name(name);
  for (auto value : {of_any(facts, wanted), of_live(facts, wanted), of_trashed(facts, wanted)}) {
    if (value) return *std::move(value);
  }
  if (!facts.item || (wanted != "files" && wanted != "bytes")) return fail(Errc::no_attribute);
  REPRIEVE_TRY(const TreeFigures figures, figures_of(parts, *facts.item));
  return std::to_string(wanted == "files" ? figures.files : figures.bytes);
}

Result<void> set_own_attribute(Transaction& tx, const Account& account, const InodeRow& item, const std::string& name,
                               const std::string& value, XattrMode mode, const Caller& caller, Timestamp now) {
  const std::string_view wanted = short_name(name);
  const auto path = [&] { return visible_path(tx, account, item.id).value_or(std::string()); };
  if (wanted == kStatus) {
    REPRIEVE_TRY_VOID(require_status_kind(item));
    REPRIEVE_TRY(const ItemStatus status, parse_status(value));
    REPRIEVE_TRY_VOID(check_xattr_mode(item.status != ItemStatus::none, mode));
    tx.inodes.set_status(item.id, status);
    record_change(tx, account, caller, now, EventKind::status, item.id, path(), std::string(status_name(status)));
    return {};
  }
  if (wanted != kDerivedFrom) return reserved();
  REPRIEVE_TRY_VOID(check_xattr_mode(!tx.derivations.sources_of(item.id).empty(), mode));
  REPRIEVE_TRY_VOID(set_sources(tx, account, item, value));
  std::string sources = value;
  std::ranges::replace(sources, '\n', ' ');
  record_change(tx, account, caller, now, EventKind::associate, item.id, path(), "with " + sources + " alone");
  return {};
}

Result<void> remove_own_attribute(Transaction& tx, const Account& account, const InodeRow& item,
                                  const std::string& name, const Caller& caller, Timestamp now) {
  const std::string_view wanted = short_name(name);
  const auto path = [&] { return visible_path(tx, account, item.id).value_or(std::string()); };
  if (wanted == kStatus) {
    if (item.status == ItemStatus::none) return fail(Errc::no_attribute);
    tx.inodes.set_status(item.id, ItemStatus::none);
    record_change(tx, account, caller, now, EventKind::status, item.id, path(),
                  std::string(status_name(ItemStatus::none)));
    return {};
  }
  if (wanted != kDerivedFrom) return reserved();
  if (tx.derivations.sources_of(item.id).empty()) return fail(Errc::no_attribute);
  tx.derivations.remove_sources(item.id);
  record_change(tx, account, caller, now, EventKind::dissociate, item.id, path(), "from all");
  return {};
}

std::optional<std::string> visible_path(Transaction& tx, const Account& account, InodeId inode) {
  const auto way = way_up(tx, account, inode, {});
  if (!way) return std::nullopt;
  return way->path.text();
}

Ownership ownership_of(Transaction& tx, const InodeRow& item, const Location& location) {
  const auto top = location.top ? tx.inodes.find(location.top) : std::nullopt;
  const auto owner = tx.accounts.find(top ? top->owner : item.owner);
  return {.owner = owner ? owner->name : std::string(), .role = role_name(location.role)};
}

}  // namespace reprieve
