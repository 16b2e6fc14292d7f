// SPDX-License-Identifier: Apache-2.0
#include "fs/open_files.h"

#include <utility>

namespace reprieve::fs {

FileHandle OpenFiles::add(OpenHandle handle) {
  auto shared = std::make_shared<OpenHandle>(std::move(handle));
  MutexLock lock(mutex_);
  handles_.emplace(++last_, std::move(shared));
  return FileHandle(last_);
}

std::shared_ptr<OpenHandle> OpenFiles::find(FileHandle handle) {
  MutexLock lock(mutex_);
  const auto found = handles_.find(static_cast<std::uint64_t>(handle));
  return found == handles_.end() ? nullptr : found->second;
}

std::shared_ptr<OpenHandle> OpenFiles::remove(FileHandle handle) {
  MutexLock lock(mutex_);
  const auto found = handles_.find(static_cast<std::uint64_t>(handle));
  if (found == handles_.end()) return nullptr;
  std::shared_ptr<OpenHandle> removed = std::move(found->second);
  handles_.erase(found);
  return removed;
}

void OpenFiles::clear() {
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenHandle>> closing;  // outlives the lock
  MutexLock lock(mutex_);
  closing.swap(handles_);
}

}  // namespace reprieve::fs
