// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "core/accounts.h"
#include "core/base/attributes.h"
#include "core/base/caller.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/namespace.h"

namespace reprieve {

struct CoreParts;
class Content;
class OpenInode;

// One open(2) of a regular file. Destroying it is the close. Not tied to the mount that it came through. All opens of
// one inode share one descriptor, opened for reading and writing whatever this open asked for.
class OpenFile {
 public:
  OpenFile(OpenFile&&) noexcept;
  OpenFile& operator=(OpenFile&&) noexcept;
  ~OpenFile();

  [[nodiscard]] InodeId inode() const;
  // The blob, lent: valid as long as any OpenFile of the inode lives. Thread-safe as pread(2) and pwrite(2) are.
  [[nodiscard]] int descriptor() const;
  [[nodiscard]] bool writable() const { return writable_; }
  // The first of the opens of this inode that overlap up to now.
  [[nodiscard]] Timestamp opened() const;

 private:
  friend class Content;
  OpenFile(Content& content, std::shared_ptr<OpenInode> open, bool writable);
  Content* content_;
  std::shared_ptr<OpenInode> open_;  // null once moved from
  bool writable_;
};

struct CreatedFile {
  Attributes attributes;
  OpenFile file;
};

// One open(2) that outlived the daemon through which it came.
struct HeldOpen {
  InodeId inode;
  bool writable = false;
  Timestamp opened;  // see OpenFile::opened()
};

// Opens blobs. Thread-safe. Reading and writing happen on the descriptor, in the daemon or past it in the kernel.
class Content {
 public:
  explicit Content(CoreParts& parts);
  ~Content();

  // `flags` are open(2)'s; the access mode counts. in_trash (for writing), is_directory, invalid_argument (not a
  // regular file), over_quota (for writing), stale, too_many_open_files, no_space, io.
  Result<OpenFile> open(const Account& account, InodeId inode, int flags);
  // Namespace::create of a regular file and open of it. Errors of both.
  Result<CreatedFile> create(const Account& account, InodeId parent, const EntryName& name, mode_t mode, int flags,
                             const Caller& caller, mode_t umask = 0);

  // A regular file without a name (O_TMPFILE): it is gone with its last close, unless Namespace::link gives it one.
  // Errors as of create, but for exists.
  Result<CreatedFile> create_unnamed(const Account& account, InodeId parent, mode_t mode, int flags,
                                     const Caller& caller, mode_t umask);

  // An open of the daemon before this one, of which nobody asks for leave again. Of files that are purged but for it,
  // too, if hold() named them. stale (there is no such blob), too_many_open_files, io.
  Result<OpenFile> reopen(const HeldOpen& held);

  // Keeps from the purger what was open when the daemon before this one ended, until let_go(). Before the purger
  // starts. Where a blob cannot be opened nothing is kept: reopen() says why.
  void hold(std::span<const HeldOpen> opens);
  // Everything was reopened that anybody still wants.
  void let_go() { held_.clear(); }

  // On return the file's data, its attributes and every change to the tree so far survive a power cut. io.
  Result<void> sync(const OpenFile& file, bool data_only);
  // fallocate(2). over_quota, unless it only punches a hole; what the store's disk says.
  Result<void> allocate(const OpenFile& file, int mode, off_t offset, off_t size);

  // For the rest of core.
  [[nodiscard]] bool is_open(InodeId inode);
  // Open without a break since `moment` or before: a file that was trashed then may be changed until its last close.
  [[nodiscard]] bool is_open_since(InodeId inode, Timestamp moment);
  [[nodiscard]] bool is_open_for_writing(InodeId inode);
  [[nodiscard]] std::uint64_t open_inodes();
  // What a file that is open for writing had when its writers came; none for one that is not.
  [[nodiscard]] std::optional<std::uint64_t> size_before_writers(InodeId inode);

 private:
  friend class OpenFile;
  struct Table;
  Result<OpenFile> open_blob(InodeId inode, AccountId owner, bool writable, Timestamp now);
  // One more open of the inode, through `blob` if there is none yet.
  OpenFile share(InodeId inode, AccountId owner, FileDescriptor blob, bool writable, Timestamp now);
  void close(OpenFile& file);
  CoreParts& parts_;
  std::unique_ptr<Table> table_;
  std::vector<OpenFile> held_;
};

}  // namespace reprieve
