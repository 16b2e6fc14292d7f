// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ids.h"

namespace reprieve {

// A file whose bytes are not those of its checksum.
struct DamagedFile {
  InodeId inode;
  std::string account;   // that owns it
  std::string path;      // below the root of that account, in .trash/ too; empty: it has no name there
  Timestamp compared{};  // when it was found so, or still so, the last time
};

struct DamagedPage {
  std::vector<DamagedFile> files;  // in the order of their numbers
  std::optional<InodeId> more;     // there may be others behind this one
};

// Told of what nobody asked for, by a thread of core's or that of a request, with no lock held.
class IntegrityListener {
 public:
  virtual ~IntegrityListener() = default;
  // A file was found damaged that was not known to be. `how` is for people.
  virtual void found_damaged(const DamagedFile& file, const std::string& how) = 0;
  // The file system below does not let files be read past the page cache. Once.
  virtual void reads_through_cache() = 0;
};

}  // namespace reprieve
