// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "core/base/sync.h"
#include "core/content.h"
#include "fs/passthrough.h"

namespace reprieve::fs {

// What the kernel calls one open file of a session; never used twice.
enum class FileHandle : std::uint64_t {};

// One open(2) that the kernel knows of.
struct OpenHandle {
  // Closed after the share is given back: the descriptor must live while the kernel may still be told of it.
  OpenFile file;
  Passthrough::Share share;
};

// The open files of a session. Thread-safe. A handle that is in use by one request outlives its removal by another.
class OpenFiles {
 public:
  FileHandle add(OpenHandle handle);
  // Null for one that was never given out, or was removed.
  [[nodiscard]] std::shared_ptr<OpenHandle> find(FileHandle handle);
  std::shared_ptr<OpenHandle> remove(FileHandle handle);
  // Closes all that are left.
  void clear();

 private:
  Mutex mutex_;
  std::uint64_t last_ REPRIEVE_GUARDED_BY(mutex_) = 0;
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenHandle>> handles_ REPRIEVE_GUARDED_BY(mutex_);
};

}  // namespace reprieve::fs
