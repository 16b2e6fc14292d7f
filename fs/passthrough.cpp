// SPDX-License-Identifier: Apache-2.0
#include "fs/passthrough.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <unordered_set>
#include <utility>

#include "core/base/file_descriptor.h"
#include "fs/kernel_abi.h"

namespace reprieve::fs {
namespace {

// From 3.17 on libfuse asks for passthrough by itself when it is told to, for blobs on file systems that are not
// stacked unless told otherwise; before, KernelChannel adds it to INIT. The ioctls and the answers to OPEN are the
// kernel's in both cases.
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
constexpr std::uint64_t kAddedToInit = 0;
void ask_libfuse(fuse_conn_info& connection) { connection.want |= connection.capable & FUSE_CAP_PASSTHROUGH; }
#else
constexpr std::uint64_t kAddedToInit = kernel::kInitPassthrough;
void ask_libfuse(fuse_conn_info&) {}
#endif

// An empty file like a blob: unnamed, on the blobs' disk, or in memory where that is not known.
Result<FileDescriptor> probe_file(const std::filesystem::path& store) {
  FileDescriptor file(store.empty() ? ::memfd_create("reprieve-probe", MFD_CLOEXEC)
                                    : ::open(store.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file) return fail(from_errno(errno, "a file to try passthrough with"));
  return file;
}

std::string refusal(int number) {
  switch (number) {
    case EPERM: return "the daemon lacks CAP_SYS_ADMIN";
    case ELOOP: return "the store lies on a stacked file system";
    case EOPNOTSUPP: return "the store's file system cannot do it";
    default: return from_errno(number, "the kernel refused").reason;
  }
}

}  // namespace

Passthrough::Share::Share(Share&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), inode_(other.inode_), backing_id_(other.backing_id_) {}

Passthrough::Share& Passthrough::Share::operator=(Share&& other) noexcept {
  if (this != &other) {
    if (owner_ != nullptr) owner_->give_back(inode_);
    owner_ = std::exchange(other.owner_, nullptr);
    inode_ = other.inode_;
    backing_id_ = other.backing_id_;
  }
  return *this;
}

Passthrough::Share::~Share() {
  if (owner_ != nullptr) owner_->give_back(inode_);
}

std::uint64_t Passthrough::wanted_flags() const { return mode_ == PassthroughMode::off ? 0 : kAddedToInit; }

void Passthrough::want(fuse_conn_info& connection) const {
  if (mode_ != PassthroughMode::off) ask_libfuse(connection);
}

Result<void> Passthrough::settle(int device, std::uint64_t offered_flags, const std::filesystem::path& store) {
  device_ = device;
  Result<void> possible = probe(offered_flags, store);
  if (possible) {
    active_.store(true, std::memory_order_relaxed);
    return {};
  }
  reason_ = possible.error().reason;
  if (mode_ == PassthroughMode::require) return fail(Errc::not_supported, "passthrough is required: " + reason_);
  return {};
}

Result<void> Passthrough::probe(std::uint64_t offered_flags, const std::filesystem::path& store) {
  if (mode_ == PassthroughMode::off) return fail(Errc::not_supported, "turned off");
  if ((offered_flags & kernel::kInitPassthrough) == 0) {
    return fail(Errc::not_supported, "the kernel does not offer passthrough, which Linux has since 6.9");
  }
  REPRIEVE_TRY(const FileDescriptor file, probe_file(store));
  REPRIEVE_TRY(const std::int32_t backing_id, open_backing(file.get()));
  close_backing(backing_id);
  return {};
}

std::string Passthrough::data_path() const { return active() ? "kernel passthrough" : "splice (" + reason_ + ")"; }

Result<Passthrough::Share> Passthrough::open(InodeId inode, int descriptor) {
  if (!active()) return Share();
  MutexLock lock(mutex_);
  Opened& opened = opened_[inode];
  if (opened.shares == 0) {
    Result<std::int32_t> backing_id = open_backing(descriptor);
    if (!backing_id && mode_ == PassthroughMode::require) {
      opened_.erase(inode);
      return fail(std::move(backing_id).error());
    }
    if (!backing_id && !std::exchange(warned_, true)) {
      spdlog::warn("inode={} is served without passthrough: {}", inode.number(), reason_of(backing_id.error()));
    }
    opened.backing_id = backing_id.value_or(0);
  }
  ++opened.shares;
  return Share(*this, inode, opened.backing_id);
}

Passthrough::Share Passthrough::resume(InodeId inode, std::int32_t backing_id) {
  if (backing_id == 0 && !active()) return Share();
  MutexLock lock(mutex_);
  Opened& opened = opened_[inode];
  opened.backing_id = backing_id;
  ++opened.shares;
  return Share(*this, inode, backing_id);
}

void Passthrough::close_strays() {
  // As many as threads could have been registering when the process ended, and more.
  constexpr std::int32_t kMostStrays = 64;
  MutexLock lock(mutex_);
  std::unordered_set<std::int32_t> known;
  for (const auto& [inode, opened] : opened_) known.insert(opened.backing_id);
  const std::int32_t last = record_->last_backing();
  for (std::int32_t id = std::max(1, last - kMostStrays); id <= last + kMostStrays; ++id) {
    if (!known.contains(id)) close_backing(id);  // ENOENT for most
  }
}

void Passthrough::leave() {
  MutexLock lock(mutex_);
  leaving_ = true;
}

void Passthrough::give_back(InodeId inode) {
  MutexLock lock(mutex_);
  if (leaving_) return;
  const auto found = opened_.find(inode);
  if (--found->second.shares > 0) return;
  if (found->second.backing_id != 0) close_backing(found->second.backing_id);
  opened_.erase(found);
}

Result<std::int32_t> Passthrough::open_backing(int descriptor) const {
  const kernel::BackingMap map{.fd = descriptor, .flags = 0, .padding = 0};
  const int backing_id = ::ioctl(device_, kernel::kBackingOpen, &map);
  if (backing_id < 0) return fail(Errc::not_supported, refusal(errno));
  if (record_ != nullptr) record_->keep_backing(backing_id);
  return backing_id;
}

void Passthrough::close_backing(std::int32_t backing_id) const {
  const auto id = static_cast<std::uint32_t>(backing_id);
  (void)::ioctl(device_, kernel::kBackingClose, &id);
}

}  // namespace reprieve::fs
