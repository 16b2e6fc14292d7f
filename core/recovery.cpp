// SPDX-License-Identifier: Apache-2.0
#include "core/recovery.h"

#include <sys/stat.h>

#include <limits>
#include <set>

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

Result<void> recover_in(Transaction& tx, BlobStore& blobs) {
  constexpr InodeId kEnd(std::numeric_limits<std::int64_t>::max());
  const InodeId tail = tx.sequences.blob_tail();
  std::set<InodeId> there;
  Result<void> discarded;
  // Also beyond the numbers that are reserved: a power cut can take the reservation back.
  REPRIEVE_TRY_VOID(blobs.each_from(tail, kEnd, [&](InodeId blob) {
    const bool is_needed = tx.inodes.find(blob) || tx.purges.is_doomed(blob);
    if (is_needed) {
      there.insert(blob);
    } else if (discarded) {
      discarded = blobs.discard(blob);
    }
  }));
  REPRIEVE_TRY_VOID(discarded);
  for (const InodeId file : tx.inodes.files_from(tail)) {
    if (!there.contains(file)) REPRIEVE_TRY_VOID(make_again(blobs, *tx.inodes.find(file)));
  }
  tx.purges.forget_operations();
  return {};
}

}  // namespace

Result<void> recover(Store& store, BlobStore& blobs) {
  REPRIEVE_TRY_VOID(store.write([&](Transaction& tx) { return recover_in(tx, blobs); }));
  // The tail moves on past what was done here.
  return blobs.sync_names();
}

}  // namespace reprieve
