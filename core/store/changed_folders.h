// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"

namespace reprieve {

// The folders of blobs in which names were made or removed that a power cut may still undo: neither fsync(2) of a file
// nor of the log saves a name, only that of the folder it is in. Thread-safe.
class ChangedFolders {
 public:
  // `blobs` is a descriptor of blobs/, which outlives it. Folders are named relative to that.
  explicit ChangedFolders(int blobs) : blobs_(blobs) {}

  // A name in the folder was made or removed.
  void note(const std::string& folder);
  // It is that of a blob that no row names, or whose row the start after a power cut has to look at.
  void note(const std::string& folder, InodeId blob);

  // On return what was noted before the call survives a power cut. io.
  Result<void> sync();
  // The lowest of the noted blobs of which that cannot be said.
  [[nodiscard]] std::optional<InodeId> lowest();

 private:
  const int blobs_;
  Mutex syncing_;  // held over a sync, so that another one does not return before what this one has taken on
  Mutex mutex_;
  std::set<std::string> folders_ REPRIEVE_GUARDED_BY(mutex_);
  std::optional<InodeId> lowest_ REPRIEVE_GUARDED_BY(mutex_);
  std::optional<InodeId> being_synced_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve
