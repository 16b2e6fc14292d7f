// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/clock.h"

namespace reprieve {

// Of the checksums of files.
struct IntegrityFigures {
  std::uint64_t checksums = 0;
  std::uint64_t damaged = 0;          // files whose bytes are not those of the checksum
  std::optional<Timestamp> compared;  // when all were, the last time
  std::uint64_t files = 0;            // since then, or where nothing is compared right now, at that time
  std::uint64_t bytes = 0;
};

// Figures of a whole store. Sizes in bytes.
struct StorageFigures {
  std::uint64_t accounts = 0;
  std::uint64_t inodes = 0;
  std::uint64_t trash_items = 0;
  std::uint64_t purge_queue = 0;  // trees whose bytes are still to be given back
  std::uint64_t open_files = 0;   // inodes that some process holds open
  std::uint64_t disk_total = 0;
  std::uint64_t disk_free = 0;
  std::uint64_t metadata_bytes = 0;           // of metadata.db and its log
  std::optional<IntegrityFigures> integrity;  // none: no checksums are kept
};

// How many projects or runs an account has.
struct Holdings {
  std::uint64_t owned = 0;
  std::uint64_t shared = 0;  // with it, by others
};

// Figures of one account. Sizes in bytes.
struct AccountFigures {
  std::optional<std::uint64_t> quota;
  std::uint64_t used = 0;             // by all files that it owns, in the trash too, and what is still being destroyed
  std::uint64_t being_destroyed = 0;  // of that, as far as this daemon was told to
  std::uint64_t trash_bytes = 0;      // sum of its items' sizes
  std::uint64_t trash_items = 0;
  Holdings projects;
  Holdings runs;
};

enum class OperationState : std::uint8_t { running, done };

// How far a purge has come. `inodes` counts files and folders; both totals are what the items' figures said.
struct OperationProgress {
  OperationState state = OperationState::running;
  std::uint64_t inodes_total = 0;
  std::uint64_t inodes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_done = 0;
  double seconds = 0;  // since the start, to the end once done
  // Why it does not go on, for people; it is tried again. Empty while it does.
  std::string held_up{};
};

}  // namespace reprieve
