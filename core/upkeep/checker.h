// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/caller.h"
#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/changes.h"
#include "core/store/invariants.h"

namespace reprieve {

class BlobStore;
class CheckRepair;
class Store;
class Transaction;

// Something that breaks a rule of the store.
struct Finding {
  std::string rule;     // its stable name
  std::string message;  // for people
  RowSubject subject;
  std::string account;   // in whose tree or trash it is; empty: in none
  std::string path;      // below the account's root; empty without an account
  std::string repaired;  // what was done about it, for people; empty: nothing
};

struct CheckReport {
  static constexpr std::size_t kMostFindings = 1000;

  std::vector<Finding> findings;  // the first so many
  std::uint64_t found = 0;        // all
  std::uint64_t repaired = 0;     // of them
  std::uint64_t inodes = 0;       // looked at
  std::uint64_t entries = 0;
  std::uint64_t trash_items = 0;
  std::uint64_t blobs = 0;
  std::chrono::microseconds took{};
  std::chrono::microseconds longest_pause{};  // for which others may have waited for the store
};

enum class CheckMode : std::uint8_t { find, repair };

// In numbers of inodes that were passed by, of those that are to be.
struct CheckProgress {
  bool running = false;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

// Holds the rows and blobs of a store against every rule. Looks at a few rows at a time, each time at one state of the
// store, so that work goes on beside it and is not taken for damage. Memory does not grow with the store. A repair is
// one transaction, with an event, and is followed by another look at everything, because one may lay bare what the next
// is for. Thread-safe; one run at a time.
class Checker {
 public:
  // Who else works with the store.
  enum class Beside : std::uint8_t {
    nobody,    // it was opened for this alone, without recovery
    everybody  // a FileSystem, after recovery
  };
  Checker(Store& store, BlobStore& blobs, const Clock& clock, Beside beside)
      : store_(store), blobs_(blobs), clock_(clock), beside_(beside) {}

  // A damaged database is a finding. `announce` hears of each repair with no lock held. Errors: in_use (a check is
  // under way), interrupted, no_space, io.
  using Announce = std::function<void(const Changes&)>;
  Result<CheckReport> run(CheckMode mode, const Caller& caller, Announce announce);
  [[nodiscard]] CheckProgress progress() const;
  // run() returns soon, with interrupted; also every later one.
  void interrupt() { interrupted_ = true; }

 private:
  // What breaks a rule of the rows, or another one.
  struct Suspect {
    const Invariant* rule = nullptr;
    std::string_view name;
    std::string_view message;
    RowSubject subject;
  };
  // Whether it is so, inside the transaction that is to put it right.
  using Still = std::function<bool(Transaction&)>;
  using Cure = std::function<std::string(CheckRepair&)>;

  Result<void> run_passes();
  Result<void> run_pass();
  Result<void> check_rows(Walk walk);
  Result<void> check_blobs();
  Result<void> check_files(const std::vector<InodeId>& files);
  Result<void> check_named(const std::vector<InodeId>& blobs);
  Result<void> found_misplaced(InodeId blob, const std::string& folder);
  Result<void> check_marks();
  // Notes it, and puts it right where that is wanted.
  Result<void> found(const Suspect& suspect, const Still& still, const Cure& cure);
  // Runs `body` in a transaction and notes for how long it held up others.
  template <typename Body>
  Result<void> look(const Body& body);
  void note(Transaction& tx, const Suspect& suspect, std::string repaired);
  void give_way() const;

  Store& store_;
  BlobStore& blobs_;
  const Clock& clock_;
  const Beside beside_;
  std::atomic<bool> running_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> total_{0};
  // Of the run under way.
  CheckMode mode_ = CheckMode::find;
  Caller caller_;
  Announce announce_;
  CheckReport report_;
};

// Checks a store that no daemon holds. Its schema is brought up to date, and the log written back, as a start does;
// nothing else is changed but what is repaired. Errors: those of Checker::run(); not_found (there is no store),
// store_locked, store_newer, store_damaged.
Result<CheckReport> check_closed_store(const std::filesystem::path& directory, CheckMode mode, const Clock& clock);

}  // namespace reprieve
