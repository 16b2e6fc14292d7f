// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/ids.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "fs/kernel_abi.h"

namespace reprieve::fs {

// What the daemon after this one needs so that it can go on with a mount: which mount it is, how it was opened, and
// what is open in it. Lies in memory that outlives the process for as long as somebody holds its descriptor
// (memfd_create(2)): writing it costs a store, and a process that is killed has written all that it wrote. Thread-safe.
class MountRecord {
 public:
  struct Identity {
    MountId mount;
    std::string account;
    std::filesystem::path mountpoint;
    std::string source;
    bool allow_other = false;
    bool by_helper = false;  // mounted by fusermount3(1), which has to unmount it too
  };

  // One open(2) that the kernel knows of, or is about to.
  struct Open {
    std::uint64_t handle = 0;
    InodeId inode;
    bool writable = false;
    bool closing = false;  // the kernel knows of it no more
    std::int32_t backing_id = 0;
    TrashItemId opened_behind;
    std::uint64_t request = 0;  // that asked for it
  };

  // The place of one open in the record; free again when destroyed. The record must outlive it.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept : record_(std::exchange(other.record_, nullptr)), index_(other.index_) {}
    Slot& operator=(Slot&& other) noexcept;
    ~Slot();
    // The kernel has released it; its backing id may be closed from here on.
    void mark_closing() const;

   private:
    friend class MountRecord;
    Slot(MountRecord& record, std::uint32_t index) : record_(&record), index_(index) {}
    MountRecord* record_ = nullptr;
    std::uint32_t index_ = 0;
  };

  // out_of_memory, too_many_open_files, name_too_long.
  static Result<std::unique_ptr<MountRecord>> make(const Identity& identity);
  // Takes up the record of the daemon before this one, as its next user. invalid_argument: it is none, or one of a
  // version that this daemon does not know.
  static Result<std::unique_ptr<MountRecord>> take_up(FileDescriptor memory);
  ~MountRecord();
  MountRecord(const MountRecord&) = delete;
  MountRecord& operator=(const MountRecord&) = delete;

  // Lends the memory, for who is to hold it.
  [[nodiscard]] int descriptor() const { return memory_.get(); }
  [[nodiscard]] Identity identity() const;
  // How many daemons had it before this one.
  [[nodiscard]] std::uint32_t generation() const;

  // The kernel's INIT, which it sends once, and the answer; empty and none until they are kept.
  void keep_init(std::span<const std::byte> request);
  [[nodiscard]] std::span<const std::byte> init() const;
  void keep_answer(const kernel::InitOut& answer);
  [[nodiscard]] std::optional<kernel::InitOut> answer() const;

  // too_many_open_files.
  Result<Slot> add(const Open& open);
  // Of the daemon before; called once, before anything is added.
  std::vector<std::pair<Slot, Open>> take_opens();
  // The same without taking them.
  [[nodiscard]] std::vector<Open> opens() const;

  // The newest backing id that the kernel gave. It gives them in ascending order (idr_alloc_cyclic,
  // fuse_backing_id_alloc in fs/fuse/backing.c).
  void keep_backing(std::int32_t id);
  [[nodiscard]] std::int32_t last_backing() const;

  // Written no more: what is closed from here on stays open for the next daemon.
  void freeze();

 private:
  struct Header;
  struct Cell;
  struct Layout;

  MountRecord(FileDescriptor memory, Layout& layout) : memory_(std::move(memory)), layout_(layout) {}
  static Result<std::unique_ptr<MountRecord>> map(FileDescriptor memory);
  void release(std::uint32_t index);
  [[nodiscard]] std::uint32_t cells_used() const;

  const FileDescriptor memory_;
  Layout& layout_;
  mutable Mutex mutex_;
  std::vector<std::uint32_t> free_ REPRIEVE_GUARDED_BY(mutex_);
  bool frozen_ REPRIEVE_GUARDED_BY(mutex_) = false;
};

}  // namespace reprieve::fs
