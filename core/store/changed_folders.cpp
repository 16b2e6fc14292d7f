// SPDX-License-Identifier: Apache-2.0
#include "core/store/changed_folders.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/file_descriptor.h"

namespace reprieve {
namespace {

std::optional<InodeId> lower(std::optional<InodeId> one, std::optional<InodeId> other) {
  return one && other ? std::min(one, other) : one ? one : other;
}

Result<void> sync_folder(int blobs, const std::string& folder) {
  const FileDescriptor opened(::openat(blobs, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened || ::fsync(opened.get()) != 0) return fail(from_errno(errno, "a folder of blobs"));
  return {};
}

}  // namespace

void ChangedFolders::note(const std::string& folder) {
  const MutexLock lock(mutex_);
  folders_.insert(folder);
}

void ChangedFolders::note(const std::string& folder, InodeId blob) {
  const MutexLock lock(mutex_);
  folders_.insert(folder);
  lowest_ = lower(lowest_, blob);
}

Result<void> ChangedFolders::sync() {
  const MutexLock one(syncing_);
  std::set<std::string> folders;
  {
    const MutexLock lock(mutex_);
    folders.swap(folders_);
    being_synced_ = std::exchange(lowest_, std::nullopt);
  }
  Result<void> synced;
  for (const std::string& folder : folders) {
    if (synced) synced = sync_folder(blobs_, folder);
  }
  const MutexLock lock(mutex_);
  if (!synced) {
    folders_.merge(folders);
    lowest_ = lower(lowest_, being_synced_);
  }
  being_synced_.reset();
  return synced;
}

std::optional<InodeId> ChangedFolders::lowest() {
  const MutexLock lock(mutex_);
  return lower(lowest_, being_synced_);
}

}  // namespace reprieve
