// SPDX-License-Identifier: Apache-2.0
#include "fs/open_files.h"

#include <algorithm>
#include <utility>

namespace reprieve::fs {

Result<FileHandle> OpenFiles::add(OpenFile file, Passthrough::Share share, std::uint64_t request) {
  std::uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    number = ++last_;
  }
  MountRecord::Slot slot;
  if (record_ != nullptr) {
    REPRIEVE_TRY(slot, record_->add({.handle = number,
                                     .inode = file.inode(),
                                     .writable = file.writable(),
                                     .backing_id = share.backing_id(),
                                     .opened_behind = file.opened_behind(),
                                     .request = request}));
  }
  auto handle = std::make_shared<OpenHandle>(OpenHandle{std::move(slot), std::move(file), std::move(share)});
  MutexLock lock(mutex_);
  handles_.emplace(number, std::move(handle));
  return FileHandle(number);
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
  removed->slot.mark_closing();
  return removed;
}

void OpenFiles::resume(const MountRecord::Open& open, OpenHandle handle) {
  auto shared = std::make_shared<OpenHandle>(std::move(handle));
  MutexLock lock(mutex_);
  last_ = std::max(last_, open.handle);
  handles_.emplace(open.handle, std::move(shared));
  resumed_.emplace(open.request, FileHandle(open.handle));
}

std::optional<FileHandle> OpenFiles::opened_by(std::uint64_t request) {
  MutexLock lock(mutex_);
  const auto found = resumed_.find(request);
  if (found == resumed_.end() || !handles_.contains(static_cast<std::uint64_t>(found->second))) return std::nullopt;
  return found->second;
}

void OpenFiles::clear() {
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenHandle>> closing;  // outlives the lock
  MutexLock lock(mutex_);
  closing.swap(handles_);
}

}  // namespace reprieve::fs
