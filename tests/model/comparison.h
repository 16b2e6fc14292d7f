// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "tests/model/tree_model.h"
#include "tests/unit/volume.h"

namespace reprieve::test {

// Compares all that can be seen of a volume with the model. Remembers which inode is which node, so that numbers stay
// with their nodes for a whole case. Throws std::runtime_error that names the first difference.
class Comparison {
 public:
  Comparison(Volume& volume, const TreeModel& model) : volume_(volume), model_(model) {}

  // Names, kinds of node, link counts, modes, sizes, content, targets, xattrs and the mtimes of directories.
  void tree();
  // Names, kinds, origins, sessions and figures.
  void items();
  // Numbers of the regular files that the last tree() saw.
  [[nodiscard]] const std::set<std::int64_t>& regular_files() const { return regular_files_; }

 private:
  void directory(const std::string& path, InodeId inode, const Node& node);
  void node(const std::string& path, const Attributes& seen, const Node& node);

  Volume& volume_;
  const TreeModel& model_;
  std::map<int, InodeId> inodes_;
  std::map<InodeId, int> nodes_;
  std::map<SessionId, int> sessions_;
  std::set<std::int64_t> regular_files_;
};

// For people, and to compare.
std::string counts_text(const std::map<ItemKind, std::uint64_t>& counts);
std::string figures_text(const TreeFigures& figures);

}  // namespace reprieve::test
