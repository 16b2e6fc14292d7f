// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "core/base/result.h"

// A backup of metadata.db as it lies on a disk: one SQLite file that needs no log and that any SQLite reads, with 16
// bytes behind its last page, which SQLite does not look at: "RPRVSEAL" and the CRC-64/XZ of everything before, most
// significant byte first. A flipped bit in a row is not what SQLite's own check would find. It is marked as a backup
// (PRAGMA application_id), so that no daemon serves one that was copied to the place of metadata.db, which does not
// fit the blobs (core/upkeep/reconciliation).
namespace reprieve {

struct SealedContents {
  std::uint64_t bytes = 0;
  std::uint64_t inodes = 0;
};

// Makes a copy of the database that nobody has open a backup, and has it on the disk. no_space, io.
Result<void> seal(const std::filesystem::path& file);

// Reads a backup back, past what the kernel remembers of it. store_damaged: what was written is not what is there, or
// SQLite's check finds something; interrupted: `stop` was set; io.
Result<SealedContents> check_sealed(const std::filesystem::path& file, const std::atomic<bool>& stop);

// Who may have a database open: nobody else where this process holds a DatabaseLock of it.
enum class Holder : std::uint8_t { unknown, this_process };

// Makes the file `into` from a backup, or from a metadata.db of any other name together with its log: a database that
// Store::open takes, checked as above as far as that is possible. `into` is not on the disk yet, and left behind where
// this fails. store_damaged, store_newer, store_locked (another process has it open), not_found, no_space, io.
Result<void> unseal(const std::filesystem::path& file, const std::filesystem::path& into,
                    Holder holder = Holder::unknown);

// The files that SQLite may keep beside a database.
inline constexpr const char* kCompanions[] = {"-wal", "-journal", "-shm"};

}  // namespace reprieve
