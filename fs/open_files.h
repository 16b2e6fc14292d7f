// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/tree/content.h"
#include "fs/mount_record.h"
#include "fs/passthrough.h"

namespace reprieve::fs {

// What the kernel calls one open file of a session; never used twice.
enum class FileHandle : std::uint64_t {};

// One open(2) that the kernel knows of.
struct OpenHandle {
  MountRecord::Slot slot;  // none where no daemon will come after this one
  // Closed after the share is given back: the descriptor must live while the kernel may still be told of it.
  OpenFile file;
  Passthrough::Share share;
};

// The open files of a session. Thread-safe. A handle that is in use by one request outlives its removal by another.
class OpenFiles {
 public:
  // `record` is told of each, unless it is null.
  explicit OpenFiles(MountRecord* record) : record_(record) {}

  // `request`: the number of the one that opens it. too_many_open_files.
  Result<FileHandle> add(OpenFile file, Passthrough::Share share, std::uint64_t request);
  // Null for one that was never given out, or was removed.
  [[nodiscard]] std::shared_ptr<OpenHandle> find(FileHandle handle);
  std::shared_ptr<OpenHandle> remove(FileHandle handle);
  // Closes all that are left.
  void clear();

  // One of the daemon before this one, which the kernel goes on calling as it did.
  void resume(const MountRecord::Open& open, OpenHandle handle);
  // The one that a request of the daemon before opened, whose answer the kernel may not have got; none if it had not
  // come so far.
  [[nodiscard]] std::optional<FileHandle> opened_by(std::uint64_t request);

 private:
  MountRecord* const record_;
  Mutex mutex_;
  std::uint64_t last_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenHandle>> handles_ REPRIEVE_GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, FileHandle> resumed_ REPRIEVE_GUARDED_BY(mutex_);  // by request
};

}  // namespace reprieve::fs
