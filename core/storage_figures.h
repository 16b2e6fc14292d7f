// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace reprieve {

// Figures of a whole store. Sizes in bytes.
struct StorageFigures {
  std::uint64_t accounts = 0;
  std::uint64_t inodes = 0;
  std::uint64_t trash_items = 0;
  std::uint64_t purge_queue = 0;  // trees whose bytes are still to be given back
  std::uint64_t open_files = 0;   // inodes that some process holds open
  std::uint64_t disk_total = 0;
  std::uint64_t disk_free = 0;
  std::uint64_t metadata_bytes = 0;  // of metadata.db and its log
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
};

}  // namespace reprieve
