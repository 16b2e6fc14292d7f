// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/scrubber.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "core/base/thread.h"
#include "core/base/time_text.h"
#include "core/parts.h"
#include "core/tree/own_attributes.h"

namespace reprieve {
namespace {

using Steady = std::chrono::steady_clock;

// What a file costs beside its bytes, so that many small ones keep to the rate too.
constexpr auto kFileCost = std::uint64_t{64} * 1024;
// Read before the rate is looked at again.
constexpr std::size_t kPiece = std::size_t{1} << 20;
// Rows of checksums that are looked through at a time, while others wait for the store.
constexpr std::size_t kPortion = 4096;

Error damage() { return {Errc::data_damaged, "its bytes are not what they were; put a good copy in its place"}; }

// None of a file that none of them owns.
std::optional<DamagedFile> described(Transaction& tx, const std::vector<Account>& owners, const ChecksumRow& row) {
  const auto inode = tx.inodes.find(row.inode);
  if (!inode) return std::nullopt;
  const auto owner = std::ranges::find(owners, inode->owner, &Account::id);
  if (owner == owners.end()) return std::nullopt;
  return DamagedFile{.inode = row.inode,
                     .account = owner->name,
                     .path = visible_path(tx, *owner, row.inode).value_or(std::string()),
                     .compared = row.verified};
}

// For want of memory or descriptors nothing can be said of the file.
bool tells_nothing(Errc code) { return code == Errc::too_many_open_files || code == Errc::out_of_memory; }

}  // namespace

Scrubber::Scrubber(CoreParts& parts) : parts_(parts), comparisons_(*this, parts.processes) {}

Scrubber::~Scrubber() { stop(); }

Result<void> Scrubber::start() {
  if (!is_on()) {
    return parts_.store->write([](Transaction& tx) -> Result<void> {
      if (tx.checksums.any()) tx.checksums.forget_all();
      return {};
    });
  }
  REPRIEVE_TRY(thread_, start_thread([this] { run(); }));
  return parts_.settings.integrity.checksums == Checksums::at_open ? comparisons_.start() : Result<void>();
}

void Scrubber::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    woken_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  comparisons_.stop();
}

bool Scrubber::is_on() const { return parts_.settings.integrity.checksums != Checksums::off; }

// --- before a file is used

Result<bool> Scrubber::has_to_be_compared(InodeId inode) {
  if (parts_.settings.integrity.checksums != Checksums::at_open || parts_.content.is_open(inode)) return false;
  return parts_.store->read([&](Transaction& tx) -> Result<bool> {
    const auto known = tx.checksums.find(inode);
    return known && !known->damaged;
  });
}

Result<void> Scrubber::check(InodeId inode, int flags) {
  const bool keeps_nothing = (flags & O_ACCMODE) == O_WRONLY && (flags & O_APPEND) == 0;
  if (!is_on() || keeps_nothing) return {};
  return parts_.store->read([&](Transaction& tx) -> Result<void> {
    const auto known = tx.checksums.find(inode);
    if (known && known->damaged) return tl::unexpected(damage());
    return {};
  });
}

Result<void> Scrubber::before_writing(InodeId inode) { return forget(inode, false); }

Result<void> Scrubber::before_resizing(InodeId inode, std::uint64_t size) { return forget(inode, size == 0); }

void Scrubber::disturb(InodeId inode) {
  const MutexLock lock(mutex_);
  for (Reading& reading : readings_) reading.disturbed |= reading.inode == inode;
}

std::optional<IntegrityFigures> Scrubber::figures(Transaction& tx) const {
  if (!is_on()) return std::nullopt;
  const ScrubRow scrub = tx.checksums.scrub();
  return IntegrityFigures{.checksums = tx.checksums.count(),
                          .damaged = tx.checksums.count_damaged(),
                          .compared = scrub.finished == Timestamp() ? std::nullopt : std::optional(scrub.finished),
                          .files = scrub.files,
                          .bytes = scrub.bytes};
}

Result<DamagedPage> Scrubber::damaged(const std::vector<Account>& owners, InodeId after, std::size_t limit) {
  if (!is_on()) return fail(Errc::not_supported, "no checksums of files are kept ([integrity] of reprieve.toml(5))");
  DamagedPage page;
  for (std::optional<InodeId> behind = after; behind;) {
    REPRIEVE_TRY(behind, parts_.store->read([&](Transaction& tx) -> Result<std::optional<InodeId>> {
      const auto rows = tx.checksums.after(*behind, kPortion);
      for (const ChecksumRow& row : rows) {
        if (auto file = row.damaged ? described(tx, owners, row) : std::nullopt) page.files.push_back(*std::move(file));
        if (page.files.size() == limit) page.more = row.inode;
        if (page.more) return std::optional<InodeId>();
      }
      return rows.size() < kPortion ? std::nullopt : std::optional(rows.back().inode);
    }));
  }
  return page;
}

void Scrubber::purged(Transaction& tx, InodeId inode) const {
  if (is_on()) tx.checksums.remove(inode);
}

Result<void> Scrubber::forget(InodeId inode, bool also_damaged) {
  if (!is_on()) return {};
  // First: a row that verify() puts after this transaction is then one that it does not put at all.
  disturb(inode);
  REPRIEVE_TRY(const bool forgotten, parts_.store->write([&](Transaction& tx) -> Result<bool> {
    const auto known = tx.checksums.find(inode);
    if (!known || (known->damaged && !also_damaged)) return false;
    tx.checksums.remove(inode);
    return true;
  }));
  return forgotten ? parts_.store->sync() : Result<void>();
}

// --- reading them all

void Scrubber::run() {
  Attempts attempts(parts_.failures, "files are not compared with their checksums");
  for (auto due = first_due(); sleep_until(due);) {
    const Result<bool> done = pass();
    if (done && !*done) return;
    due = Steady::now() + attempts.after(done).value_or(parts_.settings.integrity.interval);
  }
}

Steady::time_point Scrubber::first_due() {
  const auto interval = std::chrono::nanoseconds(parts_.settings.integrity.interval);
  const auto left = parts_.store->read([&](Transaction& tx) -> Result<std::chrono::nanoseconds> {
    const ScrubRow last = tx.checksums.scrub();
    if (last.cursor || last.finished == Timestamp()) return std::chrono::nanoseconds(0);
    return std::clamp(interval - (parts_.clock.now() - last.finished), std::chrono::nanoseconds(0), interval);
  });
  return Steady::now() + left.value_or(interval);
}

bool Scrubber::sleep_until(Steady::time_point time) {
  const MutexLock lock(mutex_);
  while (!stopping_) {
    const auto left = time - Steady::now();
    if (left <= left.zero()) return true;
    woken_.wait_for(mutex_, left);
  }
  return false;
}

Result<bool> Scrubber::pass() {
  const auto began = Steady::now();
  std::uint64_t cost = 0;
  const auto spend = [&](std::uint64_t bytes) {
    cost += bytes;
    const double seconds = static_cast<double>(cost) / static_cast<double>(parts_.settings.integrity.rate);
    return sleep_until(began + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds)));
  };
  const auto save = [&](const ScrubRow& progress) {
    return parts_.store->write([&](Transaction& tx) -> Result<void> {
      tx.checksums.set_scrub(progress);
      return {};
    });
  };
  REPRIEVE_TRY(ScrubRow progress,
               parts_.store->read([](Transaction& tx) -> Result<ScrubRow> { return tx.checksums.scrub(); }));
  if (!progress.cursor) progress.files = progress.bytes = 0;
  for (;;) {
    REPRIEVE_TRY(const auto next, parts_.store->read([&](Transaction& tx) -> Result<std::optional<InodeId>> {
      return tx.inodes.next_file(progress.cursor);
    }));
    if (!next) break;
    Look look(*this, *next);
    while (const std::size_t bytes = look.read_on(kPiece)) {
      progress.bytes += bytes;
      if (!spend(bytes)) return false;
    }
    REPRIEVE_TRY_VOID(look.judge());
    progress.cursor = *next;
    ++progress.files;
    REPRIEVE_TRY_VOID(save(progress));
    if (!spend(kFileCost)) return false;
  }
  progress.cursor = InodeId();
  progress.finished = parts_.clock.now();
  REPRIEVE_TRY_VOID(save(progress));
  return true;
}

std::optional<Scrubber::Finding> Scrubber::judge(Transaction& tx, InodeId inode, const Result<std::string>& sum) {
  const auto row = tx.inodes.find(inode);
  if (!row) return std::nullopt;
  const auto known = tx.checksums.find(inode);
  const bool was_damaged = known && known->damaged;
  ChecksumRow now{.inode = inode, .verified = parts_.clock.now()};
  // Of what could never be read, the first bytes that can be are the right ones.
  now.sum = known && !known->sum.empty() ? known->sum : sum.value_or(std::string());
  now.damaged = !sum || *sum != now.sum;
  tx.checksums.put(now);
  if (now.damaged == was_damaged) return std::nullopt;
  EventRow event{.id = {}, .at = now.verified, .kind = now.damaged ? EventKind::damaged : EventKind::undamaged};
  event.account = row->owner;
  event.inode = inode;
  const auto owner = tx.accounts.find(row->owner);
  if (owner) event.path = visible_path(tx, *owner, inode).value_or(std::string());
  if (!sum) {
    event.detail = "its bytes cannot be read: " + std::string(reason_of(sum.error()));
  } else if (now.damaged) {
    event.detail = "its bytes are not what they were when they were last read, " + rfc3339(known->verified);
  }
  tx.events.insert(event);
  if (!now.damaged) return std::nullopt;
  return Finding{.file = {.inode = inode,
                          .account = owner ? owner->name : std::string(),
                          .path = event.path,
                          .compared = now.verified},
                 .how = event.detail};
}

void Scrubber::tell(const Finding& finding) {
  if (IntegrityListener* to = parts_.integrity_listener.load()) to->found_damaged(finding.file, finding.how);
}

void Scrubber::tell_of_cache() {
  IntegrityListener* to = parts_.integrity_listener.load();
  if (to != nullptr && !told_of_cache_.exchange(true)) to->reads_through_cache();
}

// --- one of them

Scrubber::Look::Look(Scrubber& scrubber, InodeId inode) : scrubber_(scrubber) {
  const MutexLock lock(scrubber_.mutex_);
  reading_ = scrubber_.readings_.insert(scrubber_.readings_.end(), Reading{.inode = inode});
}

Scrubber::Look::~Look() {
  const MutexLock lock(scrubber_.mutex_);
  scrubber_.readings_.erase(reading_);
}

std::size_t Scrubber::Look::read_on(std::size_t about) {
  if (!std::exchange(begun_, true)) readable_ = begin();
  if (!readable_ || !at_rest_) return 0;
  const auto bytes = sum_->read_on(about);
  if (!bytes) readable_ = fail(bytes.error());
  return bytes.value_or(0);
}

Result<void> Scrubber::Look::begin() {
  REPRIEVE_TRY(blob_, scrubber_.parts_.blobs->open_blob_to_read(reading_->inode));
  // What writes without this daemon knowing: a mapping goes on behind the close of its file, because with passthrough
  // it is one of the blob itself; a program may have the file open through a mount that a daemon before has left.
  at_rest_ = is_at_rest(blob_.get());
  REPRIEVE_TRY(sum_, FileSum::begin(blob_.get()));
  return {};
}

Result<void> Scrubber::Look::judge() {
  if (!at_rest_ || (!readable_ && tells_nothing(readable_.error().code))) return {};
  const Result<std::string> sum = readable_ ? Result<std::string>(sum_->finish()) : fail(readable_.error());
  if (sum_ && !sum_->is_direct()) scrubber_.tell_of_cache();
  REPRIEVE_TRY(const auto finding,
               scrubber_.parts_.store->write([&](Transaction& tx) -> Result<std::optional<Finding>> {
                 const bool written = was_disturbed() || scrubber_.parts_.content.is_open_for_writing(reading_->inode);
                 return written ? std::nullopt : scrubber_.judge(tx, reading_->inode, sum);
               }));
  if (finding) scrubber_.tell(*finding);
  return {};
}

bool Scrubber::Look::was_disturbed() {
  const MutexLock lock(scrubber_.mutex_);
  return reading_->disturbed;
}

}  // namespace reprieve
