// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"

// Putting a FUSE file system into the tree and taking it out again, by mount(2), as root. Users other than root mount
// through fusermount3(1), see KernelChannel.
namespace reprieve::fs {

struct MountRequest {
  std::filesystem::path mountpoint;
  std::string source;
  uid_t uid = 0;  // who may enter without `allow_other`
  gid_t gid = 0;
  bool allow_other = false;
};

// Whether an error number of a call on a mount says that nobody serves it: it has been so, or has just come to be so
// while the call waited.
[[nodiscard]] bool is_dead_mount(int error_number);

// The absolute path of a directory that can be mounted on. What a killed daemon left there is detached, if it came from
// `source`. Errors: not_found, not_directory, exists (something of ours is mounted there, or the dead mount of
// something else), access_denied (also, as root, where a symbolic link of somebody else's is on the way), io.
Result<std::filesystem::path> prepare_mountpoint(const std::filesystem::path& path, const std::string& source);

// Takes away a mount of `source` that is still in the tree though nobody serves it, as after `umount -f` of a busy one.
// Nothing happens where there is none. io.
Result<void> detach_own_dead_mount(const std::filesystem::path& mountpoint, const std::string& source);

// Mounts and returns the descriptor that the file system is served over. The mount point has no symbolic link in it.
// Errors: not_found (no /dev/fuse), access_denied (also where a link has come to be in it), io.
Result<FileDescriptor> mount_fuse(const MountRequest& request);

// What becomes of the requests that are not answered yet.
enum class Unmount : std::uint8_t {
  finish,  // they can be
  abort,   // they fail, though others may hold the descriptor open
};

// Takes the mount out of the tree, at once even if files in it are open. Nothing happens if it is gone already.
// `source` as it was mounted with, by which it is found where a directory on the way has got another name.
// access_denied: that happened in this moment. io.
Result<void> unmount_fuse(const std::filesystem::path& mountpoint, const std::string& source,
                          Unmount how = Unmount::finish);
// The same for a mount of fusermount3(1).
Result<void> unmount_with_helper(const std::filesystem::path& mountpoint);

}  // namespace reprieve::fs
