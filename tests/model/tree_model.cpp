// SPDX-License-Identifier: Apache-2.0
#include "tests/model/tree_model.h"

#include <algorithm>
#include <functional>

namespace reprieve::test {
namespace {

bool is_fixed(ItemKind kind) {
  return kind == ItemKind::root || kind == ItemKind::projects || kind == ItemKind::runs || kind == ItemKind::trash;
}

// Which kind of item the directories in a directory of this kind are.
std::optional<ItemKind> member_kind(ItemKind directory) {
  switch (directory) {
    case ItemKind::projects: return ItemKind::project;
    case ItemKind::runs: return ItemKind::run;
    case ItemKind::samples: return ItemKind::sample;
    case ItemKind::analyses: return ItemKind::analysis;
    default: return std::nullopt;
  }
}

}  // namespace

TreeModel::TreeModel(bool keep_replaced, Timestamp start) : keep_replaced_(keep_replaced), now_(start) {
  root_ = make(ItemKind::root, S_IFDIR | 0755);
  root_->children["projects"] = make(ItemKind::projects, S_IFDIR | 0755);
  root_->children["runs"] = make(ItemKind::runs, S_IFDIR | 0755);
  trash_ = root_->children[".trash"] = make(ItemKind::trash, S_IFDIR | 0700);
}

NodePtr TreeModel::make(ItemKind kind, mode_t mode) {
  auto node = std::make_shared<Node>();
  node->number = ++last_node_;
  node->kind = kind;
  node->mode = mode;
  node->modified = now_;
  return node;
}

Refusal TreeModel::place(const Node& node, const Node& directory, const std::string& name, ItemKind& kind) {
  kind = node.kind;
  if (is_fixed(node.kind)) return Errc::skeleton;
  if (directory.kind == ItemKind::trash) return Errc::in_trash;
  if (directory.kind == ItemKind::root) return name.starts_with(".Trash") ? Errc::reserved_name : Errc::skeleton;
  const bool plain = node.kind == ItemKind::folder;
  if (const auto member = member_kind(directory.kind)) {
    const bool files_too = directory.kind == ItemKind::samples || directory.kind == ItemKind::analyses;
    if (node.kind == ItemKind::file) return files_too ? Refusal() : Errc::wrong_place;
    if (!plain && node.kind != *member) return Errc::wrong_place;
    kind = *member;
    return {};
  }
  if (directory.kind == ItemKind::project) {
    if (plain && name == "samples") kind = ItemKind::samples;
    if (plain && name == "analyses") kind = ItemKind::analyses;
    if (node.kind == ItemKind::samples && name == "samples") return {};
    if (node.kind == ItemKind::analyses && name == "analyses") return {};
  }
  return plain || node.kind == ItemKind::file ? Refusal() : Errc::wrong_place;
}

void TreeModel::settle_container(Node& project, const std::string& name, ItemKind container) {
  const auto existing = project.children.find(name);
  if (existing == project.children.end()) {
    project.children[name] = make(container, S_IFDIR | (project.mode & 0777));
    project.modified = now_;
  } else if (existing->second->kind == ItemKind::folder) {
    settle(*existing->second, container);
  }
}

void TreeModel::settle(Node& directory, ItemKind kind) {
  const bool changes = directory.kind != kind;
  directory.kind = kind;
  if (!changes) return;
  if (kind == ItemKind::project) {
    settle_container(directory, "samples", ItemKind::samples);
    settle_container(directory, "analyses", ItemKind::analyses);
  }
  if (kind != ItemKind::samples && kind != ItemKind::analyses) return;
  for (const auto& [name, child] : directory.children) {
    if (child->kind == ItemKind::folder) child->kind = *member_kind(kind);
  }
}

Refusal TreeModel::create(const NodePtr& directory, const std::string& name, mode_t mode, const std::string& bytes) {
  if (!directory->is_directory()) return Errc::not_directory;
  Node made;
  made.kind = S_ISDIR(mode) ? ItemKind::folder : ItemKind::file;
  ItemKind kind{};
  if (const auto refusal = place(made, *directory, name, kind)) return refusal;
  if (!is_live(*directory)) return Errc::in_trash;
  if (directory->children.contains(name)) return Errc::exists;
  const NodePtr node = make(made.kind, mode);
  node->bytes = bytes;
  directory->children[name] = node;
  directory->modified = now_;
  if (S_ISDIR(mode)) settle(*node, kind);
  return {};
}

Refusal TreeModel::link(const NodePtr& node, const NodePtr& directory, const std::string& name) {
  if (node->is_directory()) return Errc::wrong_place;
  if (!directory->is_directory()) return Errc::not_directory;
  ItemKind kind{};
  if (const auto refusal = place(*node, *directory, name, kind)) return refusal;
  if (!is_live(*directory)) return Errc::in_trash;
  if (directory->children.contains(name)) return Errc::exists;
  if (!is_live(*node)) return Errc::in_trash;
  directory->children[name] = node;
  directory->modified = now_;
  return {};
}

Refusal TreeModel::chmod(const NodePtr& node, mode_t permissions) {
  if (node == trash_) return Errc::skeleton;
  if (!is_live(*node)) return Errc::in_trash;
  node->mode = (node->mode & S_IFMT) | permissions;
  return {};
}

Refusal TreeModel::write(const NodePtr& node, const std::string& bytes) {
  if (node->is_directory()) return Errc::is_directory;
  if (!S_ISREG(node->mode)) return Errc::invalid_argument;
  if (!is_live(*node)) return Errc::in_trash;
  node->bytes.replace(0, std::min(bytes.size(), node->bytes.size()), bytes);
  return {};
}

Refusal TreeModel::truncate(const NodePtr& node, std::size_t size) {
  if (node == trash_) return Errc::skeleton;
  if (!is_live(*node)) return Errc::in_trash;
  if (!S_ISREG(node->mode)) return Errc::invalid_argument;
  node->bytes.resize(size);
  return {};
}

Refusal TreeModel::set_xattr(const NodePtr& node, const std::string& name, const std::string& value, bool create,
                             bool replace) {
  if (node == trash_) return Errc::skeleton;
  if (!is_live(*node)) return Errc::in_trash;
  if (name.starts_with("user.reprieve.")) return Errc::reserved_name;
  const bool exists = node->xattrs.contains(name);
  if (create && exists) return Errc::exists;
  if (replace && !exists) return Errc::no_attribute;
  node->xattrs[name] = value;
  return {};
}

Refusal TreeModel::remove_xattr(const NodePtr& node, const std::string& name) {
  if (node == trash_) return Errc::skeleton;
  if (!is_live(*node)) return Errc::in_trash;
  if (name.starts_with("user.reprieve.")) return Errc::reserved_name;
  return node->xattrs.erase(name) == 1 ? Refusal() : Errc::no_attribute;
}

namespace {

// Every directory at or below one, by path.
void walk(const NodePtr& top, const TreeModel::Path& path, std::vector<TreeModel::Path>& found) {
  if (!top->is_directory()) return;
  found.push_back(path);
  for (const auto& [name, child] : top->children) {
    if (child->kind == ItemKind::trash) continue;
    TreeModel::Path below = path;
    below.push_back(name);
    walk(child, below, found);
  }
}

// The first path to a node at or below `top`.
bool search(const Node& top, const Node& wanted, std::string& path) {
  if (&top == &wanted) return true;
  for (const auto& [name, child] : top.children) {
    std::string below;
    if (!search(*child, wanted, below)) continue;
    path = below.empty() ? name : name + "/" + below;
    return true;
  }
  return false;
}

void visit_names(const Node& top, const std::function<void(const Node&)>& visit) {
  for (const auto& [name, child] : top.children) {
    visit(*child);
    visit_names(*child, visit);
  }
}

}  // namespace

TreeModel::Whereabouts TreeModel::find(const Node& node) const {
  std::string path;
  if (search(*root_, node, path)) return {Life::live, path};
  const bool trashed = std::ranges::any_of(items_, [&](const ModelItem& i) { return search(*i.node, node, path); });
  return {trashed ? Life::trashed : Life::gone, {}};
}

NodePtr TreeModel::at(const Path& path) const {
  NodePtr parent;
  NodePtr node = root_;
  if (!path.empty() && resolve(path, parent, node)) return nullptr;
  return node;
}

Refusal TreeModel::resolve(const Path& path, NodePtr& parent, NodePtr& node) const {
  node = root_;
  for (const std::string& name : path) {
    parent = node;
    if (parent == trash_) {
      const auto item = std::ranges::find(items_, name, &ModelItem::name);
      if (item == items_.end()) return Errc::not_found;
      node = item->node;
      continue;
    }
    if (!parent->is_directory()) return Errc::not_directory;
    const auto child = parent->children.find(name);
    if (child == parent->children.end()) return Errc::not_found;
    node = child->second;
  }
  return {};
}

std::vector<TreeModel::Path> TreeModel::directories() const {
  std::vector<Path> found;
  walk(root_, {}, found);
  found.push_back({".trash"});
  for (const ModelItem& item : items_) walk(item.node, {".trash", item.name}, found);
  return found;
}

std::vector<std::string> TreeModel::listing(const NodePtr& directory) const {
  std::vector<std::string> names;
  if (directory == trash_) {
    for (const ModelItem& item : items_) names.push_back(item.name);
  } else {
    for (const auto& [name, child] : directory->children) names.push_back(name);
  }
  return names;
}

const ModelItem* TreeModel::item(int number) const {
  const auto found = std::ranges::find(items_, number, &ModelItem::number);
  return found == items_.end() ? nullptr : &*found;
}

std::uint32_t TreeModel::links(const Node& node) const {
  if (node.is_directory()) {
    return 2 + static_cast<std::uint32_t>(std::ranges::count_if(
                   node.children, [](const auto& child) { return child.second->is_directory(); }));
  }
  std::uint32_t names = 0;
  const auto count = [&](const Node& found) { names += &found == &node ? 1U : 0U; };
  visit_names(*root_, count);
  for (const ModelItem& item : items_) visit_names(*item.node, count);
  return std::max(names, 1U);  // a trashed file is there under .trash/
}

TreeFigures TreeModel::figures(const std::vector<int>& numbers) const {
  TreeFigures total;
  std::map<const Node*, unsigned> inside;
  const auto add = [&](const Node& node) {
    ++(node.is_directory() ? total.folders : total.files);
    if (!node.is_directory()) ++inside[&node];
  };
  for (const int number : numbers) {
    add(*item(number)->node);
    visit_names(*item(number)->node, add);
  }
  std::map<const Node*, unsigned> all;
  const auto count = [&all](const Node& node) { ++all[&node]; };
  visit_names(*root_, count);
  for (const ModelItem& item : items_) {
    count(*item.node);
    visit_names(*item.node, count);
  }
  for (const auto& [node, names] : inside) {
    total.bytes += node->bytes.size();
    if (all[node] == names) total.exclusive_bytes += node->bytes.size();
  }
  return total;
}

std::map<ItemKind, std::uint64_t> TreeModel::counts(const Node& top) {
  std::map<ItemKind, std::uint64_t> found;
  const auto count = [&found](const Node& node) {
    const bool container = node.kind == ItemKind::samples || node.kind == ItemKind::analyses;
    ++found[container ? ItemKind::folder : node.kind];
  };
  count(top);
  visit_names(top, count);
  return found;
}

}  // namespace reprieve::test
