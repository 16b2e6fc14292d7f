// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace SQLite {
class Database;
}

// The schema of metadata.db and its history. The tables are described in ARCHITECTURE.md.
namespace reprieve {

// Marks an SQLite file as ours (PRAGMA application_id; https://www.sqlite.org/fileformat.html offset 68). "RPRV".
inline constexpr std::uint32_t kApplicationId = 0x52505256;
// The same of a backup, which is not to be served as it is. "RPRB".
inline constexpr std::uint32_t kBackupApplicationId = 0x52505242;

// The version that this program writes (PRAGMA user_version, offset 60).
[[nodiscard]] std::uint32_t current_schema_version();

// Brings a database from `version` to the current one, each step one transaction together with its number. Throws
// SQLite::Exception; what was finished stays.
void migrate(SQLite::Database& database, std::uint32_t version);

}  // namespace reprieve
