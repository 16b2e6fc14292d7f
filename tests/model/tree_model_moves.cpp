// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/model/tree_model.h"

// Removing and renaming.
namespace reprieve::test {
namespace {

bool is_excluded(const std::string& name) { return name.starts_with(".nfs") || name.starts_with(".fuse_hidden"); }

bool holds(const Node& directory, const Node& wanted) {
  return &directory == &wanted ||
         std::ranges::any_of(directory.children, [&wanted](const auto& child) { return holds(*child.second, wanted); });
}

}  // namespace

// A project may go with the folders that it came with, if those are empty.
bool TreeModel::is_removable(const Node& directory) {
  return std::ranges::all_of(directory.children, [&directory](const auto& named) {
    const Node& child = *named.second;
    const bool container = child.kind == ItemKind::samples || child.kind == ItemKind::analyses;
    return directory.kind == ItemKind::project && container && child.children.empty();
  });
}

Refusal TreeModel::unlink(const NodePtr& directory, const std::string& name, int session) {
  if (directory == trash_) return Errc::in_trash;
  const auto child = directory->children.find(name);
  if (child == directory->children.end()) return Errc::not_found;
  if (child->second->is_directory()) return Errc::is_directory;
  return remove(directory, name, session);
}

Refusal TreeModel::rmdir(const NodePtr& directory, const std::string& name, int session) {
  if (directory == trash_) return Errc::in_trash;
  const auto child = directory->children.find(name);
  if (child == directory->children.end()) return Errc::not_found;
  const Node& node = *child->second;
  if (!node.is_directory()) return Errc::not_directory;
  if (is_skeleton(node.kind)) return Errc::skeleton;
  if (!is_removable(node)) return Errc::not_empty;
  return remove(directory, name, session);
}

Refusal TreeModel::remove(const NodePtr& directory, const std::string& name, int session) {
  if (!is_live(*directory)) return Errc::in_trash;
  if (!directory->children.at(name)->is_directory() && is_excluded(name)) {
    directory->children.erase(name);
    directory->modified = now_;
  } else {
    discard(directory, name, session, true);
  }
  return {};
}

Refusal TreeModel::find_target(const NodePtr& to, const std::string& name, Target& target) const {
  if (!to->is_directory()) return Errc::not_directory;
  if (!is_live(*to)) return Errc::in_trash;
  const auto existing = to->children.find(name);
  target = {to, name, existing == to->children.end() ? nullptr : existing->second};
  return {};
}

Refusal TreeModel::check_arrival(const NodePtr& moved, RenameMode mode, Target& target) {
  if (const auto refusal = place(*moved, *target.directory, target.name, target.kind)) return refusal;
  if (moved->is_directory() && holds(*moved, *target.directory)) return Errc::invalid_argument;
  if (!target.existing) return {};
  const Node& existing = *target.existing;
  if (mode == RenameMode::no_replace) return Errc::exists;
  if (is_skeleton(existing.kind)) return Errc::skeleton;
  if (moved->is_directory() && !existing.is_directory()) return Errc::not_directory;
  if (!moved->is_directory() && existing.is_directory()) return Errc::is_directory;
  if (existing.is_directory() && !is_removable(existing)) return Errc::not_empty;
  return {};
}

void TreeModel::make_way(const Target& target, int session) {
  if (!target.existing) return;
  if (target.existing->is_directory() || (keep_replaced_ && !is_excluded(target.name))) {
    discard(target.directory, target.name, session, true);
  } else {
    target.directory->children.erase(target.name);
    target.directory->modified = now_;
  }
}

void TreeModel::arrive(const NodePtr& moved, const Target& target) {
  target.directory->children[target.name] = moved;
  target.directory->modified = now_;
  if (moved->is_directory()) settle(*moved, target.kind);
}

Refusal TreeModel::exchange(const NodePtr& from, const std::string& old_name, const Target& target) {
  if (!target.existing) return Errc::not_found;
  const NodePtr moved = from->children.at(old_name);
  const NodePtr other = target.existing;
  ItemKind moved_kind{};
  ItemKind other_kind{};
  if (const auto refusal = place(*moved, *target.directory, target.name, moved_kind)) return refusal;
  if (const auto refusal = place(*other, *from, old_name, other_kind)) return refusal;
  if (moved->is_directory() && holds(*moved, *target.directory)) return Errc::invalid_argument;
  if (other->is_directory() && holds(*other, *from)) return Errc::invalid_argument;
  from->children[old_name] = other;
  target.directory->children[target.name] = moved;
  from->modified = target.directory->modified = now_;
  if (moved->is_directory()) settle(*moved, moved_kind);
  if (other->is_directory()) settle(*other, other_kind);
  return {};
}

Refusal TreeModel::rename(const NodePtr& from, const std::string& old_name, const NodePtr& to,
                          const std::string& new_name, RenameMode mode, int session) {
  const bool exchanges = mode == RenameMode::exchange;
  if (exchanges && (from == trash_ || to == trash_)) return Errc::invalid_argument;
  if (from == trash_) return restore_by_rename(old_name, to, new_name, mode, session);
  const auto child = from->children.find(old_name);
  if (child == from->children.end()) return Errc::not_found;
  const NodePtr moved = child->second;
  const bool is_part = !is_live(*from);
  if (is_part && (exchanges || to == trash_)) return Errc::in_trash;
  if (to == trash_) {
    if (is_skeleton(moved->kind)) return Errc::skeleton;
    discard(from, old_name, session, false, new_name);
    return {};
  }
  Target target;
  if (const auto refusal = find_target(to, new_name, target)) return refusal;
  if (exchanges) return exchange(from, old_name, target);
  if (!is_part && target.existing == moved) return mode == RenameMode::no_replace ? Refusal(Errc::exists) : Refusal();
  if (const auto refusal = check_arrival(moved, mode, target)) return refusal;
  make_way(target, session);
  from->children.erase(old_name);
  if (!is_part) from->modified = now_;  // what is left in the trash stays as it was
  arrive(moved, target);
  return {};
}

Refusal TreeModel::restore_by_rename(const std::string& name, const NodePtr& to, const std::string& new_name,
                                     RenameMode mode, int session) {
  if (to == trash_) return Errc::in_trash;
  const auto found = std::ranges::find(items_, name, &ModelItem::name);
  if (found == items_.end()) return Errc::not_found;
  const ModelItem item = *found;
  Target target;
  if (const auto refusal = find_target(to, new_name, target)) return refusal;
  if (const auto refusal = check_arrival(item.node, mode, target)) return refusal;
  if (target.existing == item.node) return Errc::exists;
  make_way(target, session);
  if (find_item(item.number) != items_.end()) {
    reinstate(item.number, target);
  } else {
    // It was folded into the directory that made way.
    item.parent->children.erase(item.own_name);
    arrive(item.node, target);
  }
  return {};
}

}  // namespace reprieve::test
