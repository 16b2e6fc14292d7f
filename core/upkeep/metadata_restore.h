// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/base/clock.h"
#include "core/base/result.h"
#include "core/upkeep/reconciliation.h"

namespace reprieve {

class BlobStore;
class Store;

struct RestoredMetadata {
  std::filesystem::path before;  // the database that was in its place; empty where there was none
  Reconciliation reconciliation;
};

// Puts a backup, or another copy of a metadata.db, in the place of the database of the store in `directory`, which no
// daemon serves. An earlier copy that is in that place already can be given, too. The copy is checked and brought into
// line with the blobs under another name first; the old database stays beside it as `metadata.db.before-TIME` with its
// log. A crash leaves the old one in its place, or none, so that a daemon refuses the store until this is done again.
// Errors: store_locked, not_found, store_newer, store_damaged (the copy, or a store without blobs), no_space, io. Where
// it fails everything is as it was, unless the disk fails between the last two steps: then both databases are there,
// but not in their place.
Result<RestoredMetadata> restore_metadata(const std::filesystem::path& directory, const std::filesystem::path& file,
                                          Timestamp now);

// The steps that are the same wherever a database comes from: `make` makes it under the name that it is given, and what
// that leaves beside it is refused. Returns RestoredMetadata::before.
Result<std::filesystem::path> put_in_place(
    const std::filesystem::path& directory, Timestamp now,
    const std::function<Result<void>(const BlobStore& blobs, const std::filesystem::path& made)>& make);
// Removes what a restore or rebuild that was killed has left: metadata.db.unfinished, and metadata.db.before-TIME that
// is another name of the database itself, whose log goes on under its first name alone. What cannot be removed stays
// until the next time. The caller has the database open or locked, so that none is under way.
void remove_leftovers(const std::filesystem::path& database);

// Has history tell where the database came from.
Result<void> note_restore(Store& store, const std::string& from, Timestamp now);

}  // namespace reprieve
