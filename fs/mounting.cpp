// SPDX-License-Identifier: Apache-2.0
#include "fs/mounting.h"

#include <fcntl.h>
#include <spawn.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

extern char** environ;  // NOLINT: POSIX wants it declared so

namespace reprieve::fs {
namespace {

constexpr const char* kDevice = "/dev/fuse";
constexpr const char* kType = "fuse.reprieve";
constexpr const char* kHelper = "fusermount3";

struct MountEntry {
  std::filesystem::path place;
  std::string type;
  std::string source;
};

std::string descriptor_path(int descriptor) { return "/proc/self/fd/" + std::to_string(descriptor); }

// Undoes the \040 of proc(5).
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escape = text[at] == '\\' && at + 3 < text.size();
    if (!escape) {
      plain.push_back(text[at]);
      continue;
    }
    plain.push_back(static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0')));
    at += 3;
  }
  return plain;
}

// All mounts, those on top of others behind these. Lines are
// "ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [FIELD...] - TYPE SOURCE OPTIONS".
std::vector<MountEntry> all_mounts() {
  std::vector<MountEntry> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string skipped;
    std::string mountpoint;
    fields >> skipped >> skipped >> skipped >> skipped >> mountpoint;
    while (fields >> skipped && skipped != "-") {
    }
    MountEntry entry{.place = unescaped(mountpoint), .type = {}, .source = {}};
    fields >> entry.type >> entry.source;
    entry.source = unescaped(entry.source);
    mounts.push_back(std::move(entry));
  }
  return mounts;
}

// The topmost of them at `path`.
const MountEntry* find_at(const std::vector<MountEntry>& mounts, const std::filesystem::path& path) {
  const auto found =
      std::find_if(mounts.rbegin(), mounts.rend(), [&](const MountEntry& mount) { return mount.place == path; });
  return found == mounts.rend() ? nullptr : &*found;
}

std::optional<MountEntry> mounted_at(const std::filesystem::path& path) {
  const std::vector<MountEntry> mounts = all_mounts();
  const MountEntry* const found = find_at(mounts, path);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

// Where a mount of ours is by now: whoever owns a directory on the way can give that another name, and have the old one
// lead to another mount.
std::optional<std::filesystem::path> place_of(const std::filesystem::path& mountpoint, const std::string& source) {
  const std::vector<MountEntry> mounts = all_mounts();
  const auto is_ours = [&](const MountEntry& mount) { return mount.type == kType && mount.source == source; };
  if (const MountEntry* const there = find_at(mounts, mountpoint); there != nullptr && is_ours(*there))
    return mountpoint;
  const auto found = std::ranges::find_if(mounts, is_ours);
  return found == mounts.end() ? std::nullopt : std::optional(found->place);
}

Result<void> detach_dead_mount(const std::filesystem::path& path, const std::string& source) {
  const auto mounted = mounted_at(path);
  if (!mounted || mounted->type != kType || mounted->source != source) {
    return fail(Errc::exists, path.string() + ": a dead mount of something else is in the way; umount it first");
  }
  spdlog::warn("{}: detaching what a daemon that was killed left mounted", path.string());
  return ::geteuid() == 0 ? unmount_fuse(path, source) : unmount_with_helper(path);
}

// What an absolute path leads to, with no symbolic link left in it. Where a link leads is decided by its owner, so
// those on the way have to be root's: access_denied.
Result<std::filesystem::path> follow_roots_links(const std::filesystem::path& path) {
  constexpr int kMostLinks = 40;  // as the kernel follows (MAXSYMLINKS)
  std::filesystem::path reached = "/";
  std::deque<std::filesystem::path> rest(path.begin(), path.end());
  for (int links = 0; !rest.empty();) {
    const std::filesystem::path component = std::move(rest.front());
    rest.pop_front();
    if (component.empty() || component == "." || component == "/") continue;
    const std::filesystem::path next = component == ".." ? reached.parent_path() : reached / component;
    struct stat status {};
    if (::lstat(next.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
      reached = next;
      continue;
    }
    if (status.st_uid != 0)
      return fail(Errc::access_denied, next.string() + ": a symbolic link that is not root's is on the way");
    if (++links > kMostLinks) return fail(from_errno(ELOOP, path.string()));
    std::error_code failure;
    const std::filesystem::path target = std::filesystem::read_symlink(next, failure);
    if (failure) return fail(from_errno(failure.value(), next.string()));
    if (target.is_absolute()) reached = "/";
    rest.insert(rest.begin(), target.begin(), target.end());
  }
  return reached;
}

// A directory that is there under this very name, whatever happens to the name later.
Result<FileDescriptor> hold_directory(const std::filesystem::path& canonical) {
  FileDescriptor directory(::open(canonical.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return fail(from_errno(errno, canonical.string()));
  std::error_code failure;
  if (std::filesystem::read_symlink(descriptor_path(directory.get()), failure) != canonical)
    return fail(Errc::access_denied, canonical.string() + ": a symbolic link has come to be on the way");
  return directory;
}

}  // namespace

bool is_dead_mount(int error_number) {
  // The last two are what a call gets that waits while the daemon dies: through the device, and through a ring
  // (fuse_uring_send_in_task, fs/fuse/dev_uring.c).
  return error_number == ENOTCONN || error_number == ECONNABORTED || error_number == ECANCELED;
}

Result<std::filesystem::path> prepare_mountpoint(const std::filesystem::path& path, const std::string& source) {
  std::error_code failure;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failure).lexically_normal();
  std::filesystem::path place = absolute.has_filename() ? absolute : absolute.parent_path();
  if (::geteuid() == 0) {
    REPRIEVE_TRY(place, follow_roots_links(place));
  }
  struct stat status {};
  REPRIEVE_TRY_VOID(detach_own_dead_mount(place, source));
  if (::stat(place.c_str(), &status) != 0) return fail(from_errno(errno, place.string()));
  if (!S_ISDIR(status.st_mode)) return fail(Errc::not_directory, place.string() + ": not a directory");

  // Of root's nothing is left to be resolved, and what comes in the way from here on is not to be.
  if (::geteuid() != 0) place = std::filesystem::canonical(place, failure);
  if (failure) return fail(from_errno(failure.value(), place.string()));
  if (const auto mounted = mounted_at(place); mounted && mounted->type == kType) {
    return fail(Errc::exists, place.string() + ": " + mounted->source + " is mounted here");
  }
  return place;
}

Result<void> detach_own_dead_mount(const std::filesystem::path& mountpoint, const std::string& source) {
  // The kernel answers stat(2) of a dead mount from what it cached; statfs is asked of the daemon each time.
  struct statvfs figures {};
  if (::statvfs(mountpoint.c_str(), &figures) == 0 || !is_dead_mount(errno)) return {};
  return detach_dead_mount(mountpoint, source);
}

Result<FileDescriptor> mount_fuse(const MountRequest& request) {
  REPRIEVE_TRY(const FileDescriptor directory, hold_directory(request.mountpoint));
  FileDescriptor device(::open(kDevice, O_RDWR | O_CLOEXEC));
  if (!device) return fail(from_errno(errno, kDevice));
  const std::string data =
      fmt::format("fd={},rootmode=40000,user_id={},group_id={},default_permissions{}", device.get(), request.uid,
                  request.gid, request.allow_other ? ",allow_other" : "");
  // What root makes in its own account may be a device; from anybody else that would be a way to become root. Set-id is
  // nothing in any mount: others with whom it is shared may have written it.
  unsigned long flags = MS_NOSUID;
  if (request.uid != 0) flags |= MS_NODEV;
  if (::mount(request.source.c_str(), descriptor_path(directory.get()).c_str(), kType, flags, data.c_str()) != 0) {
    return fail(from_errno(errno, "mounting " + request.mountpoint.string()));
  }
  return device;
}

Result<void> unmount_fuse(const std::filesystem::path& mountpoint, const std::string& source, Unmount how) {
  const auto current = place_of(mountpoint, source);
  if (!current) return {};
  // In a directory that is held nobody can rename an entry that is a mount point (rename(2), EBUSY).
  const auto parent = hold_directory(current->parent_path());
  if (!parent && parent.error().code == Errc::not_found) return {};
  if (!parent) return fail(parent.error());
  const std::filesystem::path place = descriptor_path(parent->get()) / current->filename();
  const int force = how == Unmount::abort ? MNT_FORCE : 0;
  if (::umount2(place.c_str(), UMOUNT_NOFOLLOW | force) == 0) return {};
  if (errno == EBUSY && ::umount2(place.c_str(), UMOUNT_NOFOLLOW | MNT_DETACH) == 0) return {};
  if (errno == EINVAL || errno == ENOENT) return {};
  return fail(from_errno(errno, "unmounting " + current->string()));
}

Result<void> unmount_with_helper(const std::filesystem::path& mountpoint) {
  std::string program = kHelper;
  std::string how = "-uz";
  std::string where = mountpoint.string();
  std::array<char*, 4> arguments{program.data(), how.data(), where.data(), nullptr};
  pid_t child = 0;
  if (const int failed = ::posix_spawnp(&child, kHelper, nullptr, nullptr, arguments.data(), environ); failed != 0) {
    return fail(from_errno(failed, kHelper));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) return fail(Errc::io, where + ": fusermount3 could not unmount");
  return {};
}

}  // namespace reprieve::fs
