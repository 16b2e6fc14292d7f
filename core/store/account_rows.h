// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/account.h"
#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// Who deletes: the process behind an unlink. `started` and `boot` tell two processes of one number apart.
struct SessionKey {
  AccountId account;
  uid_t uid = 0;
  pid_t process = 0;  // thread-group id; 0 where it cannot be seen
  std::int64_t started = 0;
  std::int64_t boot = 0;
  friend auto operator<=>(const SessionKey&, const SessionKey&) = default;
};

// SQL over accounts and sessions. Reached through a Transaction only.
class AccountRows {
 public:
  explicit AccountRows(SQLite::Database& database);

  std::optional<Account> find(const std::string& name);
  std::optional<Account> find(AccountId id);
  std::vector<Account> all();
  // The number for an account that is inserted in the same transaction; never that of one that was removed.
  AccountId next_id();
  void insert(const Account& account, Timestamp now);
  void set_ids(AccountId id, uid_t uid, gid_t gid);
  // Bytes; none: no limit.
  std::optional<std::uint64_t> quota(AccountId id);
  void set_quota(AccountId id, std::optional<std::uint64_t> bytes);
  void remove(AccountId id);  // with its sessions

  // The number of the session, registered if it is new. None has the number of one that is gone.
  SessionId session(const SessionKey& key, Timestamp now);
  // The next one's number is greater by `count` than it would have been.
  void skip_sessions(std::int64_t count);
  std::optional<SessionKey> session_key(SessionId id);

 private:
  SQLite::Statement find_, find_by_id_, all_, next_id_, note_id_, insert_, set_ids_, quota_, set_quota_, remove_;
  SQLite::Statement find_session_, insert_session_, session_key_, remove_sessions_, skip_sessions_;
};

}  // namespace reprieve
