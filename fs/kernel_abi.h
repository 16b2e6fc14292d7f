// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/fuse.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

// What the kernel headers of Debian 12 (Linux 6.1) do not know yet. All of it stands in include/uapi/linux/fuse.h of
// Linux 6.9, what is of io_uring of Linux 6.14; the names differ from the kernel's so that newer headers can be
// compiled with too.
namespace reprieve::fs::kernel {

// Flags of INIT, flags2 being the upper 32 bits.
inline constexpr std::uint64_t kInitHandleKillprivV2 = 1ULL << 28;   // FUSE_HANDLE_KILLPRIV_V2, Linux 5.11
inline constexpr std::uint64_t kInitExt = 1ULL << 30;                // FUSE_INIT_EXT
inline constexpr std::uint64_t kInitDirectIoAllowMmap = 1ULL << 36;  // FUSE_DIRECT_IO_ALLOW_MMAP, Linux 6.6
inline constexpr std::uint64_t kInitPassthrough = 1ULL << 37;        // FUSE_PASSTHROUGH, Linux 6.9
inline constexpr std::uint64_t kInitHasResend = 1ULL << 39;          // FUSE_HAS_RESEND, Linux 6.9
inline constexpr std::uint64_t kInitOverIoUring = 1ULL << 41;        // FUSE_OVER_IO_URING, Linux 6.14

// The blob's file system may be stacked this deep, which is: not at all (process_init_reply, fs/fuse/inode.c).
inline constexpr std::uint32_t kMaxStackDepth = 1;

// Requests: enum fuse_opcode.
inline constexpr std::uint32_t kTmpfile = 51;  // FUSE_TMPFILE, Linux 6.1
inline constexpr std::uint32_t kStatx = 52;    // FUSE_STATX, Linux 6.6

// In the number of a request that was sent before: FUSE_UNIQUE_RESEND.
inline constexpr std::uint64_t kResent = 1ULL << 63;

// Notifications: enum fuse_notify_code.
inline constexpr std::int32_t kNotifyResend = 7;         // FUSE_NOTIFY_RESEND, Linux 6.9
inline constexpr std::int32_t kNotifyIncreaseEpoch = 8;  // FUSE_NOTIFY_INC_EPOCH, Linux 6.16

// Flags of an open.
inline constexpr std::uint32_t kOpenDirectIo = 1U << 0;     // FOPEN_DIRECT_IO
inline constexpr std::uint32_t kOpenNoFlush = 1U << 5;      // FOPEN_NOFLUSH, Linux 5.16
inline constexpr std::uint32_t kOpenPassthrough = 1U << 7;  // FOPEN_PASSTHROUGH

// struct fuse_init_out.
struct InitOut {
  std::uint32_t major;
  std::uint32_t minor;
  std::uint32_t max_readahead;
  std::uint32_t flags;
  std::uint16_t max_background;
  std::uint16_t congestion_threshold;
  std::uint32_t max_write;
  std::uint32_t time_gran;
  std::uint16_t max_pages;
  std::uint16_t map_alignment;
  std::uint32_t flags2;
  std::uint32_t max_stack_depth;
  std::uint32_t unused[6];
};
static_assert(sizeof(InitOut) == sizeof(fuse_init_out));
static_assert(offsetof(InitOut, flags2) == offsetof(fuse_init_out, flags2));
static_assert(offsetof(InitOut, max_stack_depth) == offsetof(fuse_init_out, flags2) + 4);

// struct fuse_open_out.
struct OpenOut {
  std::uint64_t handle;
  std::uint32_t open_flags;
  std::int32_t backing_id;  // means something with kOpenPassthrough
};
static_assert(sizeof(OpenOut) == sizeof(fuse_open_out));
static_assert(offsetof(OpenOut, open_flags) == offsetof(fuse_open_out, open_flags));

// The whole answer to CREATE.
struct CreateOut {
  fuse_entry_out entry;
  OpenOut open;
};
static_assert(sizeof(CreateOut) == sizeof(fuse_entry_out) + sizeof(fuse_open_out));

// struct fuse_statx_in.
struct StatxIn {
  std::uint32_t getattr_flags;
  std::uint32_t reserved;
  std::uint64_t handle;
  std::uint32_t flags;
  std::uint32_t mask;
};
static_assert(sizeof(StatxIn) == 24);

// struct fuse_sx_time.
struct StatxTime {
  std::int64_t seconds;
  std::uint32_t nanoseconds;
  std::int32_t reserved;
};

// struct fuse_statx_out, with the struct fuse_statx that it ends in.
struct StatxOut {
  std::uint64_t attr_valid;
  std::uint32_t attr_valid_nsec;
  std::uint32_t flags;
  std::uint64_t spare[2];
  std::uint32_t mask;
  std::uint32_t block_size;
  std::uint64_t attributes;
  std::uint32_t links;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint16_t mode;
  std::uint16_t spare0;
  std::uint64_t inode;
  std::uint64_t size;
  std::uint64_t blocks;
  std::uint64_t attributes_mask;
  StatxTime accessed;
  StatxTime born;
  StatxTime changed;
  StatxTime modified;
  std::uint32_t device_major;
  std::uint32_t device_minor;
  std::uint32_t file_system_major;
  std::uint32_t file_system_minor;
  std::uint64_t spare2[14];
};
static_assert(offsetof(StatxOut, mask) == 32 && offsetof(StatxOut, spare2) == 32 + 0x90);
static_assert(sizeof(StatxOut) == 32 + 0x100);

// struct fuse_backing_map.
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
static_assert(sizeof(BackingMap) == 16);

inline constexpr unsigned long kBackingOpen = _IOW(FUSE_DEV_IOC_MAGIC, 1, BackingMap);  // FUSE_DEV_IOC_BACKING_OPEN
inline constexpr unsigned long kBackingClose =
    _IOW(FUSE_DEV_IOC_MAGIC, 2, std::uint32_t);  // FUSE_DEV_IOC_BACKING_CLOSE

// Requests by io_uring (Documentation/filesystems/fuse/fuse-io-uring.rst; fs/fuse/dev_uring.c). The commands of
// IORING_OP_URING_CMD on the channel's descriptor, enum fuse_uring_cmd.
inline constexpr std::uint32_t kRingRegister = 1;        // FUSE_IO_URING_CMD_REGISTER
inline constexpr std::uint32_t kRingCommitAndFetch = 2;  // FUSE_IO_URING_CMD_COMMIT_AND_FETCH

// struct fuse_uring_ent_in_out.
struct RingEntryInfo {
  std::uint64_t flags;
  std::uint64_t commit_id;
  std::uint32_t payload_size;
  std::uint32_t padding;
  std::uint64_t reserved;
};
static_assert(sizeof(RingEntryInfo) == 32);

// struct fuse_uring_req_header: what the kernel fills in for a request and reads back with the answer.
struct RingHeader {
  std::byte in_out[128];     // fuse_in_header, then fuse_out_header
  std::byte operation[128];  // the first argument of the request, when it has a fixed size
  RingEntryInfo entry;
};
static_assert(sizeof(RingHeader) == 288);

// struct fuse_uring_cmd_req, in the last 80 bytes of a submission entry.
struct RingCommand {
  std::uint64_t flags;
  std::uint64_t commit_id;
  std::uint16_t queue;
  std::uint8_t padding[6];
};
static_assert(sizeof(RingCommand) == 24);

}  // namespace reprieve::fs::kernel
