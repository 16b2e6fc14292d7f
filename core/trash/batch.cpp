// SPDX-License-Identifier: Apache-2.0
#include "core/trash/batch.h"

namespace reprieve {

BatchOutcome failed_outcome(const std::string& subject, const Error& error, TrashItemId id) {
  return {.state = BatchState::failed,
          .id = id,
          .subject = subject,
          .path = {},
          .code = std::string(code_name(error.code)),
          .errno_symbol = std::string(errno_symbol(error.code)),
          .reason = std::string(reason_of(error))};
}

Result<TrashRow> find_item(Transaction& tx, const Account& account, TrashItemId id) {
  auto row = tx.trash.find(id);
  if (!row || row->account != account.id) {
    return fail(Errc::not_found,
                "there is no item " + std::to_string(id.number()) + " in the trash of the account " + account.name);
  }
  return *std::move(row);
}

}  // namespace reprieve
