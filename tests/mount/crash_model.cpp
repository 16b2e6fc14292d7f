// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/crash_model.h"

#include <sys/stat.h>

#include <functional>
#include <iomanip>
#include <sstream>

#include "tests/support/tree_snapshot.h"

namespace reprieve::test {

using Verb = CrashOperation::Verb;

struct CrashModel::Node {
  bool directory = false;
  std::shared_ptr<std::string> content;  // shared by hard links; "mode text", or the target of a symbolic link
  std::map<std::string, NodePointer> children;
};

struct CrashModel::Discarded {
  NodePointer node;
  NodePointer parent;  // that it was deleted from
  int session = 0;
};

namespace {

std::string describe_file(mode_t mode, const std::string& text) {
  std::ostringstream described;
  described << std::oct << (mode & 07777U) << " " << text;
  return described.str();
}

// All of one length, so that one write puts the whole text there.
std::string some_text(std::mt19937& random) {
  std::ostringstream text;
  text << "text" << std::setw(10) << std::setfill('0') << random();
  return text.str();
}

const std::string& pick(std::mt19937& random, const std::vector<std::string>& from) {
  return from[std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random)];
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

}  // namespace

CrashModel::CrashModel(std::string prefix) : prefix_(std::move(prefix)), root_(std::make_shared<Node>()) {
  root_->directory = true;
}

CrashModel::~CrashModel() = default;

CrashModel::CrashModel(const CrashModel& other) { *this = other; }

CrashModel& CrashModel::operator=(const CrashModel& other) {
  if (this == &other) return *this;
  prefix_ = other.prefix_, session_ = other.session_, next_name_ = other.next_name_;
  // Nodes and contents are shared where they were shared before.
  std::map<const Node*, NodePointer> nodes;
  std::map<const std::string*, std::shared_ptr<std::string>> contents;
  const std::function<NodePointer(const NodePointer&)> copy = [&](const NodePointer& from) -> NodePointer {
    if (const auto known = nodes.find(from.get()); known != nodes.end()) return known->second;
    auto to = std::make_shared<Node>();
    nodes[from.get()] = to;
    to->directory = from->directory;
    if (from->content) {
      auto& content = contents[from->content.get()];
      if (!content) content = std::make_shared<std::string>(*from->content);
      to->content = content;
    }
    for (const auto& [name, child] : from->children) to->children[name] = copy(child);
    return to;
  };
  root_ = copy(other.root_);
  trash_.clear();
  for (const auto& [name, item] : other.trash_) trash_[name] = {copy(item.node), copy(item.parent), item.session};
  return *this;
}

CrashModel::NodePointer CrashModel::find(const std::string& path) const {
  NodePointer node = root_;
  std::istringstream components(path);
  for (std::string name; std::getline(components, name, '/');) node = node->children.at(name);
  return node;
}

std::vector<std::string> CrashModel::paths(bool directories) const {
  std::vector<std::string> found;
  const std::function<void(const Node&, const std::string&)> walk = [&](const Node& node, const std::string& path) {
    if (node.directory == directories) found.push_back(path);
    for (const auto& [name, child] : node.children) walk(*child, join(path, name));
  };
  walk(*root_, "");
  return found;
}

std::string CrashModel::fresh_name() { return prefix_ + std::to_string(session_) + "-" + std::to_string(next_name_++); }

CrashOperation CrashModel::create_something(std::mt19937& random, const std::vector<std::string>& directories) {
  const std::string path = join(pick(random, directories), fresh_name());
  switch (random() % 4) {
    case 0: return {Verb::make_directory, path, ""};
    case 1: return {Verb::make_symlink, path, "target" + std::to_string(random() % 1000)};
    default: return {Verb::create, path, ""};
  }
}

CrashOperation CrashModel::change_something(std::mt19937& random, const std::vector<std::string>& directories,
                                            const std::vector<std::string>& files) {
  const std::string& file = pick(random, files);
  const std::string target = join(pick(random, directories), fresh_name());
  const bool is_link = find(file)->content->starts_with("-> ");
  switch (random() % 7) {
    case 0: return {Verb::rename, file, target};
    case 1:
      if (!is_link) return {Verb::link, file, target};
      break;
    case 2:
      if (!is_link) return {Verb::write, file, some_text(random)};
      break;
    case 3:
      if (!is_link) return {Verb::change_mode, file, random() % 2 == 0 ? "600" : "640"};
      break;
    case 4: return {Verb::discard, file, name_of(file)};
    case 5:
      if (!is_link) return {Verb::truncate, file, ""};
      break;
    default: break;
  }
  return {Verb::unlink, file, ""};
}

CrashOperation CrashModel::choose(std::mt19937& random) {
  const std::vector<std::string> directories = paths(true);
  const std::vector<std::string> files = paths(false);
  const auto dice = random() % 100;
  if (dice < 10 && !trash_.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, item] : trash_) names.push_back(name);
    return {Verb::restore, pick(random, names), join(pick(random, directories), fresh_name())};
  }
  if (dice < 25 && directories.size() > 1) {
    const std::string& directory = pick(random, directories);
    if (!directory.empty()) {
      if (find(directory)->children.empty()) return {Verb::remove_directory, directory, ""};
      if (dice < 13) return {Verb::discard, directory, name_of(directory)};
    }
  }
  if (dice < 60 && !files.empty()) return change_something(random, directories, files);
  return create_something(random, directories);
}

CrashModel::NodePointer CrashModel::take(const std::string& path) {
  const NodePointer parent = find(parent_of(path));
  NodePointer node = parent->children.at(name_of(path));
  parent->children.erase(name_of(path));
  return node;
}

void CrashModel::put(const std::string& path, NodePointer node) {
  find(parent_of(path))->children[name_of(path)] = std::move(node);
}

void CrashModel::discard(const std::string& path, bool fold) {
  const NodePointer parent = find(parent_of(path));
  const NodePointer node = take(path);
  if (fold) {
    for (auto item = trash_.begin(); item != trash_.end();) {
      const bool mine = item->second.parent == node && item->second.session == session_;
      if (mine) node->children[item->first] = item->second.node;
      item = mine ? trash_.erase(item) : std::next(item);
    }
  }
  trash_[name_of(path)] = {node, parent, session_};
}

void CrashModel::apply(const CrashOperation& operation) {
  const auto node_with = [](const std::string& content) {
    auto node = std::make_shared<Node>();
    node->content = std::make_shared<std::string>(content);
    return node;
  };
  switch (operation.verb) {
    case Verb::create: return put(operation.path, node_with(describe_file(0644, "")));
    case Verb::make_symlink: return put(operation.path, node_with("-> " + operation.other));
    case Verb::make_directory: {
      auto node = std::make_shared<Node>();
      node->directory = true;
      return put(operation.path, node);
    }
    case Verb::truncate:
    case Verb::write: {
      std::string& content = *find(operation.path)->content;
      content = content.substr(0, content.find(' ') + 1) + operation.other;
      return;
    }
    case Verb::change_mode: {
      std::string& content = *find(operation.path)->content;
      content = operation.other + content.substr(content.find(' '));
      return;
    }
    case Verb::link: {
      auto node = std::make_shared<Node>();
      node->content = find(operation.path)->content;
      return put(operation.other, node);
    }
    case Verb::rename: return put(operation.other, take(operation.path));
    case Verb::unlink: return discard(operation.path, false);
    case Verb::remove_directory: return discard(operation.path, true);
    case Verb::discard: return discard(operation.path, false);
    case Verb::restore: {
      const NodePointer node = trash_.at(operation.path).node;
      trash_.erase(operation.path);
      return put(operation.other, node);
    }
  }
}

std::map<std::string, std::string> CrashModel::listing() const {
  std::map<std::string, std::string> all;
  const std::function<void(const Node&, const std::string&)> walk = [&](const Node& node, const std::string& path) {
    all[path] = node.directory ? "directory" : *node.content;
    for (const auto& [name, child] : node.children) walk(*child, join(path, name));
  };
  walk(*root_, "");
  for (const auto& [name, item] : trash_) walk(*item.node, ".trash/" + name);
  return all;
}

std::map<std::string, std::string> read_listing(const std::filesystem::path& top, const std::filesystem::path& trash,
                                                const std::string& prefix) {
  std::map<std::string, std::string> all;
  const std::function<void(const std::filesystem::path&, const std::string&)> walk =
      [&](const std::filesystem::path& at, const std::string& path) {
        const auto status = std::filesystem::symlink_status(at);
        if (std::filesystem::is_symlink(status)) {
          all[path] = "-> " + std::filesystem::read_symlink(at).string();
        } else if (std::filesystem::is_directory(status)) {
          all[path] = "directory";
          for (const auto& entry : std::filesystem::directory_iterator(at))
            walk(entry.path(), join(path, entry.path().filename().string()));
        } else {
          all[path] = describe_file(static_cast<mode_t>(status.permissions()), read_file(at));
        }
      };
  walk(top, "");
  for (const auto& entry : std::filesystem::directory_iterator(trash)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix)) walk(entry.path(), ".trash/" + name);
  }
  return all;
}

}  // namespace reprieve::test
