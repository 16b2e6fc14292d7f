// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace reprieve {

// What `rm` inside .trash/ does.
enum class TrashRm : std::uint8_t { refuse, purge };

// [trash] of reprieve.toml(5).
struct TrashSettings {
  // A file that a rename replaces becomes a trash item; else it is destroyed.
  bool keep_replaced = true;
  // Names, as glob(7) patterns, that are destroyed at once when they are unlinked.
  std::vector<std::string> exclude = {".fuse_hidden*", ".nfs*"};
  TrashRm rm = TrashRm::refuse;
};

// [store] of reprieve.toml(5).
struct StoreSettings {
  std::filesystem::path path;
  // How long a change may wait to be safe from a power cut when nobody calls fsync(2).
  std::chrono::milliseconds commit_interval{5000};
};

struct Settings {
  StoreSettings store;
  TrashSettings trash;
};

}  // namespace reprieve
