// SPDX-License-Identifier: Apache-2.0
#include "fs/request_form.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"

namespace reprieve::fs {
namespace {

using Bytes = std::span<const std::byte>;

// What libfuse reads of a request behind the header: arguments of a fixed size, then so many names.
struct Form {
  std::size_t fixed = 0;
  std::size_t names = 0;
};

Form form_of(std::uint32_t operation) {
  switch (operation) {
    case FUSE_LOOKUP:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_REMOVEXATTR: return {.names = 1};
    case FUSE_SYMLINK: return {.names = 2};
    case FUSE_MKNOD: return {sizeof(fuse_mknod_in), 1};
    case FUSE_MKDIR: return {sizeof(fuse_mkdir_in), 1};
    case FUSE_RENAME: return {sizeof(fuse_rename_in), 2};
    case FUSE_RENAME2: return {sizeof(fuse_rename2_in), 2};
    case FUSE_LINK: return {sizeof(fuse_link_in), 1};
    case FUSE_CREATE: return {sizeof(fuse_create_in), 1};
    case FUSE_SETXATTR: return {FUSE_COMPAT_SETXATTR_IN_SIZE, 1};
    case FUSE_GETXATTR: return {sizeof(fuse_getxattr_in), 1};
    case FUSE_LISTXATTR: return {sizeof(fuse_getxattr_in)};
    case FUSE_FORGET: return {sizeof(fuse_forget_in)};
    case FUSE_BATCH_FORGET: return {sizeof(fuse_batch_forget_in)};
    case FUSE_GETATTR: return {sizeof(fuse_getattr_in)};
    case FUSE_SETATTR: return {sizeof(fuse_setattr_in)};
    case FUSE_OPEN:
    case FUSE_OPENDIR: return {sizeof(fuse_open_in)};
    case FUSE_READ:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS: return {sizeof(fuse_read_in)};
    case FUSE_WRITE: return {sizeof(fuse_write_in)};
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR: return {sizeof(fuse_release_in)};
    case FUSE_FLUSH: return {sizeof(fuse_flush_in)};
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR: return {sizeof(fuse_fsync_in)};
    case FUSE_GETLK:
    case FUSE_SETLK:
    case FUSE_SETLKW: return {sizeof(fuse_lk_in)};
    case FUSE_ACCESS: return {sizeof(fuse_access_in)};
    case FUSE_INTERRUPT: return {sizeof(fuse_interrupt_in)};
    case FUSE_BMAP: return {sizeof(fuse_bmap_in)};
    case FUSE_IOCTL: return {sizeof(fuse_ioctl_in)};
    case FUSE_POLL: return {sizeof(fuse_poll_in)};
    case FUSE_FALLOCATE: return {sizeof(fuse_fallocate_in)};
    case FUSE_LSEEK: return {sizeof(fuse_lseek_in)};
    case FUSE_COPY_FILE_RANGE: return {sizeof(fuse_copy_file_range_in)};
    // Kernels before Linux 5.17 send less than the structure that has the upper flags.
    case FUSE_INIT: return {offsetof(fuse_init_in, flags) + sizeof(fuse_init_in::flags)};
    default: return {};
  }
}

template <typename Argument>
Argument first_of(Bytes arguments) {
  Argument value{};
  std::memcpy(&value, arguments.data(), std::min(sizeof(value), arguments.size()));
  return value;
}

// How much has to lie behind fixed arguments and names. The fixed ones are there.
std::uint64_t announced(std::uint32_t operation, Bytes arguments) {
  switch (operation) {
    case FUSE_WRITE: return first_of<fuse_write_in>(arguments).size;
    case FUSE_SETXATTR: return first_of<fuse_setxattr_in>(arguments).size;
    case FUSE_IOCTL: return first_of<fuse_ioctl_in>(arguments).in_size;
    case FUSE_BATCH_FORGET:
      return std::uint64_t{first_of<fuse_batch_forget_in>(arguments).count} * sizeof(fuse_forget_one);
    case FUSE_INIT:
      return (first_of<fuse_init_in>(arguments).flags & kernel::kInitExt) == 0
                 ? 0
                 : sizeof(fuse_init_in) - form_of(FUSE_INIT).fixed;
    default: return 0;
  }
}

// How many bytes are to be answered with, where that is memory to be had for it.
std::uint32_t wanted(std::uint32_t operation, Bytes arguments) {
  const bool reads = operation == FUSE_READ || operation == FUSE_READDIR || operation == FUSE_READDIRPLUS;
  return reads ? first_of<fuse_read_in>(arguments).size : 0;
}

}  // namespace

bool is_well_formed(Bytes request) {
  fuse_in_header header{};
  if (request.size() < sizeof(header)) return false;
  std::memcpy(&header, request.data(), sizeof(header));
  if (header.len != request.size()) return false;
  // The kernel's answer to a notification that is never sent; libfuse 3.14 would keep it for ever.
  if (header.opcode == FUSE_NOTIFY_REPLY) return false;
  const Bytes arguments = request.subspan(sizeof(header));
  const Form form = form_of(header.opcode);
  if (arguments.size() < form.fixed) return false;
  Bytes rest = arguments.subspan(form.fixed);
  for (std::size_t i = 0; i < form.names; ++i) {
    const auto end = std::ranges::find(rest, std::byte{0});
    if (end == rest.end()) return false;
    rest = rest.subspan(static_cast<std::size_t>(end - rest.begin()) + 1);
  }
  return announced(header.opcode, arguments) <= rest.size() && wanted(header.opcode, arguments) <= kMostData;
}

bool wants_answer(std::uint32_t operation) {
  switch (operation) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
    case FUSE_NOTIFY_REPLY: return false;
    default: return true;
  }
}

}  // namespace reprieve::fs
