// SPDX-License-Identifier: Apache-2.0
#include "core/store/store.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <thread>

#include "core/store/connection.h"
#include "core/store/database_copy.h"
#include "core/store/log_file.h"
#include "core/store/statement.h"

namespace reprieve {
namespace {

// 32 MiB of log at 1 KiB a page: many commits rewrite the same pages, and a checkpoint writes each only once.
constexpr int kCheckpointPages = 32 * 1024;
// Between the pieces of a copy, so that whoever waits for the lock gets it.
constexpr std::chrono::microseconds kGiveWay{300};

Error translate(const SQLite::Exception& failure) {
  const std::string what = std::string("metadata.db: ") + failure.what();
  switch (failure.getErrorCode()) {
    case SQLITE_FULL: return {Errc::no_space, what};
    case SQLITE_READONLY: return {Errc::read_only, what};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {Errc::store_damaged, what};
    case SQLITE_NOMEM: return {Errc::out_of_memory, what};
    default: return {Errc::io, what};
  }
}

}  // namespace

// The connection with everything prepared on it. The statements go before the database, as SQLite demands.
struct Store::Connection {
  Connection(Reserve blocks, std::unique_ptr<SQLite::Database> opened)
      : reserve(std::move(blocks)),
        database(std::move(opened)),
        begin(*database, "BEGIN IMMEDIATE"),
        commit(*database, "COMMIT"),
        roll_back(*database, "ROLLBACK"),
        free_pages(*database, "PRAGMA freelist_count"),
        page_size(database->execAndGet("PRAGMA page_size").getInt64()),
        inodes(*database),
        hidden(*database),
        entries(*database, hidden),
        trash(*database),
        accounts(*database),
        purges(*database),
        sequences(*database),
        grants(*database),
        events(*database, sequences),
        derivations(*database),
        requests(*database),
        idempotency(*database),
        plans(*database),
        checksums(*database),
        outdated(*database),
        invariants(*database) {
    sqlite3_wal_hook(database->getHandle(), &count_pages, &log_pages);
    sqlite3_file_control(database->getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    tell_of_commits(log, reserve);
    reserve.count_free([this] {
      Query query(free_pages);
      return query.step() ? query.integer(0) * page_size : 0;
    });
  }

  static int count_pages(void* counter, sqlite3* /*database*/, const char* /*name*/, int pages) {
    static_cast<std::atomic<int>*>(counter)->store(pages, std::memory_order_relaxed);
    return SQLITE_OK;
  }

  Reserve reserve;
  std::unique_ptr<SQLite::Database> database;
  SQLite::Statement begin, commit, roll_back, free_pages;
  std::int64_t page_size;
  InodeRows inodes;
  HiddenRows hidden;
  EntryRows entries;
  TrashRows trash;
  AccountRows accounts;
  PurgeRows purges;
  SequenceRows sequences;
  GrantRows grants;
  EventRows events;
  DerivationRows derivations;
  RequestRows requests;
  IdempotencyRows idempotency;
  PlanRows plans;
  ChecksumRows checksums;
  OutdatedRows outdated;
  InvariantRows invariants;
  std::vector<std::function<void()>> taken_back;  // of the transaction under way, as it came
  Transaction transaction{inodes, entries,   trash,    accounts,    purges,   sequences,
                          grants, hidden,    events,   derivations, requests, idempotency,
                          plans,  checksums, outdated, invariants,  reserve,  taken_back};
  std::atomic<int> log_pages{0};
  // The open log file, which fsync needs without the connection's lock
  // (https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html, SQLITE_FCNTL_JOURNAL_POINTER).
  sqlite3_file* log = nullptr;
  std::filesystem::path file;
};

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& file) {
  REPRIEVE_TRY(auto database, open_database(file));
  try {
    auto connection = std::make_unique<Connection>(Reserve(file), std::move(database));
    connection->file = file;
    return std::unique_ptr<Store>(new Store(std::move(connection)));
  } catch (const SQLite::Exception& failure) {
    return fail(translate(failure));
  } catch (const std::runtime_error& failure) {
    return fail(Errc::store_damaged, file.string() + ": " + failure.what());
  }
}

Store::Store(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}

Store::~Store() {
  if (!lowest_unsettled_) return;
  const MutexLock lock(mutex_);
  try {
    Query(connection_->begin).run();
    connection_->sequences.give_back(lowest_unsettled_());
    Query(connection_->commit).run();
  } catch (const SQLite::Exception&) {
    // Only costs a gap in the numbers. Closing rolls back.
  }
}

Transaction& Store::transaction() { return connection_->transaction; }

void Store::begin() {
  Connection& c = *connection_;
  // The disk is full. Written back, the log starts over in the blocks that it has.
  if (c.reserve.log_is_low()) static_cast<void>(write_back());
  if (c.sequences.low()) {
    try {
      Query(c.begin).run();
      c.sequences.reserve(lowest_unsettled_ ? lowest_unsettled_() : c.sequences.blob_tail());
      Query(c.commit).run();
    } catch (...) {
      c.sequences.unreserve();
      throw;
    }
  }
  Query(c.begin).run();
}

void Store::commit() {
  Query(connection_->commit).run();
  connection_->sequences.committed();
  connection_->taken_back.clear();
  const bool was_clean = !dirty_.exchange(true, std::memory_order_relaxed);
  if (wake_ && (was_clean || checkpoint_due())) wake_();
  const EventId newest = connection_->sequences.newest_event();
  if (newest == newest_told_) return;
  newest_told_ = newest;
  if (happened_) happened_();
}

void Store::roll_back() {
  // Some failures have rolled back already, and a second ROLLBACK would fail
  // (https://www.sqlite.org/lang_transaction.html, "Response To Errors Within A Transaction").
  // One that fails is tried once more: what is left open would be seen, and committed with what comes next.
  const auto is_open = [this] { return sqlite3_get_autocommit(connection_->database->getHandle()) == 0; };
  for (int tries = 0; tries < 2 && is_open(); ++tries) {
    connection_->roll_back.tryExecuteStep();
    connection_->roll_back.tryReset();
  }
  connection_->entries.rolled_back();
  connection_->hidden.rolled_back();
  connection_->grants.rolled_back();
  connection_->sequences.rolled_back();
  auto& taken_back = connection_->taken_back;
  std::for_each(taken_back.rbegin(), taken_back.rend(), [](const std::function<void()>& undo) { undo(); });
  taken_back.clear();
}

Error Store::abandon() {
  roll_back();
  try {
    throw;
  } catch (const SQLite::Exception& failure) {
    return translate(failure);
  }
}

Result<FlushId> Store::begin_flush() {
  const MutexLock lock(mutex_);
  try {
    begin();
    const FlushId number = connection_->sequences.next_flush();
    Query(connection_->commit).run();
    connection_->sequences.committed();
    return number;
  } catch (...) {
    return tl::unexpected<Error>(abandon());
  }
}

Result<void> Store::sync() {
  dirty_.store(false, std::memory_order_relaxed);
  sqlite3_file* log = connection_->log;
  // fdatasync(2) on the log: what was committed is in it, or already in the database, which a checkpoint syncs itself.
  const int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) return {};
  dirty_.store(true, std::memory_order_relaxed);
  return fail(Errc::io, "the log of metadata.db cannot be flushed");
}

bool Store::checkpoint_due() const { return connection_->log_pages.load(std::memory_order_relaxed) > kCheckpointPages; }

Result<void> Store::checkpoint() {
  // Flushed first without the lock, so that the flush inside the checkpoint finds little to do.
  REPRIEVE_TRY_VOID(sync());
  const MutexLock lock(mutex_);
  return write_back();
}

Result<void> Store::write_back() {
  const int code = sqlite3_wal_checkpoint_v2(connection_->database->getHandle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  if (code != SQLITE_OK) return fail(Errc::io, "the log of metadata.db cannot be written back");
  connection_->log_pages.store(0, std::memory_order_relaxed);
  return {};
}

Result<void> Store::copy_to(const std::filesystem::path& file, const std::atomic<bool>& stop) {
  std::optional<DatabaseCopy> copy;
  for (bool done = false; !done; std::this_thread::sleep_for(kGiveWay)) {
    const MutexLock lock(mutex_);
    Result<bool> copied = fail(Errc::interrupted, "the copy was interrupted");
    if (!copy) {
      auto begun = DatabaseCopy::begin(connection_->database->getHandle(), file);
      if (!begun) return fail(std::move(begun).error());
      copy = *std::move(begun);
    }
    if (!stop) copied = copy->step();
    done = !copied || *copied;
    if (done) copy.reset();  // with the lock held
    if (!copied) return fail(std::move(copied).error());
  }
  return {};
}

void Store::on_dirty(std::function<void()> wake) {
  wake_ = std::move(wake);
  // Recovery has committed before anybody could hear of it, and only what follows a sync wakes.
  if (dirty_) wake_();
}

void Store::on_event(std::function<void()> wake) {
  const MutexLock lock(mutex_);
  happened_ = std::move(wake);
}

void Store::lowest_unsettled_inode(std::function<std::optional<InodeId>()> ask) { lowest_unsettled_ = std::move(ask); }

Result<std::uint64_t> Store::copy_bytes() {
  const MutexLock lock(mutex_);
  try {
    const auto ask = [this](const char* pragma) { return connection_->database->execAndGet(pragma).getInt64(); };
    return static_cast<std::uint64_t>(ask("PRAGMA page_count") * ask("PRAGMA page_size"));
  } catch (const SQLite::Exception& failure) {
    return fail(translate(failure));
  }
}

std::uint64_t Store::size_bytes() const {
  const auto size = [](const std::filesystem::path& path) -> std::uint64_t {
    std::error_code missing;
    const auto bytes = std::filesystem::file_size(path, missing);
    return missing ? 0 : bytes;
  };
  return size(connection_->file) + size(connection_->file.string() + "-wal");
}

}  // namespace reprieve
