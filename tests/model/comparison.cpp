// SPDX-License-Identifier: Apache-2.0
#include "tests/model/comparison.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <stdexcept>

namespace reprieve::test {
namespace {

template <typename T>
void expect(const T& seen, const T& expected, const std::string& what) {
  if (seen == expected) return;
  std::ostringstream text;
  text << what << ": core has " << seen << ", the model " << expected;
  throw std::runtime_error(text.str());
}

std::string joined(std::vector<std::string> names, bool sorted) {
  if (sorted) std::ranges::sort(names);
  std::string all;
  for (const std::string& name : names) all += "[" + name + "]";
  return all;
}

std::string text(const std::map<std::string, std::string>& xattrs) {
  std::ostringstream out;
  for (const auto& [name, value] : xattrs) out << name << '=' << std::quoted(value) << ' ';
  return out.str();
}

}  // namespace

std::string counts_text(const std::map<ItemKind, std::uint64_t>& counts) {
  std::string all;
  for (const auto& [kind, count] : counts) all += std::string(kind_name(kind)) + " " + std::to_string(count) + " ";
  return all;
}

std::string figures_text(const TreeFigures& figures) {
  return std::to_string(figures.files) + " files " + std::to_string(figures.folders) + " folders " +
         std::to_string(figures.bytes) + " bytes " + std::to_string(figures.exclusive_bytes) + " exclusive";
}

void Comparison::tree() {
  regular_files_.clear();
  directory("", volume_.account().root, *model_.root());
}

void Comparison::directory(const std::string& path, InodeId inode, const Node& expected) {
  const auto entries = must(volume_.names().list(volume_.account(), inode, {}, 100'000, Detail::attributes));
  const bool is_trash = expected.kind == ItemKind::trash;
  std::map<std::string, const Node*> children;
  std::vector<std::string> names;
  if (is_trash) {
    for (const ModelItem& item : model_.items()) children[item.name] = item.node.get();
    names = model_.listing(model_.trash());
  } else {
    for (const auto& [name, child] : expected.children) {
      children[name] = child.get();
      names.push_back(name);
    }
  }
  std::vector<std::string> seen;
  for (const ListedEntry& entry : entries) seen.push_back(entry.name.bytes());
  // A listing of .trash/ is in the order of deletion.
  expect(joined(seen, !is_trash), joined(names, !is_trash), "the listing of /" + path);
  for (const ListedEntry& entry : entries) {
    const std::string below = path.empty() ? entry.name.bytes() : path + "/" + entry.name.bytes();
    const Node& child = *children.at(entry.name.bytes());
    const Attributes looked_up = must(volume_.names().lookup(volume_.account(), inode, entry.name));
    expect(looked_up.inode.number(), entry.attributes.inode.number(), below + " listed and looked up");
    node(below, entry.attributes, child);
    if (child.is_directory()) directory(below, entry.attributes.inode, child);
  }
}

void Comparison::node(const std::string& path, const Attributes& seen, const Node& expected) {
  const auto [inode, new_node] = inodes_.try_emplace(expected.number, seen.inode);
  const auto [number, new_inode] = nodes_.try_emplace(seen.inode, expected.number);
  expect(seen.inode.number(), inode->second.number(), "the inode number of " + path);
  expect(number->second, expected.number, "the node behind the inode number of " + path);
  expect(seen.mode, expected.mode, "the mode of " + path);
  expect(seen.links, model_.links(expected), "the link count of " + path);
  std::map<std::string, std::string> xattrs;
  for (const std::string& name : must(volume_.core().attributes().list_xattrs(volume_.account(), seen.inode, {})))
    xattrs[name] = must(volume_.core().attributes().get_xattr(volume_.account(), seen.inode, name));
  expect(text(xattrs), text(expected.xattrs), "the xattrs of " + path);
  if (expected.is_directory()) {
    if (expected.kind == ItemKind::trash) return;
    expect(seen.modified.time_since_epoch().count(), expected.modified.time_since_epoch().count(),
           "the mtime of " + path);
    return;
  }
  expect(seen.size, std::uint64_t{expected.bytes.size()}, "the size of " + path);
  if (S_ISREG(expected.mode)) {
    regular_files_.insert(seen.inode.number());
    const auto file = must(volume_.core().content().open(volume_.account(), seen.inode, O_RDONLY));
    expect(Volume::read(file), expected.bytes, "the content of " + path);
  } else if (S_ISLNK(expected.mode)) {
    expect(must(volume_.names().read_symlink(volume_.account(), seen.inode)), expected.bytes, "the target of " + path);
  }
}

void Comparison::items() {
  const auto seen = volume_.items();
  expect(seen.size(), model_.items().size(), "the number of items");
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const TrashItem& item = seen[i];
    const ModelItem& expected = model_.items()[i];
    const std::string what = "item " + expected.name;
    expect(item.name, expected.name, "the name of " + what);
    expect(item.origin, expected.origin, "the origin of " + what);
    const bool container = expected.kind == ItemKind::samples || expected.kind == ItemKind::analyses;
    expect(kind_name(item.kind), kind_name(container ? ItemKind::folder : expected.kind), "the kind of " + what);
    const auto session = sessions_.try_emplace(item.session, expected.session).first;
    expect(session->second, expected.session, "the session of " + what);
    expect(figures_text(*item.figures), figures_text(model_.figures({expected.number})), "the figures of " + what);
    const auto counts = must(volume_.core().trash().show(volume_.account(), item.id)).counts;
    expect(counts_text(counts), counts_text(TreeModel::counts(*expected.node)), "the counts of " + what);
  }
}

}  // namespace reprieve::test
