// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <sstream>

#include "tests/model/tree_model.h"

// Trashing, folding, restoring and purging.
namespace reprieve::test {
namespace {

std::string suffixed(const std::string& name, unsigned number) {
  return number == 1 ? name : name + "~" + std::to_string(number);
}

}  // namespace

std::vector<ModelItem>::iterator TreeModel::find_item(int number) {
  return std::ranges::find(items_, number, &ModelItem::number);
}

// The lowest free number up to 4. Beyond that core may pass over numbers that were freed: it doubles to a free one and
// halves back.
std::string TreeModel::free_name(const std::string& wanted) const {
  const auto taken = [&](unsigned number) {
    return std::ranges::find(items_, suffixed(wanted, number), &ModelItem::name) != items_.end();
  };
  for (unsigned number = 1; number <= 4; ++number) {
    if (!taken(number)) return suffixed(wanted, number);
  }
  unsigned high = 8;
  while (taken(high)) high *= 2;
  unsigned low = std::max(high / 2, 4U);
  while (high - low > 1) {
    const unsigned middle = (low + high) / 2;
    (taken(middle) ? low : high) = middle;
  }
  return suffixed(wanted, high);
}

void TreeModel::discard(const NodePtr& directory, const std::string& name, int session, bool folds,
                        const std::string& wanted) {
  const NodePtr node = directory->children.at(name);
  if (folds && node->is_directory()) fold(node, session);
  const std::string path = find(*directory).path;
  ModelItem item{.number = ++last_item_,
                 .name = free_name(wanted.empty() ? name : wanted),
                 .kind = node->kind,
                 .node = node,
                 .parent = directory,
                 .own_name = name,
                 .origin = path.empty() ? name : path + "/" + name,
                 .session = session,
                 .parent_before = directory->modified,
                 .parent_after = now_};
  directory->children.erase(name);
  directory->modified = now_;
  items_.push_back(std::move(item));
}

void TreeModel::fold(const NodePtr& directory, int session) {
  // Back through the removals for as long as nobody else changed the directory in between.
  Timestamp modified = directory->modified;
  bool unbroken = true;
  std::vector<ModelItem> left;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    const bool ours = item->parent == directory && item->session == session;
    if (ours) {
      unbroken = unbroken && item->parent_after == modified;
      if (unbroken) modified = item->parent_before;
    }
    if (ours && directory->children.try_emplace(item->own_name, item->node).second) continue;
    left.push_back(*item);
  }
  std::ranges::reverse(left);
  items_ = std::move(left);
  directory->modified = modified;
}

Refusal TreeModel::trash_path(const Path& path, int session) {
  NodePtr parent;
  NodePtr node;
  if (const auto refusal = resolve(path, parent, node)) return refusal;
  if (parent == trash_) return Errc::in_trash;
  if (is_skeleton(node->kind)) return Errc::skeleton;
  if (!is_live(*parent)) return Errc::in_trash;
  discard(parent, path.back(), session, false);
  return {};
}

void TreeModel::reinstate(int number, const Target& target) {
  const auto found = find_item(number);
  const ModelItem item = *found;
  items_.erase(found);
  const bool in_place = target.directory == item.parent && target.name == item.own_name;
  const bool undisturbed = item.parent->modified == item.parent_after;
  arrive(item.node, target);
  if (in_place && undisturbed) item.parent->modified = item.parent_before;
}

Refusal TreeModel::make_path(const std::string& path, NodePtr& directory) {
  directory = root_;
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '/');) {
    const auto existing = directory->children.find(name);
    if (existing != directory->children.end()) {
      directory = existing->second;
      if (!directory->is_directory()) return Errc::not_directory;
      continue;
    }
    const NodePtr made = make(ItemKind::folder, S_IFDIR | 0755);
    ItemKind kind{};
    if (const auto refusal = place(*made, *directory, name, kind)) return refusal;
    directory->children[name] = made;
    directory->modified = now_;
    settle(*made, kind);
    directory = made;
  }
  return {};
}

Refusal TreeModel::restore_directory(const ModelItem& item, bool recreate_parents, const std::optional<Path>& to,
                                     NodePtr& directory) {
  if (to) {
    NodePtr parent;
    if (to->empty()) {
      directory = root_;
    } else if (const auto refusal = resolve(*to, parent, directory)) {
      return refusal;
    }
    if (!directory->is_directory()) return Errc::not_directory;
    return is_live(*directory) ? Refusal() : Errc::in_trash;
  }
  directory = item.parent;
  const Life life = find(*directory).life;
  if (life == Life::live) return {};
  if (recreate_parents) return make_path(item.origin.substr(0, item.origin.rfind('/')), directory);
  return life == Life::trashed ? Errc::parent_in_trash : Errc::parent_purged;
}

ModelOutcome TreeModel::restore_one(int number, OnCollision on_collision, bool recreate_parents,
                                    const std::optional<Path>& to, int session) {
  const auto refused = [number](Errc code) { return ModelOutcome{BatchState::failed, number, code, {}}; };
  const auto found = find_item(number);
  if (found == items_.end()) return refused(Errc::not_found);
  const ModelItem item = *found;
  Target target{.directory = nullptr, .name = item.own_name, .existing = nullptr};
  if (const auto refusal = restore_directory(item, recreate_parents, to, target.directory)) return refused(*refusal);
  if (const auto refusal = place(*item.node, *target.directory, target.name, target.kind)) return refused(*refusal);
  if (target.directory->children.contains(target.name)) {
    switch (on_collision) {
      case OnCollision::fail: return refused(Errc::exists);
      case OnCollision::skip: return {BatchState::skipped, number, {}, {}};
      case OnCollision::replace: discard(target.directory, target.name, session, false); break;
      case OnCollision::rename:
        for (unsigned next = 2; target.directory->children.contains(target.name); ++next)
          target.name = suffixed(item.own_name, next);
        if (const auto refusal = place(*item.node, *target.directory, target.name, target.kind))
          return refused(*refusal);
        break;
    }
  }
  reinstate(number, target);
  return {BatchState::done, number, {}, find(*target.directory).path + "/" + target.name};
}

std::vector<ModelOutcome> TreeModel::restore(std::vector<int> items, OnCollision on_collision, bool recreate_parents,
                                             const std::optional<Path>& to, int session) {
  std::ranges::sort(items, std::ranges::greater{});
  std::vector<ModelOutcome> outcomes;
  for (const int number : items) {
    // A refusal leaves nothing changed.
    TreeModel attempt = copy();
    outcomes.push_back(attempt.restore_one(number, on_collision, recreate_parents, to, session));
    if (outcomes.back().state != BatchState::failed) *this = std::move(attempt);
  }
  return outcomes;
}

std::vector<bool> TreeModel::purge(const std::vector<int>& items) {
  std::vector<bool> purged;
  for (const int number : items) {
    const auto found = find_item(number);
    purged.push_back(found != items_.end());
    if (found != items_.end()) items_.erase(found);
  }
  return purged;
}

TreeModel TreeModel::copy() const {
  std::map<const Node*, NodePtr> copies;
  const std::function<NodePtr(const NodePtr&)> copy_node = [&](const NodePtr& node) {
    NodePtr& made = copies[node.get()];
    if (made) return made;
    made = std::make_shared<Node>(*node);
    const NodePtr result = made;
    for (auto& [name, child] : result->children) child = copy_node(child);
    return result;
  };
  TreeModel other = *this;
  other.root_ = copy_node(root_);
  other.trash_ = other.root_->children.at(".trash");
  for (ModelItem& item : other.items_) {
    item.node = copy_node(item.node);
    item.parent = copy_node(item.parent);
  }
  return other;
}

}  // namespace reprieve::test
