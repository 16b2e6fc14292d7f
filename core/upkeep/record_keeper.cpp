// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/record_keeper.h"

#include <vector>

#include "core/parts.h"
#include "core/store/inode_record.h"
#include "core/upkeep/changed_inodes.h"

namespace reprieve {
namespace {

// Rows that are read in whole with the store's lock held: about a millisecond.
constexpr std::int64_t kRead = 64;
// From the time that a change is stamped with to its commit.
constexpr std::chrono::seconds kLate{10};

Error interrupted() { return {Errc::interrupted, "the records are not up to date"}; }

}  // namespace

Result<void> RecordKeeper::catch_up(const std::atomic<bool>& stop) {
  const Timestamp now = parts_.clock.now();
  REPRIEVE_TRY(const Timestamp last,
               parts_.store->read([](Transaction& tx) -> Result<Timestamp> { return tx.sequences.recorded(); }));
  REPRIEVE_TRY(const auto folders, changed_folders(last, stop));
  for (const InodeId folder : folders) REPRIEVE_TRY_VOID(write_folder(folder, stop));
  // What was stamped within the last seconds is written again the next time.
  if (folders.empty() || now - kLate <= last) return {};
  return parts_.store->write([&](Transaction& tx) -> Result<void> {
    tx.sequences.set_recorded(now - kLate);
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
  std::vector<InodeRecord> records;
  const std::int64_t end = first.number() + BlobStore::kBeside;
  for (std::int64_t from = first.number(); from < end; from += kRead) {
    if (stop) return fail(interrupted());
    REPRIEVE_TRY_VOID(parts_.store->read([&](Transaction& tx) -> Result<void> {
      for (std::int64_t number = from; number < from + kRead; ++number) {
        if (auto record = read_record(tx, InodeId(number))) records.push_back(*std::move(record));
      }
      return {};
    }));
  }
  return parts_.blobs->put_records(first, encode_records(records));
}

}  // namespace reprieve
