// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/accounts.h"
#include "core/base/caller.h"
#include "core/base/error.h"
#include "core/base/result.h"
#include "core/base/tree_figures.h"
#include "core/departure.h"
#include "core/item_kind.h"
#include "core/item_status.h"

namespace reprieve {

struct CoreParts;

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

// What `rm -r PATH` would do.
struct Explanation {
  ItemDescription item;
  Fate fate = Fate::trash;
  std::optional<Error> refusal;  // set: nothing would happen
  TreeFigures figures;
};

// Status and associations of items, by path. Thread-safe. Errors of every call beside those named: those of
// Namespace::resolve, in_trash for a change of what is in the trash, io, no_space.
class Items {
 public:
  explicit Items(CoreParts& parts);

  Result<ItemDescription> describe(const Account& account, const std::string& path);
  // invalid_argument: neither a run nor an analysis.
  Result<void> set_status(const Account& account, const std::string& path, ItemStatus status, const Caller& caller);

  // invalid_argument: not a sample from runs, nor an analysis from samples. What is so already is no error.
  Result<void> associate(const Account& account, const std::string& derived, const std::vector<std::string>& sources,
                         const Caller& caller);
  // not_found: they are not associated. Then nothing is changed.
  Result<void> dissociate(const Account& account, const std::string& derived, const std::vector<std::string>& sources,
                          const Caller& caller);

  // Puts a sample into another project too, under its name. wrong_place: of another kind, or the project has no
  // samples/. exists: it is there already, or the name is taken. not_yours: only the owner of both may.
  Result<void> add_to(const Account& account, const std::string& project, const std::string& sample,
                      const Caller& caller);

  // Counts the tree.
  Result<Explanation> explain(const Account& account, const std::string& path);

 private:
  CoreParts& parts_;
};

}  // namespace reprieve
