// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/record_keeper.h"

#include <algorithm>
#include <vector>

#include "core/parts.h"
#include "core/store/inode_record.h"
#include "core/upkeep/changed_inodes.h"

namespace reprieve {
namespace {

// Rows that are read in whole with the store's lock held: about a millisecond.
constexpr std::int64_t kRead = 64;
// One inode can have so much by itself.
constexpr std::size_t kReadBytes = std::size_t{1} << 20;
// From the time that a change is stamped with to its commit.
constexpr std::chrono::seconds kLate{10};

Error interrupted() { return {Errc::interrupted, "the records are not up to date"}; }

// From `first` on as much as is read at once. Returns where it goes on.
Result<InodeId> read_some(Transaction& tx, InodeId first, InodeId end, std::vector<InodeRecord>& records) {
  const std::int64_t last = std::min(end.number(), first.number() + kRead);
  std::int64_t number = first.number();
  for (std::size_t bytes = 0; number < last && bytes < kReadBytes; ++number) {
    auto record = read_record(tx, InodeId(number));
    if (!record) continue;
    bytes += size_of(*record);
    records.push_back(*std::move(record));
  }
  return InodeId(number);
}

}  // namespace

Result<void> RecordKeeper::catch_up(const std::atomic<bool>& stop) {
  const Timestamp now = parts_.clock.now();
  Timestamp last;
  std::vector<OutdatedRow> outdated;
  REPRIEVE_TRY_VOID(parts_.store->read([&](Transaction& tx) -> Result<void> {
    last = tx.sequences.recorded();
    outdated = tx.outdated.all();
    return {};
  }));
  REPRIEVE_TRY(auto folders, changed_folders(last, stop));
  for (const OutdatedRow& row : outdated) folders.insert(row.first);
  for (const InodeId folder : folders) REPRIEVE_TRY_VOID(write_folder(folder, stop));
  // What was stamped within the last seconds is written again the next time.
  const bool is_later = !folders.empty() && now - kLate > last;
  if (!is_later && outdated.empty()) return {};
  return parts_.store->write([&](Transaction& tx) -> Result<void> {
    if (is_later) tx.sequences.set_recorded(now - kLate);
    for (const OutdatedRow& row : outdated) tx.outdated.settle(row);
    return {};
  });
}

Result<std::set<InodeId>> RecordKeeper::changed_folders(Timestamp since, const std::atomic<bool>& stop) {
  std::set<InodeId> folders;
  REPRIEVE_TRY_VOID(each_changed_since(*parts_.store, since, [&](std::span<const InodeId> changed) {
    for (const InodeId inode : changed) folders.insert(BlobStore::first_beside(inode));
    return !stop;
  }));
  return folders;
}

Result<void> RecordKeeper::write_folder(InodeId first, const std::atomic<bool>& stop) {
  return parts_.blobs->put_records(first, [&](const FileDescriptor& file) -> Result<void> {
    RecordWriter writer(file);
    const InodeId end(first.number() + BlobStore::kBeside);
    for (InodeId at = first; at < end;) {
      if (stop) return fail(interrupted());
      std::vector<InodeRecord> records;
      REPRIEVE_TRY(at, parts_.store->read([&](Transaction& tx) { return read_some(tx, at, end, records); }));
      REPRIEVE_TRY_VOID(writer.add(records));
    }
    return writer.finish();
  });
}

}  // namespace reprieve
