// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>

// What the kernel headers of Debian 12 (Linux 6.1) do not know yet of process descriptors. It stands in
// include/uapi/linux/pidfd.h of Linux 6.15; the names differ from the kernel's so that newer headers can be compiled
// with too.
namespace reprieve::kernel {

// struct pidfd_info as first published: 64 bytes, which every later kernel takes (PIDFD_INFO_SIZE_VER0).
struct ProcessInfo {
  std::uint64_t mask;
  std::uint64_t cgroup;
  std::uint32_t ids[11];
  std::int32_t exit_code;  // as wait(2) tells it
};
static_assert(sizeof(ProcessInfo) == 64);
static_assert(offsetof(ProcessInfo, exit_code) == 60);

// In `mask`: asks for the exit code, and says that it is there, which it is once the process was reaped.
inline constexpr std::uint64_t kProcessInfoExit = 1ULL << 3;                    // PIDFD_INFO_EXIT, Linux 6.15
inline constexpr unsigned long kProcessGetInfo = _IOWR(0xFF, 11, ProcessInfo);  // PIDFD_GET_INFO, Linux 6.13

}  // namespace reprieve::kernel
