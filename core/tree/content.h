// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/accounts/accounts.h"
#include "core/base/attributes.h"
#include "core/base/caller.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/tree/namespace.h"
#include "core/upkeep/comparisons.h"

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
  // The newest trash item at the first of the opens of this inode that overlap up to now.
  [[nodiscard]] TrashItemId opened_behind() const;
  // Every write has to be asked for (Content::permit), and must not go past core: the account that owns the file has
  // little of its quota left, or does not own it and may lose the right to write.
  [[nodiscard]] bool is_supervised() const { return supervised_; }

 private:
  friend class Content;
  OpenFile(Content& content, std::shared_ptr<OpenInode> open, AccountId by, bool writable);
  Content* content_;
  std::shared_ptr<OpenInode> open_;  // null once moved from
  AccountId by_;
  bool writable_;
  bool supervised_ = false;
};

// What is to be written.
struct WriteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool at_end = false;  // wherever that is by then (O_APPEND)
  bool in_part = true;  // less than all is of use
};

// The right to write, once, now. Whoever makes a file grow that counts for a quota keeps others out meanwhile, so the
// write comes at once and then the permit goes.
class WritePermit {
 public:
  WritePermit(WritePermit&&) noexcept;
  WritePermit& operator=(WritePermit&&) = delete;
  ~WritePermit();
  [[nodiscard]] std::uint64_t offset() const { return range_.offset; }
  // No more than was asked for, and less where the quota ends.
  [[nodiscard]] std::uint64_t size() const { return range_.size; }

 private:
  friend class Content;
  explicit WritePermit(const WriteRange& range) : range_(range) {}
  WriteRange range_;
  Content* content_ = nullptr;  // set: something was reserved
  std::shared_ptr<OpenInode> open_;
  std::unique_lock<std::mutex> turn_;
  AccountId account_;
  std::uint64_t reserved_ = 0;
};

struct CreatedFile {
  Attributes attributes;
  OpenFile file;
};

// One open(2) that outlived the daemon through which it came.
struct HeldOpen {
  InodeId inode;
  bool writable = false;
  TrashItemId opened_behind;  // see OpenFile
};

// Opens blobs. Thread-safe. Reading and writing happen on the descriptor, in the daemon or past it in the kernel.
class Content {
 public:
  explicit Content(CoreParts& parts);
  ~Content();

  // Whether files are compared before they are opened at all.
  [[nodiscard]] bool compares_at_open() const;
  // Whether the whole file is to be compared with its checksum before it is opened, which compare() does, and open()
  // by itself where it was not told that this was done. io.
  Result<bool> has_to_be_compared(InodeId inode);
  // Returns at once; Comparisons tells the rest.
  void compare(InodeId inode, Comparisons::Waiting waiting);
  enum class Compare : bool { first, was_done };
  // Whether open() with these flags waits for the disk.
  [[nodiscard]] bool open_flushes(int flags) const;
  // `flags` are open(2)'s; access mode, O_APPEND, O_SYNC and O_DSYNC count. in_trash (for writing), is_directory,
  // invalid_argument (not a regular file), over_quota (for writing), data_damaged (for reading and appending), stale,
  // too_many_open_files, no_space, io.
  Result<OpenFile> open(const Account& account, InodeId inode, int flags, Compare compare = Compare::first);
  // Namespace::create of a regular file and open of it. Errors of both.
  Result<CreatedFile> create(const Account& account, InodeId parent, const EntryName& name, mode_t mode, int flags,
                             const Caller& caller, mode_t umask = 0);

  // A regular file without a name (O_TMPFILE): it is gone with its last close, unless Namespace::link gives it one.
  // Errors as of create, but for exists.
  Result<CreatedFile> create_unnamed(const Account& account, InodeId parent, mode_t mode, int flags,
                                     const Caller& caller, mode_t umask);

  // An open of the daemon before this one by `account`, of which nobody asks for leave again. Of files that are purged
  // but for it, too, if hold() named them. stale (there is no such blob), too_many_open_files, io.
  Result<OpenFile> reopen(AccountId account, const HeldOpen& held);

  // Keeps from the purger what was open when the daemon before this one ended, until let_go(). Before the purger
  // starts. Where a blob cannot be opened nothing is kept: reopen() says why.
  void hold(std::span<const HeldOpen> opens);
  // Everything was reopened that anybody still wants.
  void let_go() { held_.clear(); }
  // Before bytes are written to the descriptor, by whoever does not leave that to the kernel. over_quota, viewer_only,
  // stale (it is not shared with the account any more).
  Result<WritePermit> permit(const Account& account, const OpenFile& file, const WriteRange& range);
  // Gives a file another size. Errors as of permit().
  Result<void> resize(const Account& account, InodeId inode, std::uint64_t size);

  // On return the file's data, its attributes and every change to the tree so far survive a power cut. io.
  Result<void> sync(const OpenFile& file, bool data_only);

  // For the rest of core.
  [[nodiscard]] bool is_open(InodeId inode);
  [[nodiscard]] bool is_open_by(AccountId account, InodeId inode);
  // Open without a break since before this item was made: a file that it is in may be changed until its last close.
  // Numbers and not times tell which came first, since a clock may stand still over both.
  [[nodiscard]] bool is_open_since(InodeId inode, TrashItemId item);
  [[nodiscard]] bool is_open_for_writing(InodeId inode);
  [[nodiscard]] std::uint64_t open_inodes();
  // The size with which a file counts for a quota: of one that is open for writing what it had when it was last looked
  // at, of others what they have.
  [[nodiscard]] std::uint64_t counted_size(InodeId inode);
  // By how much a file has grown since then, which counts from now on; 0 of one that is not open for writing.
  [[nodiscard]] std::int64_t take_growth(InodeId inode);
  // What is open for writing.
  [[nodiscard]] std::vector<InodeId> written();

 private:
  friend class OpenFile;
  friend class WritePermit;
  struct Table;
  // The write(2) of a guest takes set-id bits and capabilities from a file, a mapping would not: they go with the open.
  Result<void> drop_privileges(InodeId inode);
  Result<void> compare_now(const Account& account, InodeId inode);
  Result<OpenFile> open_blob(InodeId inode, AccountId by, bool writable, TrashItemId newest);
  // One more open of the inode, through `blob` if there is none yet.
  OpenFile share(InodeId inode, AccountId by, FileDescriptor blob, bool writable, TrashItemId newest);
  // Whether what an account opens for writing in what `owner` owns has to be supervised.
  [[nodiscard]] bool needs_supervision(const Account& account, AccountId owner);
  void end(WritePermit& permit);
  void close(OpenFile& file);
  CoreParts& parts_;
  std::unique_ptr<Table> table_;
  std::vector<OpenFile> held_;
};

}  // namespace reprieve
