// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/account_rows.h"
#include "core/store/checksum_rows.h"
#include "core/store/derivation_rows.h"
#include "core/store/entry_rows.h"
#include "core/store/event_rows.h"
#include "core/store/grant_rows.h"
#include "core/store/hidden_rows.h"
#include "core/store/idempotency_rows.h"
#include "core/store/inode_rows.h"
#include "core/store/invariants.h"
#include "core/store/outdated_rows.h"
#include "core/store/plan_rows.h"
#include "core/store/purge_rows.h"
#include "core/store/request_rows.h"
#include "core/store/reserve.h"
#include "core/store/sequence_rows.h"
#include "core/store/trash_rows.h"

namespace reprieve {

// What may be done with the database while its lock is held. Exists only inside Store::read and Store::write, so SQL
// outside a transaction does not compile. Not to be kept.
class Transaction {
 public:
  InodeRows& inodes;
  EntryRows& entries;
  TrashRows& trash;
  AccountRows& accounts;
  PurgeRows& purges;
  SequenceRows& sequences;
  GrantRows& grants;
  HiddenRows& hidden;
  EventRows& events;
  DerivationRows& derivations;
  RequestRows& requests;
  IdempotencyRows& idempotency;
  PlanRows& plans;
  ChecksumRows& checksums;
  OutdatedRows& outdated;
  InvariantRows& invariants;
  Reserve& reserve;
  std::vector<std::function<void()>>& taken_back;

  // Before anything new is made: no_space while the disk is full, and what is left is for deleting, restoring and
  // emptying.
  [[nodiscard]] Result<void> require_room() const {
    if (!reserve.has_room()) return fail(Errc::no_space);
    return {};
  }
  // What is kept in memory beside the rows was changed with them: `undo` runs, with the store's lock held, should the
  // transaction not be committed.
  void on_roll_back(std::function<void()> undo) const { taken_back.push_back(std::move(undo)); }
};

// metadata.db: one SQLite connection, held exclusively (https://www.sqlite.org/pragma.html#pragma_locking_mode), in WAL
// mode. Every write() is one transaction and committed when it returns, which a killed process cannot undo; sync() also
// saves it from a power cut. Thread-safe; one transaction runs at a time.
class Store {
 public:
  // Opens or makes the database. Errors: store_locked, store_newer, store_damaged; a file that is refused is not
  // changed.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& file);
  // Writes the log back into the database.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Runs `body`, which takes a Transaction& and returns a Result, and commits when it succeeded; rolls back when it
  // returned an error. A failure of SQLite inside becomes an Error (no_space, store_damaged, io). `body` must not wait
  // for anything that needs the store.
  template <typename Body>
  auto write(Body&& body) -> std::invoke_result_t<Body, Transaction&> {
    const MutexLock lock(mutex_);
    try {
      begin();
      auto result = body(transaction());
      if (result) {
        commit();
      } else {
        roll_back();
      }
      return result;
    } catch (...) {
      return tl::unexpected<Error>(abandon());
    }
  }

  // The same without a commit, for bodies that only read.
  template <typename Body>
  auto read(Body&& body) -> std::invoke_result_t<Body, Transaction&> {
    const MutexLock lock(mutex_);
    try {
      return body(transaction());
    } catch (...) {
      return tl::unexpected<Error>(abandon());
    }
  }

  // Gives the sync that follows a number, which is in the database from then on. Wakes nobody.
  Result<FlushId> begin_flush();
  // On return everything committed before the call survives a power cut. Does not hold up transactions.
  Result<void> sync();
  // Moves the log into the database if it has grown; holds up transactions meanwhile.
  Result<void> checkpoint();
  [[nodiscard]] bool checkpoint_due() const;

  // Copies the database into a new file, as it is at some moment before this returns. Transactions go on meanwhile:
  // each piece holds them up for about a millisecond. The copy is not on the disk yet, and is left behind where this
  // fails. interrupted: `stop` was set; no_space, store_damaged, io.
  Result<void> copy_to(const std::filesystem::path& file, const std::atomic<bool>& stop);

  // Called after a commit that follows a sync, or when a checkpoint becomes due; from any thread, lock held: must only
  // wake somebody. Set once, before the first write.
  void on_dirty(std::function<void()> wake);
  // Called after a commit with an event or a trash item in it; from any thread, lock held: must only wake somebody.
  // Nothing for nobody. On return no earlier one runs any more.
  void on_event(std::function<void()> wake);
  // BlobStore::lowest_unsettled(). Called with the lock held. Set once, before the first write.
  void lowest_unsettled_inode(std::function<std::optional<InodeId>()> ask);

  // Of a copy of the database.
  [[nodiscard]] Result<std::uint64_t> copy_bytes();
  // Of the database and its log together.
  [[nodiscard]] std::uint64_t size_bytes() const;

 private:
  struct Connection;
  explicit Store(std::unique_ptr<Connection> connection);
  Transaction& transaction() REPRIEVE_REQUIRES(mutex_);
  void begin() REPRIEVE_REQUIRES(mutex_);
  void commit() REPRIEVE_REQUIRES(mutex_);
  void roll_back() REPRIEVE_REQUIRES(mutex_);
  Result<void> write_back() REPRIEVE_REQUIRES(mutex_);
  // Rolls back and names the exception in flight. Rethrows what is not a failure of SQLite: a bug.
  Error abandon() REPRIEVE_REQUIRES(mutex_);

  Mutex mutex_;
  std::unique_ptr<Connection> connection_;
  std::atomic<bool> dirty_{false};
  std::function<void()> wake_;
  std::function<void()> happened_ REPRIEVE_GUARDED_BY(mutex_);
  EventId newest_told_ REPRIEVE_GUARDED_BY(mutex_);
  std::function<std::optional<InodeId>()> lowest_unsettled_;
};

}  // namespace reprieve
