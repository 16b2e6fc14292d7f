// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/caller.h"
#include "core/base/error.h"
#include "core/base/result.h"
#include "core/base/trash_mode.h"
#include "core/base/tree_figures.h"
#include "core/trash/departure.h"
#include "core/view/item_kind.h"
#include "core/view/item_status.h"

namespace reprieve {

struct CoreParts;
class Transaction;

// What an item is besides its names and its bytes. Paths are as the account sees them, below .trash/ for what is there.
struct ItemDescription {
  ItemKind kind = ItemKind::file;
  std::string owner;  // account
  std::string role;   // of the account that asks
  ItemStatus status = ItemStatus::none;
  bool files_deleted = false;
  std::vector<std::string> places;  // where it is live in the account: of a sample perhaps several
  std::vector<std::string> derived_from;
  std::vector<std::string> made_from_it;
};

// What `rm -r PATH`, or a deletion in another mode, would do.
struct Explanation {
  ItemDescription item;
  Fate fate = Fate::trash;
  std::optional<Error> refusal;    // set: nothing would happen
  std::vector<std::string> group;  // what would go with it, because it was made from it
  TreeFigures figures;             // of all that would go
};

// Status and associations of items, by path. What changes an item returns what it is then. Thread-safe. Errors of every
// call beside those named: those of Namespace::resolve, in_trash for a change of what is in the trash, io, no_space.
class Items {
 public:
  explicit Items(CoreParts& parts);

  Result<ItemDescription> describe(const Account& account, const std::string& path);
  // invalid_argument: neither a run nor an analysis.
  Result<ItemDescription> set_status(const Account& account, const std::string& path, ItemStatus status,
                                     const Caller& caller);

  // invalid_argument: not a sample from runs, nor an analysis from samples. What is so already is no error.
  Result<ItemDescription> associate(const Account& account, const std::string& derived,
                                    const std::vector<std::string>& sources, const Caller& caller);
  // not_found: they are not associated. Then nothing is changed.
  Result<ItemDescription> dissociate(const Account& account, const std::string& derived,
                                     const std::vector<std::string>& sources, const Caller& caller);

  // Puts a sample into another project too, under its name. wrong_place: of another kind, or the project has no
  // samples/. exists: it is there already, or the name is taken. not_yours: only the owner of both may.
  Result<ItemDescription> add_to(const Account& account, const std::string& project, const std::string& sample,
                                 const Caller& caller);

  // Counts the trees.
  Result<Explanation> explain(const Account& account, const std::string& path, TrashMode mode = TrashMode::item);

 private:
  // Changes one item, whose number it returns.
  using Change = std::function<Result<InodeId>(Transaction& tx)>;
  Result<ItemDescription> change(const Account& account, const Caller& caller, const Change& change);

  CoreParts& parts_;
};

}  // namespace reprieve
