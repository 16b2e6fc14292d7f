// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "core/base/result.h"

namespace SQLite {
class Database;
}

namespace reprieve {

// Whether there is a database of this program; false where it is still to be made: no file, an empty one, or one whose
// making was cut short. store_newer, store_damaged (it is something else), io.
Result<bool> has_database(const std::filesystem::path& file);

// Opens metadata.db as this program's alone, makes it if it is missing, checks it and brings its schema up to date.
// Closed again it leaves an empty log, metadata.db-wal. Errors: store_locked, store_newer, store_damaged, no_space
// (also of inodes), access_denied and others of open(2), io. A file that is refused is left byte for byte as it was.
Result<std::unique_ptr<SQLite::Database>> open_database(const std::filesystem::path& file);

}  // namespace reprieve
