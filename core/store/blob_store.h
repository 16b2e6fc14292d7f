// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/attributes.h"
#include "core/base/file_descriptor.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "core/store/changed_folders.h"

namespace reprieve {

// A blob that no row names yet, open for reading and writing.
struct FreshBlob {
  InodeId id;
  FileDescriptor file;
};

// The bytes of regular files: blobs/, one file an inode, named by its number, 1024 to a folder. A blob exists before
// the row that names it is committed and is unlinked only after the row's removal is durable; so a killed process
// leaves blobs without a row, but no row without a blob. A power cut also takes names away that were not synced; all of
// both lie at lowest_unsettled() or above. Thread-safe.
//
// Files are made ahead of need by a thread of its own, because creating one costs more than the rest of a create.
class BlobStore {
 public:
  // Reserves that many fresh inode numbers, and calls announce() for each before another number can be reserved.
  using NumberSource = std::function<Result<std::vector<InodeId>>(std::size_t count)>;

  // Opens blobs/ below the store's directory; with `create`, makes it or takes an empty one. store_damaged where it is
  // missing, has a symbolic link in the place of a folder, or holds something and should be new. store_locked: another
  // one is open, here or in another process. The database's own lock goes with the database, when that is moved away.
  static Result<std::unique_ptr<BlobStore>> open(const std::filesystem::path& directory, bool create);
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;
  BlobStore& operator=(const BlobStore&) = delete;

  // A number was reserved for a blob: it is unsettled from now on.
  void announce(InodeId blob);

  // Hears how it goes with making them ahead of need. No lock is held.
  using Report = std::function<void(const Result<void>& made)>;

  // Starts making blobs ahead of need with numbers from `source`. io: no thread could be started.
  Result<void> start(
      NumberSource source, Report report = [](const Result<void>&) {});
  // Stops that and removes what was made in vain. Idempotent.
  void stop();

  // An empty blob whose number nobody uses, stamped with the current time. It stays unsettled until settle() says that
  // a row names it, or give_back() that none does. no_space, too_many_open_files, io.
  Result<FreshBlob> take();
  void settle(InodeId blob);
  void give_back(FreshBlob blob);
  // Unlinks a blob that no row names. io: it stays unsettled, for the next start to find.
  Result<void> discard(InodeId blob);
  // The lowest number that is unsettled, or whose blob's name a power cut may take away or bring back. None if nothing
  // is.
  std::optional<InodeId> lowest_unsettled();
  // On return no power cut can take away the name of a blob that was made before, nor bring back one that was unlinked.
  Result<void> sync_names() { return folders_.sync(); }

  // Opens for reading and writing. stale where there is no such blob.
  Result<FileDescriptor> open_blob(InodeId blob) const;
  Result<FileDescriptor> open_blob_to_read(InodeId blob) const;
  Result<struct stat> stat_blob(InodeId blob) const;
  Result<void> truncate(InodeId blob, std::uint64_t size) const;
  // utimensat(2)'s pair: access and modification time, with UTIME_NOW and UTIME_OMIT.
  Result<void> set_times(InodeId blob, const timespec (&times)[2]) const;
  // A blob that is gone already is no error.
  Result<void> remove(InodeId blob);
  // An empty one in the place of a blob that is missing.
  Result<void> make_empty(InodeId blob);
  // Of the disk below.
  Result<struct statvfs> disk() const;

  // Inodes whose records lie in one file beside the blobs of the first of them: kBeside numbers.
  static constexpr std::int64_t kBeside = 1024;
  static InodeId first_beside(InodeId inode) { return InodeId(inode.number() / kBeside * kBeside); }
  // Has `write` fill that file anew: after a crash, or where that fails, there is the old one or
  // the new one. no_space, io, and what `write` fails with.
  Result<void> put_records(InodeId first, const std::function<Result<void>(const FileDescriptor& file)>& write);
  // Calls `each` with every such file, below the store, and what is in it, until that fails.
  Result<void> each_records(
      const std::function<Result<void>(const std::string& file, const std::string& bytes)>& each) const;
  // Calls `each` with the first number of every folder of blobs and records that is there, until that fails.
  Result<void> each_folder(const std::function<Result<void>(InodeId first)>& each) const;

  // The last flush that is known to be on the disk; none in a store from before they had numbers. A database that has
  // not begun it is older than what was written since. io.
  Result<FlushId> flushed() const;
  // Where that cannot be noted, the next flush notes it.
  void note_flushed(FlushId flush);

  // Hears of a name of a blob in a folder that is not that blob's, "branch/leaf". Nothing else ever looks there.
  using Misplaced = std::function<void(InodeId blob, const std::string& folder)>;
  // Calls `found` for every blob numbered from `first` up to but not including `end`, and `misplaced` for what has come
  // into their folders otherwise. Used by recovery.
  Result<void> each_from(InodeId first, InodeId end, const std::function<void(InodeId)>& found,
                         const Misplaced& misplaced = {}) const;
  // Moves it to where it belongs. exists: there is one. stale: it is there no more. io.
  Result<void> put_in_place(InodeId blob, const std::string& folder);

 private:
  explicit BlobStore(FileDescriptor directory);
  Result<FreshBlob> make(InodeId blob);
  Result<void> make_folders(InodeId blob);
  void refill();
  Result<void> make_ahead(std::size_t count);

  const FileDescriptor directory_;
  ChangedFolders folders_;
  NumberSource source_;
  Report report_;
  Mutex mutex_;
  ConditionVariable low_;
  std::deque<FreshBlob> ready_ REPRIEVE_GUARDED_BY(mutex_);
  std::set<InodeId> unsettled_ REPRIEVE_GUARDED_BY(mutex_);  // ready ones and those that were taken
  bool stopping_ REPRIEVE_GUARDED_BY(mutex_) = false;
  std::thread maker_;
};

}  // namespace reprieve
