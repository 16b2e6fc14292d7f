// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/checker.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "core/store/blob_store.h"
#include "core/store/connection.h"
#include "core/store/store.h"
#include "core/upkeep/check_repair.h"
#include "core/upkeep/recovery.h"
#include "core/upkeep/shown_place.h"

namespace reprieve {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

// For how long one look may hold up others, and for how long they then have the store to themselves.
constexpr microseconds kLook{2000};
constexpr microseconds kGiveWay{500};
constexpr std::size_t kFewestRows = 16;
constexpr std::size_t kMostRows = 4096;
constexpr std::size_t kFolder = 1024;  // blobs that are looked up at once

// Repairs that lay bare something else are few; a store that is never done with is told as it is.
constexpr int kMostPasses = 8;
// Walks that take the time, both over numbers of inodes.
constexpr std::array kLong{Walk::inodes, Walk::entries};

std::string no_cure(CheckRepair& /*repair*/) { return {}; }

constexpr std::string_view kWayOn =
    ". Stop the daemon, keep a copy of metadata.db and its log, and restore it from a backup (reprieved"
    " --restore-metadata) or, without one, make it anew (--rebuild-metadata)";

// As many rows as `kLook` is enough for, going by what the last ones took.
std::size_t next_rows(std::size_t rows, microseconds took) {
  const auto fitting = static_cast<std::size_t>(static_cast<double>(rows) * static_cast<double>(kLook.count()) /
                                                static_cast<double>(std::max<std::int64_t>(took.count(), 1)));
  return std::clamp(std::min(fitting, rows * 2), kFewestRows, kMostRows);
}

ShownPlace place_of(Transaction& tx, const RowSubject& subject) {
  return shown_place(tx,
                     subject.entry ? tx.entries.find(subject.parent, subject.entry) : tx.entries.place(subject.inode));
}

}  // namespace

template <typename Body>
Result<void> Checker::look(const Body& body) {
  if (interrupted_) return fail(Errc::interrupted, "the check was broken off");
  return store_.read([&](Transaction& tx) -> Result<void> {
    const auto start = steady_clock::now();
    auto result = body(tx);
    report_.longest_pause = std::max(report_.longest_pause, duration_cast<microseconds>(steady_clock::now() - start));
    return result;
  });
}

void Checker::give_way() const {
  if (beside_ == Beside::everybody) std::this_thread::sleep_for(kGiveWay);
}

void Checker::note(Transaction& tx, const Suspect& suspect, std::string repaired) {
  ++report_.found;
  report_.repaired += repaired.empty() ? 0 : 1;
  if (report_.findings.size() >= CheckReport::kMostFindings) return;
  ShownPlace place = place_of(tx, suspect.subject);
  report_.findings.push_back({.rule = std::string(suspect.name),
                              .message = std::string(suspect.message),
                              .subject = suspect.subject,
                              .account = std::move(place.account),
                              .path = std::move(place.path),
                              .repaired = std::move(repaired)});
}

Result<void> Checker::found(const Suspect& suspect, const Still& still, const Cure& cure) {
  if (mode_ == CheckMode::find) {
    return look([&](Transaction& tx) -> Result<void> {
      if (still(tx)) note(tx, suspect, {});
      return {};
    });
  }
  Changes changes;
  REPRIEVE_TRY_VOID(store_.write([&](Transaction& tx) -> Result<void> {
    if (!still(tx)) return {};
    const ShownPlace place = place_of(tx, suspect.subject);
    const Timestamp now = clock_.now();
    CheckRepair repair(tx, now, changes);
    std::string done = cure(repair);
    note(tx, suspect, done);
    if (done.empty()) return {};
    EventRow event{.id = {}, .at = now, .kind = EventKind::repair};
    if (const auto account = tx.accounts.find(place.account)) event.account = account->id;
    event.uid = caller_.uid;
    event.process = caller_.thread;
    event.inode = suspect.subject.inode;
    event.item = suspect.subject.item;
    event.path = place.path;
    event.detail = std::string(suspect.name) + ": " + std::move(done);
    tx.events.insert(event);
    return {};
  }));
  if (announce_) announce_(changes);
  return {};
}

Result<CheckReport> Checker::run(CheckMode mode, const Caller& caller, Announce announce) {
  if (running_.exchange(true)) return fail(Errc::in_use, "a check is under way already");
  const std::shared_ptr<void> end(nullptr, [this](void*) { running_ = false; });
  const auto start = steady_clock::now();
  mode_ = mode;
  caller_ = caller;
  announce_ = std::move(announce);
  report_ = {};
  auto result = run_passes();
  // Statements are kept for a run and not between runs.
  static_cast<void>(store_.read([](Transaction& tx) -> Result<void> {
    tx.invariants.forget();
    return {};
  }));
  if (!result && result.error().code == Errc::store_damaged) {
    ++report_.found;
    report_.findings.push_back({.rule = "database",
                                .message = std::string(reason_of(result.error())) + std::string(kWayOn),
                                .subject = {},
                                .account = {},
                                .path = {},
                                .repaired = {}});
  } else if (!result) {
    return fail(std::move(result).error());
  }
  report_.took = duration_cast<microseconds>(steady_clock::now() - start);
  return std::move(report_);
}

Result<void> Checker::run_passes() {
  // In full it holds up everybody for as long as it takes to read the database; a start has done it in short.
  if (beside_ == Beside::nobody) {
    REPRIEVE_TRY_VOID(look([](Transaction& tx) -> Result<void> {
      const std::string verdict = tx.invariants.integrity();
      if (verdict != "ok") return fail(Errc::store_damaged, "metadata.db is damaged: " + verdict);
      return {};
    }));
  }
  for (int pass = 0; pass < kMostPasses; ++pass) {
    // What could not be repaired is found again.
    std::erase_if(report_.findings, [](const Finding& finding) { return finding.repaired.empty(); });
    const std::uint64_t before = report_.found = report_.repaired;
    report_.inodes = report_.entries = report_.trash_items = report_.blobs = 0;
    REPRIEVE_TRY_VOID(run_pass());
    if (report_.repaired == before) break;
  }
  return {};
}

Result<void> Checker::run_pass() {
  done_ = 0;
  REPRIEVE_TRY_VOID(look([&](Transaction& tx) -> Result<void> {
    total_ = static_cast<std::uint64_t>(tx.invariants.last_inode().number()) * std::size(kLong);
    return {};
  }));
  for (const Walk walk : kWalks) REPRIEVE_TRY_VOID(check_rows(walk));
  REPRIEVE_TRY_VOID(check_blobs());
  return check_marks();
}

Result<void> Checker::check_rows(Walk walk) {
  const bool is_long = std::ranges::find(kLong, walk) != kLong.end();
  const std::uint64_t done_before = done_;
  std::size_t rows = kFewestRows;
  for (InvariantRows::Portion portion; !portion.is_last;) {
    const WalkPlace from = portion.end;
    std::vector<InodeId> files;
    std::vector<Suspect> suspects;
    const auto start = steady_clock::now();
    REPRIEVE_TRY_VOID(look([&](Transaction& tx) -> Result<void> {
      portion = tx.invariants.check(walk, from, rows, [&](const Invariant& rule, const RowSubject& subject) {
        suspects.push_back({&rule, rule.name, rule.message, subject});
      });
      if (walk == Walk::inodes) files = tx.invariants.files(InodeId(from.first), InodeId(portion.end.first));
      return {};
    }));
    rows = next_rows(rows, duration_cast<microseconds>(steady_clock::now() - start));
    for (const Suspect& suspect : suspects) {
      const RowSubject& row = suspect.subject;
      REPRIEVE_TRY_VOID(found(
          suspect, [&](Transaction& tx) { return tx.invariants.is_broken(*suspect.rule, row.key); },
          [&](CheckRepair& repair) { return repair.put_right(*suspect.rule, row); }));
    }
    REPRIEVE_TRY_VOID(check_files(files));
    if (walk == Walk::inodes) report_.inodes += portion.rows;
    if (walk == Walk::entries) report_.entries += portion.rows;
    if (walk == Walk::trash_items) report_.trash_items += portion.rows;
    if (is_long && !portion.is_last)
      done_ = done_before + static_cast<std::uint64_t>(std::max<std::int64_t>(portion.end.first, 0));
    give_way();
  }
  if (is_long) done_ = done_before + total_ / std::size(kLong);
  return {};
}

// That each has its blob. What seems to be missing may have been purged meanwhile, so it is looked at again while
// nothing can change.
Result<void> Checker::check_files(const std::vector<InodeId>& files) {
  for (const InodeId file : files) {
    const auto blob = blobs_.stat_blob(file);
    if (blob && S_ISREG(blob->st_mode)) continue;
    if (blob) {
      REPRIEVE_TRY_VOID(found(
          {nullptr, "blob-type", "the blob of the file is not a file", {.inode = file}},
          [&](Transaction& tx) { return tx.inodes.find(file).has_value(); }, &no_cure));
    } else if (blob.error().code != Errc::stale) {
      REPRIEVE_TRY_VOID(found(
          {nullptr, "blob-unreadable", reason_of(blob.error()), {.inode = file}},
          [&](Transaction& tx) { return tx.inodes.find(file).has_value(); }, &no_cure));
    } else {
      const auto is_missing = [&](Transaction& tx) {
        // Above the tail a power cut may have taken its name, and the next start makes it again.
        const bool is_recovered = beside_ == Beside::nobody && file >= tx.sequences.blob_tail();
        return !is_recovered && tx.inodes.find(file) && !tx.inodes.xattr(file, kLostAttribute) &&
               !blobs_.stat_blob(file);
      };
      REPRIEVE_TRY_VOID(found({nullptr, "file-blob", "the blob of the file is missing", {.inode = file}}, is_missing,
                              [&](CheckRepair& repair) { return repair.mark_lost(file); }));
    }
  }
  return {};
}

Result<void> Checker::check_blobs() {
  std::vector<InodeId> named;
  std::vector<std::pair<InodeId, std::string>> misplaced;
  Result<void> checked;
  constexpr InodeId kEnd(std::numeric_limits<std::int64_t>::max());
  REPRIEVE_TRY_VOID(blobs_.each_from(
      InodeId(), kEnd,
      [&](InodeId blob) {
        if (!checked) return;
        named.push_back(blob);
        if (named.size() == kFolder) checked = check_named(std::exchange(named, {}));
      },
      [&](InodeId blob, const std::string& folder) { misplaced.emplace_back(blob, folder); }));
  REPRIEVE_TRY_VOID(checked);
  for (const auto& [blob, folder] : misplaced) REPRIEVE_TRY_VOID(found_misplaced(blob, folder));
  return check_named(named);
}

// A copy that somebody made by hand, or a file system below that was repaired.
Result<void> Checker::found_misplaced(InodeId blob, const std::string& folder) {
  const std::string message = "the blob lies in blobs/" + folder + ", where nothing looks for it";
  return found(
      {nullptr, "blob-place", message, {.inode = blob}}, [](Transaction& /*tx*/) { return true; },
      [&](CheckRepair& /*repair*/) -> std::string {
        return blobs_.put_in_place(blob, folder) ? "it was moved to its own folder" : "";
      });
}

// That each belongs to a row, or is about to, or is about to go.
Result<void> Checker::check_named(const std::vector<InodeId>& blobs) {
  const auto is_stray = [this](Transaction& tx, InodeId blob) {
    const auto unsettled = beside_ == Beside::nobody ? tx.sequences.blob_tail() : blobs_.lowest_unsettled();
    if (tx.inodes.find(blob) || tx.purges.is_doomed(blob) || (unsettled && blob >= *unsettled)) return false;
    // Unlinked since the folder was read, or a name that is none of a blob.
    return blobs_.stat_blob(blob).has_value();
  };
  std::vector<InodeId> stray;
  REPRIEVE_TRY_VOID(look([&](Transaction& tx) -> Result<void> {
    std::ranges::copy_if(blobs, std::back_inserter(stray), [&](InodeId blob) { return is_stray(tx, blob); });
    return {};
  }));
  for (const InodeId blob : stray) {
    REPRIEVE_TRY_VOID(found(
        {nullptr, "blob-inode", "the blob belongs to no file", {.inode = blob}},
        [&](Transaction& tx) { return is_stray(tx, blob); },
        [&](CheckRepair& repair) { return repair.enter_blob(blob); }));
  }
  report_.blobs += blobs.size();
  done_ += blobs.size();
  give_way();
  return {};
}

// That what is marked as lost is so: the blob may have come back from a backup.
Result<void> Checker::check_marks() {
  std::vector<InodeId> marked;
  REPRIEVE_TRY_VOID(look([&](Transaction& tx) -> Result<void> {
    marked = tx.invariants.having(kLostAttribute);
    return {};
  }));
  for (const InodeId file : marked) {
    if (!blobs_.stat_blob(file)) continue;
    REPRIEVE_TRY_VOID(found(
        {nullptr, "lost-mark", "the file is marked as lost, and its blob is there", {.inode = file}},
        [&](Transaction& tx) { return tx.inodes.xattr(file, kLostAttribute).has_value(); },
        [&](CheckRepair& repair) { return repair.unmark_lost(file); }));
  }
  return {};
}

CheckProgress Checker::progress() const { return {.running = running_, .done = done_, .total = total_}; }

Result<CheckReport> check_closed_store(const std::filesystem::path& directory, CheckMode mode, const Clock& clock) {
  const auto database = directory / "metadata.db";
  REPRIEVE_TRY(const bool exists, has_database(database));
  if (!exists) return fail(Errc::not_found, directory.string() + " holds no store: metadata.db is missing or empty");
  REPRIEVE_TRY(auto blobs, BlobStore::open(directory, false));
  REPRIEVE_TRY(auto store, Store::open(database));
  REPRIEVE_TRY_VOID(require_newest(*store, *blobs));
  Checker checker(*store, *blobs, clock, Checker::Beside::nobody);
  return checker.run(mode, {.uid = ::geteuid(), .gid = ::getegid(), .thread = ::getpid()}, {});
}

}  // namespace reprieve
