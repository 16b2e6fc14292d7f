// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
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
  // How old the newest backup of the metadata may become while there are changes; none: they are made by hand only.
  std::optional<std::chrono::milliseconds> backup_interval = std::chrono::hours(6);
  // So many backups are kept, the newest.
  std::size_t backup_keep = 8;
};

// When the bytes of files are compared with checksums that are kept of them.
enum class Checksums : std::uint8_t {
  off,      // none are kept
  scrub,    // in the background
  at_open,  // also before an open is answered
};

// [integrity] of reprieve.toml(5).
struct IntegritySettings {
  Checksums checksums = Checksums::off;
  // Bytes a second that the comparison in the background reads.
  std::uint64_t rate = std::uint64_t{64} << 20;
  // From the end of one comparison of all files to the start of the next.
  std::chrono::milliseconds interval = std::chrono::hours(24);
};

struct Settings {
  StoreSettings store;
  TrashSettings trash;
  IntegritySettings integrity;
};

}  // namespace reprieve
