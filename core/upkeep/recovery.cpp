// SPDX-License-Identifier: Apache-2.0
#include "core/upkeep/recovery.h"

#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "core/store/blob_store.h"
#include "core/store/store.h"

namespace reprieve {
namespace {

// The blob goes by the times of its row, which are those of the create.
Result<void> make_again(BlobStore& blobs, const InodeRow& file) {
  REPRIEVE_TRY_VOID(blobs.make_empty(file.id));
  const timespec times[2] = {to_timespec(file.accessed), to_timespec(file.modified)};
  return blobs.set_times(file.id, times);
}

// Something else than a file is no leftover of ours.
Result<bool> holds_something(const BlobStore& blobs, InodeId blob) {
  const auto status = blobs.stat_blob(blob);
  if (status) return !S_ISREG(status->st_mode) || status->st_size != 0;
  if (status.error().code == Errc::stale) return false;
  return fail(status.error());
}

struct Blobs {
  std::set<InodeId> needed;
  std::vector<InodeId> nameless;
};

// Also beyond the numbers that are reserved: a power cut can take the reservation back.
Result<Blobs> look_from(Transaction& tx, const BlobStore& blobs, InodeId tail) {
  constexpr InodeId kEnd(std::numeric_limits<std::int64_t>::max());
  Blobs found;
  REPRIEVE_TRY_VOID(blobs.each_from(tail, kEnd, [&](InodeId blob) {
    if (tx.inodes.find(blob) || tx.purges.is_doomed(blob)) {
      found.needed.insert(blob);
    } else {
      found.nameless.push_back(blob);
    }
  }));
  return found;
}

Result<std::size_t> recover_in(Transaction& tx, BlobStore& blobs) {
  const InodeId tail = tx.sequences.blob_tail();
  REPRIEVE_TRY(const Blobs found, look_from(tx, blobs, tail));
  InodeId last;
  std::size_t kept = 0;
  for (const InodeId blob : found.nameless) {
    REPRIEVE_TRY(const bool is_kept, holds_something(blobs, blob));
    if (!is_kept) {
      REPRIEVE_TRY_VOID(blobs.discard(blob));
      continue;
    }
    last = std::max(last, blob);
    ++kept;
  }
  if (last) tx.sequences.pass(last);
  for (const InodeId file : tx.inodes.files_from(tail)) {
    if (!found.needed.contains(file)) REPRIEVE_TRY_VOID(make_again(blobs, *tx.inodes.find(file)));
  }
  return kept;
}

}  // namespace

Result<void> require_newest(Store& store, const BlobStore& blobs) {
  REPRIEVE_TRY(const FlushId flushed, blobs.flushed());
  REPRIEVE_TRY(const FlushId known,
               store.read([](Transaction& tx) -> Result<FlushId> { return tx.sequences.flush(); }));
  if (known >= flushed) return {};
  return fail(Errc::store_damaged,
              "metadata.db is an earlier copy: it ends with flush " + std::to_string(known.number()) +
                  ", and the store was written until flush " + std::to_string(flushed.number()) +
                  ". Put the last one back; or have reprieved --restore-metadata take the copy, which keeps what is"
                  " newer; or move the copy away for reprieved --rebuild-metadata");
}

Result<std::size_t> recover(Store& store, BlobStore& blobs) {
  REPRIEVE_TRY(const std::size_t kept,
               store.write([&](Transaction& tx) -> Result<std::size_t> { return recover_in(tx, blobs); }));
  // The tail moves on past what was done here.
  REPRIEVE_TRY_VOID(blobs.sync_names());
  return kept;
}

}  // namespace reprieve
