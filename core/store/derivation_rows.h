// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <vector>

#include "core/base/ids.h"

namespace reprieve {

// SQL over derivations: which sample came from which runs, which analysis used which samples. Reached through a
// Transaction only.
class DerivationRows {
 public:
  explicit DerivationRows(SQLite::Database& database);

  // False when it was there already.
  bool add(InodeId derived, InodeId source);
  // False when there was none.
  bool remove(InodeId derived, InodeId source);
  void remove_sources(InodeId derived);
  // The inode is gone.
  void remove_all(InodeId inode);

  // In ascending order.
  std::vector<InodeId> sources_of(InodeId derived);
  std::vector<InodeId> derived_from(InodeId source);

 private:
  SQLite::Statement add_, remove_, remove_sources_, remove_derived_, sources_of_, derived_from_;
};

}  // namespace reprieve
