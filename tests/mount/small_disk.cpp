// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/small_disk.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "core/base/file_descriptor.h"
#include "tests/support/command.h"
#include "tests/support/daemon_process.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

// EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH of fs/ext4/ext4.h, which no public header has: the journal is
// aborted as it is.
constexpr unsigned long kShutDown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutTheLog = 2;

}  // namespace

SmallDisk::SmallDisk(const std::filesystem::path& directory)
    : store_(directory / "store"), image_(directory / "disk") {}

SmallDisk::~SmallDisk() {
  if (is_mount_point(store_)) ::umount2(store_.c_str(), MNT_DETACH);
}

std::string SmallDisk::make() {
  std::filesystem::create_directory(store_);
  const CommandResult made = shell("truncate -s 64M " + image_.string() + " && mkfs.ext4 -q " + image_.string());
  return made.exit_code == 0 ? mount() : "no small disk can be made: " + made.err;
}

std::string SmallDisk::mount() const {
  const CommandResult mounted = shell("mount -o loop " + image_.string() + " " + store_.string());
  return mounted.exit_code == 0 ? "" : "no small disk can be mounted: " + mounted.err;
}

int SmallDisk::cut_power() const {
  const FileDescriptor top(::open(store_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::uint32_t flags = kWithoutTheLog;
  return top && ::ioctl(top.get(), kShutDown, &flags) == 0 ? 0 : errno;
}

std::string SmallDisk::start_again() {
  // The kernel lets go of the files behind a mount a moment after that has ended.
  const auto unmounted = [this] { return ::umount2(store_.c_str(), 0) == 0; };
  if (!wait_until(unmounted)) return std::string("unmounting: ") + std::strerror(errno);
  return mount();
}

}  // namespace reprieve::test
