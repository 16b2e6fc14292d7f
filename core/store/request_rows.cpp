// SPDX-License-Identifier: Apache-2.0
#include "core/store/request_rows.h"

#include "core/store/statement.h"

namespace reprieve {

RequestRows::RequestRows(SQLite::Database& database)
    : note_(database, "INSERT OR REPLACE INTO carried_out (mount, lane, request) VALUES (?1, ?2, ?3)"),
      of_mount_(database, "SELECT request FROM carried_out WHERE mount = ?1"),
      forget_(database, "DELETE FROM carried_out WHERE mount = ?1 AND lane < ?2"),
      forget_all_(database, "DELETE FROM carried_out") {}

void RequestRows::note(const Caller& caller) {
  Query(note_, caller.mount, caller.request.lane, caller.request.number).run();
}

std::vector<std::uint64_t> RequestRows::of_mount(MountId mount) {
  std::vector<std::uint64_t> requests;
  Query query(of_mount_, mount);
  while (query.step()) requests.push_back(static_cast<std::uint64_t>(query.integer(0)));
  return requests;
}

void RequestRows::forget(MountId mount, std::uint32_t lane) { Query(forget_, mount, lane).run(); }

void RequestRows::forget_all() { Query(forget_all_).run(); }

}  // namespace reprieve
