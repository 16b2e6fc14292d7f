// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/trash/trash_item.h"
#include "core/tree/namespace.h"
#include "core/view/item_kind.h"

namespace reprieve::test {

struct Node;
using NodePtr = std::shared_ptr<Node>;

// A file or directory. What was trashed from a directory is no longer among its children.
struct Node {
  int number = 0;  // never used twice
  ItemKind kind = ItemKind::file;
  mode_t mode = 0;
  std::string bytes;  // content, or a symbolic link's target
  std::map<std::string, std::string> xattrs;
  std::map<std::string, NodePtr> children;
  Timestamp modified{};  // of directories

  [[nodiscard]] bool is_directory() const { return S_ISDIR(mode); }
};

struct ModelItem {
  int number = 0;
  std::string name;  // in .trash/
  ItemKind kind = ItemKind::file;
  NodePtr node;
  NodePtr parent;
  std::string own_name;
  std::string origin;
  int session = 0;
  Timestamp parent_before{};
  Timestamp parent_after{};
};

// What an operation says: nothing when it was done.
using Refusal = std::optional<Errc>;

struct ModelOutcome {
  BatchState state = BatchState::done;
  int item = 0;
  Refusal refusal;
  std::string path;  // of what was restored
};

// The rules of semantics.md sections 1, 2, 5 and 6 over a plain tree of nodes, without inodes, marks or transactions: a
// trashed tree is taken out of the tree and kept in a list. Written from the semantics, to be compared with core.
// Operations take directories as nodes; `.trash` is one whose listing is the list of items.
class TreeModel {
 public:
  using Path = std::vector<std::string>;

  TreeModel(bool keep_replaced, Timestamp start);

  void set_now(Timestamp now) { now_ = now; }

  Refusal create(const NodePtr& directory, const std::string& name, mode_t mode, const std::string& bytes = {});
  Refusal link(const NodePtr& node, const NodePtr& directory, const std::string& name);
  Refusal unlink(const NodePtr& directory, const std::string& name, int session);
  Refusal rmdir(const NodePtr& directory, const std::string& name, int session);
  Refusal rename(const NodePtr& from, const std::string& old_name, const NodePtr& to, const std::string& new_name,
                 RenameMode mode, int session);
  Refusal chmod(const NodePtr& node, mode_t permissions);
  Refusal write(const NodePtr& node, const std::string& bytes);
  Refusal truncate(const NodePtr& node, std::size_t size);
  Refusal set_xattr(const NodePtr& node, const std::string& name, const std::string& value, bool create, bool replace);
  Refusal remove_xattr(const NodePtr& node, const std::string& name);
  Refusal trash_path(const Path& path, int session);
  std::vector<ModelOutcome> restore(std::vector<int> items, OnCollision on_collision, bool recreate_parents,
                                    const std::optional<Path>& to, int session);
  // Which of these were there.
  std::vector<bool> purge(const std::vector<int>& items);

  // Nothing where the path leads nowhere.
  [[nodiscard]] NodePtr at(const Path& path) const;
  // Every directory, live ones first, then .trash and what is in it.
  [[nodiscard]] std::vector<Path> directories() const;
  // In the order of their names; of .trash in that of deletion.
  [[nodiscard]] std::vector<std::string> listing(const NodePtr& directory) const;
  [[nodiscard]] const std::vector<ModelItem>& items() const { return items_; }
  [[nodiscard]] const ModelItem* item(int number) const;
  [[nodiscard]] const NodePtr& root() const { return root_; }
  [[nodiscard]] const NodePtr& trash() const { return trash_; }

  // As stat(2) shows it.
  [[nodiscard]] std::uint32_t links(const Node& node) const;
  // Of several items as one.
  [[nodiscard]] TreeFigures figures(const std::vector<int>& items) const;
  [[nodiscard]] static std::map<ItemKind, std::uint64_t> counts(const Node& top);

 private:
  enum class Life : std::uint8_t { live, trashed, gone };
  struct Whereabouts {
    Life life = Life::gone;
    std::string path;
  };
  [[nodiscard]] Whereabouts find(const Node& node) const;
  [[nodiscard]] bool is_live(const Node& node) const { return find(node).life == Life::live; }

  static Refusal place(const Node& node, const Node& directory, const std::string& name, ItemKind& kind);
  [[nodiscard]] static bool is_removable(const Node& directory);
  NodePtr make(ItemKind kind, mode_t mode);
  void settle(Node& directory, ItemKind kind);
  void settle_container(Node& project, const std::string& name, ItemKind container);
  Refusal remove(const NodePtr& directory, const std::string& name, int session);
  void discard(const NodePtr& directory, const std::string& name, int session, bool folds,
               const std::string& wanted = {});
  void fold(const NodePtr& directory, int session);
  std::string free_name(const std::string& wanted) const;

  struct Target {
    NodePtr directory;
    std::string name;
    NodePtr existing;
    ItemKind kind = ItemKind::file;
  };
  Refusal find_target(const NodePtr& to, const std::string& name, Target& target) const;
  static Refusal check_arrival(const NodePtr& moved, RenameMode mode, Target& target);
  void make_way(const Target& target, int session);
  void arrive(const NodePtr& moved, const Target& target);
  Refusal exchange(const NodePtr& from, const std::string& old_name, const Target& target);
  Refusal restore_by_rename(const std::string& name, const NodePtr& to, const std::string& new_name, RenameMode mode,
                            int session);

  ModelOutcome restore_one(int number, OnCollision on_collision, bool recreate_parents, const std::optional<Path>& to,
                           int session);
  Refusal restore_directory(const ModelItem& item, bool recreate_parents, const std::optional<Path>& to,
                            NodePtr& directory);
  Refusal make_path(const std::string& path, NodePtr& directory);
  void reinstate(int number, const Target& target);
  Refusal resolve(const Path& path, NodePtr& parent, NodePtr& node) const;
  std::vector<ModelItem>::iterator find_item(int number);

  // A copy that shares no node.
  [[nodiscard]] TreeModel copy() const;

  bool keep_replaced_;
  Timestamp now_;
  int last_node_ = 0;
  int last_item_ = 0;
  NodePtr root_;
  NodePtr trash_;
  std::vector<ModelItem> items_;
};

}  // namespace reprieve::test
