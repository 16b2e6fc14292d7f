// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

namespace reprieve {

class BlobStore;
class Store;

// Brings rows and blobs into line again after a crash or a power cut, before anything else is done with the store.
// Blobs that no row names go: they had been made ahead of need, or their create did not commit. A file whose blob's
// name did not get to the disk is empty: what was written to it was not synced either. All of this lies above the
// recorded tail, so the search does not grow with the store. no_space, io.
Result<void> recover(Store& store, BlobStore& blobs);

}  // namespace reprieve
