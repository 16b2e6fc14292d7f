// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <cstdlib>
#include <iomanip>
#include <ostream>

#include "tests/unit/volume.h"

// Looking at a volume as a whole.
namespace reprieve::test {

void PrintTo(const NodeState& node, std::ostream* out) {
  *out << "{inode " << node.inode << ", mode " << std::oct << node.mode << std::dec << ", links " << node.links
       << ", size " << node.size << ", modified " << node.modified.time_since_epoch().count() << ", content "
       << std::quoted(node.content) << ", xattrs";
  for (const auto& [name, value] : node.xattrs) *out << ' ' << name << '=' << std::quoted(value);
  *out << '}';
}

std::vector<std::string> Volume::children(std::string_view path) {
  std::vector<std::string> found;
  const InodeId directory = at(path);
  constexpr std::size_t kPortion = 3;  // small, so that resuming is part of every test
  for (EntryId after{}; true;) {
    const auto entries = must(names().list(account_, directory, after, kPortion, Detail::types));
    for (const ListedEntry& entry : entries) {
      found.push_back(entry.name.bytes());
      after = entry.id;
    }
    if (entries.empty()) return found;
  }
}

NodeState Volume::state(const Attributes& attributes) {
  NodeState node{.inode = static_cast<std::uint64_t>(attributes.inode.number()),
                 .mode = attributes.mode,
                 .links = attributes.links,
                 .size = attributes.size,
                 .modified = attributes.modified,
                 .content = {},
                 .xattrs = {}};
  if (S_ISREG(attributes.mode)) node.content = read(must(core_->content().open(account_, attributes.inode, 0)));
  if (S_ISLNK(attributes.mode)) node.content = must(names().read_symlink(account_, attributes.inode));
  for (const std::string& name : must(core_->attributes().list_xattrs(account_, attributes.inode, {})))
    node.xattrs[name] = must(core_->attributes().get_xattr(account_, attributes.inode, name));
  return node;
}

void Volume::add_to(TreeState& tree, const std::string& path, const Attributes& attributes) {
  tree[path] = state(attributes);
  if (!S_ISDIR(attributes.mode)) return;
  for (const ListedEntry& entry : must(names().list(account_, attributes.inode, {}, 100'000, Detail::attributes))) {
    add_to(tree, path.empty() ? entry.name.bytes() : path + "/" + entry.name.bytes(), entry.attributes);
  }
}

TreeState Volume::tree(std::string_view path) {
  TreeState tree;
  add_to(tree, "", attributes(path));
  return tree;
}

std::set<std::int64_t> Volume::blobs() const { return blobs_in(store()); }

std::set<std::int64_t> blobs_in(const std::filesystem::path& store) {
  std::set<std::int64_t> numbers;
  std::filesystem::recursive_directory_iterator entries(store / "blobs");
  for (auto at = begin(entries); at != end(entries); ++at) {
    // Beside their folders lie files that are none.
    const bool is_blob = at->is_regular_file() && at.depth() > 0;
    if (is_blob) numbers.insert(std::strtoll(at->path().filename().c_str(), nullptr, 16));
  }
  return numbers;
}

}  // namespace reprieve::test
