// SPDX-License-Identifier: Apache-2.0
#include "fs/dispatcher_files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "fs/late_requests.h"
#include "fs/worker_pool.h"

namespace reprieve::fs {
namespace {

// Up from here, moving bytes takes longer than waking another thread to read on.
constexpr std::size_t kMuchData = std::size_t{128} * 1024;
// A copy in one request; the caller asks again for the rest. The answer has 32 bits for the size.
constexpr std::size_t kMostCopied = std::size_t{1} << 30;

// No attributes that chattr(1) knows are offered, which is what these say.
constexpr unsigned kNoFlags = 0;

// Of FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR: what is asked for is what there is. The kernel fills in the size that the
// command names; the fields of fsxattr that change nothing are zero as FS_IOC_FSGETXATTR said.
Result<void> keep_no_flags(const void* in, std::size_t size) {
  const std::string_view asked(static_cast<const char*>(in), size);
  if (asked.find_first_not_of('\0') == std::string_view::npos) return {};
  return fail(Errc::not_supported, "attributes of chattr(1) are not offered");
}

bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

fuse_bufvec blob_buffer(int descriptor, std::size_t size, off_t offset) {
  fuse_bufvec buffer{};
  buffer.count = 1;
  buffer.buf[0].size = size;
  buffer.buf[0].flags = fuse_buf_flags(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
  buffer.buf[0].fd = descriptor;
  buffer.buf[0].pos = offset;
  return buffer;
}

// How much there is to be copied; the kernel has checked the offset.
std::size_t rest_of(int descriptor, off_t offset) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || status.st_size < offset) return 0;
  return static_cast<std::size_t>(status.st_size - offset);
}

kernel::OpenOut open_answer(FileHandle handle, std::int32_t backing_id, bool supervised) {
  std::uint32_t flags = kernel::kOpenNoFlush;
  if (backing_id != 0) flags |= kernel::kOpenPassthrough;
  // Reads and writes come here, past the kernel's cache; only mappings are the blob's own (fuse_file_write_iter,
  // fs/fuse/file.c). Other opens of the inode stay as they are.
  if (backing_id != 0 && supervised) flags |= kernel::kOpenDirectIo;
  return {.handle = static_cast<std::uint64_t>(handle), .open_flags = flags, .backing_id = backing_id};
}

// Where the end is only the disk knows: the kernel may append to the blob at the same time, past the daemon. The data
// is in memory, since splicing requests is not asked for (operations.cpp).
Result<std::size_t> append(int descriptor, const fuse_bufvec& data, std::size_t size) {
  const iovec piece{.iov_base = data.buf[0].mem, .iov_len = size};
  const ssize_t written = ::pwritev2(descriptor, &piece, 1, 0, RWF_APPEND);
  if (written < 0) return fail(from_errno(errno, "write"));
  return static_cast<std::size_t>(written);
}

Sent refuse(Reply reply, const Error& error) { return std::move(reply).error(error); }

}  // namespace

Result<kernel::OpenOut> FilesDispatcher::publish(OpenFile file, const Received& received) {
  REPRIEVE_TRY(auto share, mount_.passthrough.open(file.inode(), file.descriptor()));
  const std::int32_t backing_id = share.backing_id();
  const bool supervised = file.is_supervised();
  REPRIEVE_TRY(const FileHandle handle,
               mount_.open_files.add(std::move(file), std::move(share), received.request.number));
  return open_answer(handle, backing_id, supervised);
}

std::optional<FilesDispatcher::Published> FilesDispatcher::published(const Received& received) {
  if (!received.resent) return std::nullopt;
  const auto handle = mount_.open_files.opened_by(received.request.number);
  const auto open = handle ? mount_.open_files.find(*handle) : nullptr;
  if (!open) return std::nullopt;
  return Published{open->file.inode(), open_answer(*handle, open->share.backing_id(), open->file.is_supervised())};
}

void FilesDispatcher::withdraw(std::uint64_t handle) {
  auto closing = mount_.open_files.remove(FileHandle(handle));
  if (!closing) return;
  const bool written = closing->file.writable();
  const InodeId inode = closing->file.inode();
  closing.reset();
  // A mapping may have changed the blob without the kernel's own side of the file knowing.
  if (written) mount_.invalidator.attributes_stale(inode);
}

Result<CreatedFile> FilesDispatcher::make(InodeId directory, std::string_view name, const NewFile& file,
                                          const Reply& reply) {
  Content& content = mount_.core.content();
  const Caller caller = reply.caller(mount_.mount);
  if (name == late::kUnnamed)
    return content.create_unnamed(mount_.account, directory, file.mode, file.flags, caller, file.umask);
  REPRIEVE_TRY(const EntryName entry, EntryName::parse(name));
  if (!mount_.was_carried_out(reply))
    return content.create(mount_.account, directory, entry, file.mode, file.flags, caller, file.umask);
  REPRIEVE_TRY(const Attributes attributes, mount_.core.names().lookup(mount_.account, directory, entry));
  REPRIEVE_TRY(OpenFile made, content.open(mount_.account, attributes.inode, file.flags & O_ACCMODE));
  return CreatedFile{attributes, std::move(made)};
}

Result<kernel::CreateOut> FilesDispatcher::create_and_open(InodeId directory, std::string_view name,
                                                           const NewFile& file, const Reply& reply) {
  if (const auto before = published(reply.received())) {
    REPRIEVE_TRY(const Attributes attributes, attributes_of(*before, directory, name));
    return kernel::CreateOut{.entry = mount_.entry_of(directory, attributes), .open = before->answer};
  }
  REPRIEVE_TRY(CreatedFile created, make(directory, name, file, reply));
  REPRIEVE_TRY(const kernel::OpenOut opened, publish(std::move(created.file), reply.received()));
  return kernel::CreateOut{.entry = mount_.entry_of(directory, created.attributes), .open = opened};
}

Result<Attributes> FilesDispatcher::attributes_of(const Published& file, InodeId directory, std::string_view name) {
  if (name == late::kUnnamed) return mount_.core.attributes().get(mount_.account, file.inode);
  REPRIEVE_TRY(const EntryName entry, EntryName::parse(name));
  return mount_.core.names().lookup(mount_.account, directory, entry);
}

void FilesDispatcher::create(Reply reply, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info) {
  const NewFile file{.mode = mode & mode_t{07777}, .umask = reply.umask(), .flags = info->flags};
  const auto answer = create_and_open(mount_.inode_of(parent), name, file, reply);
  if (!answer) return void(refuse(std::move(reply), answer.error()));
  if (std::move(reply).wire(*answer) == Sent::no) withdraw(answer->open.handle);
}

Result<kernel::OpenOut> FilesDispatcher::open_and_publish(InodeId inode, int flags, const Reply& reply) {
  if (const auto before = published(reply.received())) return before->answer;
  REPRIEVE_TRY(OpenFile file, mount_.core.content().open(mount_.account, inode, flags, Content::Compare::was_done));
  return publish(std::move(file), reply.received());
}

void FilesDispatcher::open(Reply reply, fuse_ino_t node, fuse_file_info* info) {
  const InodeId inode = mount_.inode_of(node);
  const int flags = info->flags;
  Content& content = mount_.core.content();
  const auto waits = content.has_to_be_compared(inode);
  if (!waits) return void(refuse(std::move(reply), waits.error()));
  if (!*waits) {
    if (content.open_flushes(flags)) WorkerPool::step_aside();
    return answer_open(std::move(reply), inode, flags);
  }
  const Caller caller = reply.caller(mount_.mount);
  mount_.waiting_requests.wait(content, inode, caller, std::move(reply),
                               [this, inode, flags](Reply later, const Result<void>& compared) {
                                 if (!compared) return void(refuse(std::move(later), compared.error()));
                                 answer_open(std::move(later), inode, flags);
                               });
}

void FilesDispatcher::answer_open(Reply reply, InodeId inode, int flags) {
  const auto opened = open_and_publish(inode, flags, reply);
  if (!opened) return void(refuse(std::move(reply), opened.error()));

  // What was said to be stable is so no longer, in any mount.
  if (writes(flags)) mount_.invalidator.attributes_stale(inode);
  if (std::move(reply).wire(*opened) == Sent::no) withdraw(opened->handle);
}

void FilesDispatcher::release(Reply reply, fuse_ino_t, fuse_file_info* info) {
  withdraw(info->fh);
  std::move(reply).done();
}

Result<std::shared_ptr<OpenHandle>> FilesDispatcher::readable(const fuse_file_info& info) const {
  auto handle = mount_.open_files.find(FileHandle(info.fh));
  if (!handle) return fail(Errc::bad_descriptor);
  return handle;
}

Result<std::shared_ptr<OpenHandle>> FilesDispatcher::writable(const fuse_file_info& info) const {
  REPRIEVE_TRY(auto handle, readable(info));
  if (!handle->file.writable()) return fail(Errc::bad_descriptor);
  return handle;
}

void FilesDispatcher::read(Reply reply, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info* info) {
  const auto handle = readable(*info);
  if (!handle) return void(refuse(std::move(reply), handle.error()));
  if (size >= kMuchData) WorkerPool::step_aside();

  fuse_bufvec source = blob_buffer((*handle)->file.descriptor(), size, offset);
  std::move(reply).data(source);
}

void FilesDispatcher::write(Reply reply, fuse_ino_t node, fuse_bufvec* data, off_t offset, fuse_file_info* info) {
  const auto written = write_to(mount_.inode_of(node), *info, *data, offset, reply.caller(mount_.mount));
  if (!written) return void(refuse(std::move(reply), written.error()));
  std::move(reply).written(*written);
}

Result<std::size_t> FilesDispatcher::write_to(InodeId inode, const fuse_file_info& info, fuse_bufvec& data,
                                              off_t offset, const Caller& caller) {
  REPRIEVE_TRY(const auto handle, writable(info));
  const std::size_t size = ::fuse_buf_size(&data);
  if (size >= kMuchData) WorkerPool::step_aside();
  // The kernel leaves set-id bits to the file system (FUSE_HANDLE_KILLPRIV_V2), and libfuse 3.14 does not hand on the
  // flag of the request that says whether they have to go.
  if (caller.uid != 0) REPRIEVE_TRY_VOID(drop_set_id_bits(inode, caller));

  // Past the cache the kernel takes the end of the file from attributes that other mounts may have made old.
  const bool at_end = (info.flags & O_APPEND) != 0 && handle->share.backing_id() != 0;
  REPRIEVE_TRY(const WritePermit permit,
               may_write(handle->file, {.offset = static_cast<std::uint64_t>(offset), .size = size, .at_end = at_end}));
  if (at_end) return append(handle->file.descriptor(), data, permit.size());
  fuse_bufvec blob = blob_buffer(handle->file.descriptor(), permit.size(), static_cast<off_t>(permit.offset()));
  const ssize_t written = ::fuse_buf_copy(&blob, &data, fuse_buf_copy_flags(0));
  if (written < 0) return fail(from_errno(static_cast<int>(-written), "write"));
  return static_cast<std::size_t>(written);
}

Result<void> FilesDispatcher::drop_set_id_bits(InodeId inode, const Caller& caller) {
  REPRIEVE_TRY(const Attributes attributes, mount_.core.attributes().get(mount_.account, inode));
  if ((attributes.mode & (S_ISUID | S_ISGID)) == 0) return {};
  REPRIEVE_TRY_VOID(mount_.core.attributes().set(mount_.account, inode, {.drop_set_id_bits = true}, caller));
  mount_.invalidator.attributes_stale(inode);
  return {};
}

void FilesDispatcher::fsync(Reply reply, fuse_ino_t, int data_only, fuse_file_info* info) {
  const auto handle = readable(*info);
  if (!handle) return void(refuse(std::move(reply), handle.error()));
  WorkerPool::step_aside();

  const auto synced = mount_.core.content().sync((*handle)->file, data_only != 0);
  if (!synced) return void(refuse(std::move(reply), synced.error()));
  std::move(reply).done();
}

void FilesDispatcher::fallocate(Reply reply, fuse_ino_t, int mode, off_t offset, off_t size, fuse_file_info* info) {
  const auto handle = writable(*info);
  if (!handle) return void(refuse(std::move(reply), handle.error()));
  WorkerPool::step_aside();

  const auto allocated = allocate((*handle)->file, mode, offset, size);
  if (!allocated) return void(refuse(std::move(reply), allocated.error()));
  std::move(reply).done();
}

Result<void> FilesDispatcher::allocate(const OpenFile& file, int mode, off_t offset, off_t size) {
  const bool keeps_size = (mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE)) != 0;
  WriteRange range{.offset = static_cast<std::uint64_t>(offset), .size = static_cast<std::uint64_t>(size)};
  if (keeps_size) range = {};
  range.at_end = (mode & FALLOC_FL_INSERT_RANGE) != 0;  // the file grows by as much as is inserted
  range.in_part = false;
  REPRIEVE_TRY(const WritePermit permit, may_write(file, range));
  if (::fallocate(file.descriptor(), mode, offset, size) != 0) return fail(from_errno(errno, "fallocate"));
  return {};
}

Result<WritePermit> FilesDispatcher::may_write(const OpenFile& file, const WriteRange& range) {
  return mount_.core.content().permit(mount_.account, file, range);
}

void FilesDispatcher::copy_file_range(Reply reply, fuse_ino_t, off_t offset_in, fuse_file_info* in, fuse_ino_t,
                                      off_t offset_out, fuse_file_info* out, std::size_t size, int) {
  const auto source = readable(*in);
  if (!source) return void(refuse(std::move(reply), source.error()));
  const auto target = writable(*out);
  if (!target) return void(refuse(std::move(reply), target.error()));
  WorkerPool::step_aside();

  const std::uint64_t most = std::min({size, kMostCopied, rest_of((*source)->file.descriptor(), offset_in)});
  const auto permit = may_write((*target)->file, {.offset = static_cast<std::uint64_t>(offset_out), .size = most});
  if (!permit) return void(refuse(std::move(reply), permit.error()));
  const ssize_t copied = ::copy_file_range((*source)->file.descriptor(), &offset_in, (*target)->file.descriptor(),
                                           &offset_out, permit->size(), 0);
  if (copied < 0) return void(refuse(std::move(reply), from_errno(errno, "copy_file_range")));
  std::move(reply).written(static_cast<std::size_t>(copied));
}

void FilesDispatcher::lseek(Reply reply, fuse_ino_t, off_t offset, int whence, fuse_file_info* info) {
  const auto handle = readable(*info);
  if (!handle) return void(refuse(std::move(reply), handle.error()));

  // SEEK_DATA and SEEK_HOLE alone get here. The position of the shared descriptor means nothing to anybody.
  const off_t found = ::lseek((*handle)->file.descriptor(), offset, whence);
  if (found < 0) return void(refuse(std::move(reply), from_errno(errno, "lseek")));
  std::move(reply).offset(found);
}

void FilesDispatcher::ioctl(Reply reply, fuse_ino_t node, unsigned command, void*, fuse_file_info*, unsigned,
                            const void* in, std::size_t in_size, std::size_t) {
  switch (command) {
    case FS_IOC_GETFLAGS: return void(std::move(reply).ioctl_result(kNoFlags));
    case FS_IOC_FSGETXATTR: return void(std::move(reply).ioctl_result(fsxattr{}));
    case FS_IOC_SETFLAGS:
    case FS_IOC_FSSETXATTR: {
      const auto kept = keep_no_flags(in, in_size);
      if (!kept) return void(refuse(std::move(reply), kept.error()));
      return void(std::move(reply).ioctl_done());
    }
    case FS_IOC_GETVERSION: {
      const auto attributes = mount_.core.attributes().get(mount_.account, mount_.inode_of(node));
      if (!attributes) return void(refuse(std::move(reply), attributes.error()));
      return void(std::move(reply).ioctl_result(static_cast<std::uint32_t>(attributes->generation)));
    }
    default: std::move(reply).error_number(ENOTTY);
  }
}

}  // namespace reprieve::fs
