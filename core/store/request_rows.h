// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <vector>

#include "core/base/caller.h"
#include "core/base/ids.h"

namespace reprieve {

// SQL over the requests of mounts that were carried out last, one of each lane. A row is written by the transaction
// that carries its request out, so that a daemon which takes over knows of a request that comes again whether it has
// been. Reached through a Transaction only.
class RequestRows {
 public:
  explicit RequestRows(SQLite::Database& database);

  // For whom this is the last thing that the transaction does for its request. Nothing for a request that cannot come
  // again.
  void carried_out(const Caller& caller) {
    if (caller.request.number != 0) note(caller);
  }
  std::vector<std::uint64_t> of_mount(MountId mount);
  // Those of lanes below `lane`.
  void forget(MountId mount, std::uint32_t lane);
  void forget_all();

 private:
  void note(const Caller& caller);

  SQLite::Statement note_, of_mount_, forget_, forget_all_;
};

}  // namespace reprieve
