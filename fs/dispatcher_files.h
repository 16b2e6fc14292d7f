// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"
#include "fs/mount_context.h"
#include "fs/reply.h"

namespace reprieve::fs {

// Requests about open regular files. With passthrough only open, release and what moves no bytes through a descriptor
// comes here. Handlers have the arguments of their member of fuse_lowlevel_ops. Thread-safe.
class FilesDispatcher {
 public:
  explicit FilesDispatcher(MountContext& mount) : mount_(mount) {}

  void create(Reply reply, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info);
  void open(Reply reply, fuse_ino_t node, fuse_file_info* info);
  void release(Reply reply, fuse_ino_t node, fuse_file_info* info);

  void read(Reply reply, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info* info);
  void write(Reply reply, fuse_ino_t node, fuse_bufvec* data, off_t offset, fuse_file_info* info);
  void fsync(Reply reply, fuse_ino_t node, int data_only, fuse_file_info* info);
  void fallocate(Reply reply, fuse_ino_t node, int mode, off_t offset, off_t size, fuse_file_info* info);
  void copy_file_range(Reply reply, fuse_ino_t node_in, off_t offset_in, fuse_file_info* in, fuse_ino_t node_out,
                       off_t offset_out, fuse_file_info* out, std::size_t size, int flags);
  void lseek(Reply reply, fuse_ino_t node, off_t offset, int whence, fuse_file_info* info);
  void ioctl(Reply reply, fuse_ino_t node, unsigned command, void* argument, fuse_file_info* info, unsigned flags,
             const void* in, std::size_t in_size, std::size_t out_size);

 private:
  struct NewFile {
    mode_t mode;
    mode_t umask;
    int flags;
  };
  // What the daemon before this one had opened for a request that it did not come to answer.
  struct Published {
    InodeId inode;
    kernel::OpenOut answer;
  };
  Result<CreatedFile> make(InodeId directory, std::string_view name, const NewFile& file, const Reply& reply);
  Result<kernel::CreateOut> create_and_open(InodeId directory, std::string_view name, const NewFile& file,
                                            const Reply& reply);
  // The rest of open(), when the file need not be compared any more.
  void answer_open(Reply reply, InodeId inode, int flags);
  Result<kernel::OpenOut> open_and_publish(InodeId inode, int flags, const Reply& reply);
  [[nodiscard]] Result<Attributes> attributes_of(const Published& file, InodeId directory, std::string_view name);
  // Makes a handle of an open file; what OPEN is answered with.
  Result<kernel::OpenOut> publish(OpenFile file, const Received& received);
  std::optional<Published> published(const Received& received);
  // Takes back a handle that the kernel never got, or got rid of.
  void withdraw(std::uint64_t handle);
  [[nodiscard]] Result<std::shared_ptr<OpenHandle>> readable(const fuse_file_info& info) const;
  [[nodiscard]] Result<std::shared_ptr<OpenHandle>> writable(const fuse_file_info& info) const;
  Result<std::size_t> write_to(InodeId inode, const fuse_file_info& info, fuse_bufvec& data, off_t offset,
                               const Caller& caller);
  Result<void> allocate(const OpenFile& file, int mode, off_t offset, off_t size);
  // Content::permit for this mount's account.
  Result<WritePermit> may_write(const OpenFile& file, const WriteRange& range);
  Result<void> drop_set_id_bits(InodeId inode, const Caller& caller);

  MountContext& mount_;
};

}  // namespace reprieve::fs
