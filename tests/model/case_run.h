// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/model/comparison.h"
#include "tests/model/step.h"
#include "tests/model/tree_model.h"
#include "tests/unit/volume.h"

namespace reprieve::test {

// One sequence of operations, carried out on a fresh volume and on the model. Every difference throws.
class CaseRun {
 public:
  explicit CaseRun(bool keep_replaced);

  void run(const Step& step);
  // Everything that can be seen, once what was destroyed is gone.
  void compare();
  // The same for the kinds of live items, and for the blobs: after an empty, exactly those of the files that are left.
  void finish();

  // What was done, one line an operation, for people.
  [[nodiscard]] const std::string& transcript() const { return transcript_; }

 private:
  using Path = TreeModel::Path;

  // Mostly one in a project or run, sometimes any.
  [[nodiscard]] Path directory(unsigned choice) const;
  // Something that exists, below the root.
  [[nodiscard]] Path entry(unsigned choice) const;
  // Mostly something that exists, sometimes a name that perhaps does not.
  [[nodiscard]] Path name_somewhere(unsigned choice, unsigned name_choice) const;
  [[nodiscard]] static std::string new_name(unsigned choice);
  // 0, which is none, where the trash is empty.
  [[nodiscard]] int item(unsigned choice) const;
  [[nodiscard]] TrashItemId core_item(int number);
  [[nodiscard]] NodePtr node(const Path& path) const { return model_.at(path); }
  InodeId inode(const Path& path);

  void make(const Step& step);
  // Writes and removes one name again and again, as programs do with temporary files.
  void churn(const Step& step);
  void link(const Step& step);
  void remove(const Step& step);
  void remove_one(const Path& parent, const std::string& name, bool directory, int by);
  void remove_tree(const Step& step);
  bool remove_tree_below(const Path& parent, const std::string& name, int by, int& budget);
  void rename(const Step& step);
  void rename(const Path& old_path, const Path& new_path, RenameMode mode, int by);
  void change(const Step& step);
  void set_xattr(const Path& path, const Step& step);
  void write(const Path& path, const Step& step);
  void trash_path(const Step& step);
  void restore(const Step& step);
  void restore_items(const std::vector<int>& items, const RestoreOptions& options, const std::optional<Path>& to,
                     int by);
  void plan();
  void execute(const Step& step);
  void purge(const Step& step);
  void check_purge(const PurgeOutcome& outcome, const std::vector<int>& items, BatchState when_gone);
  void reopen();
  void empty();
  void wait_for_purges();
  void tick();

  // Both refused for the same reason, or both done.
  void expect_same(const std::string& what, const std::optional<Errc>& core, const Refusal& model);

  struct Plan {
    std::string token;
    std::vector<int> items;
    bool used = false;
  };
  Volume volume_;
  TreeModel model_;
  Comparison comparison_;
  std::vector<Plan> plans_;
  std::map<int, TrashItemId> ids_;
  std::string transcript_;
};

}  // namespace reprieve::test
