// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "core/base/result.h"

namespace reprieve {

class BlobStore;
class Store;

// A database that is older than what was written since, an earlier copy in the place of the last one, is store_damaged:
// beside its rows every newer blob would look like the leftover of a crash.
Result<void> require_newest(Store& store, const BlobStore& blobs);

// Brings rows and blobs into line again after a crash or a power cut, before anything else is done with the store.
// Empty blobs that no row names go: they had been made ahead of need, or their create did not commit. One with bytes
// was a file, whose row a power cut took, or an older database does not have: it stays, for a check to give it a name,
// and its number is not given out again. A file whose blob's name did not get to the disk is empty: what was written to
// it was not synced either. All of this lies above the recorded tail, so the search does not grow with the store.
// Returns how many blobs with bytes have no row. no_space, io.
Result<std::size_t> recover(Store& store, BlobStore& blobs);

}  // namespace reprieve
