// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/caller.h"
#include "core/base/error.h"
#include "core/base/ids.h"
#include "fs/fuse_api.h"
#include "fs/kernel_channel.h"

namespace reprieve::fs {

// Whether the kernel took an answer. It does not when the caller was interrupted meanwhile, and then knows nothing of
// what was done: it will not release a handle that it never got (ENOENT; fuse_lowlevel.h, "fuse_lowlevel_ops").
enum class Sent : bool { no, yes };

// The duty to answer one request exactly once. Every answer consumes it. One that dies unanswered answers EIO and logs
// the bug. Not thread-safe, but may move to another thread.
class [[nodiscard]] Reply {
 public:
  // `operation` must outlive it: a literal.
  Reply(fuse_req_t request, std::string_view operation, fuse_ino_t node) noexcept
      : request_(request), operation_(operation), node_(node), received_(KernelChannel::in_hand()) {}
  Reply(Reply&& other) noexcept;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  Reply& operator=(Reply&&) = delete;
  ~Reply();

  [[nodiscard]] Caller caller(MountId mount) const;
  [[nodiscard]] const Received& received() const { return received_; }
  // The caller's umask, of requests that create something.
  [[nodiscard]] mode_t umask() const;

  // Logs what is our fault or the disk's; refusals are the caller's business.
  Sent error(const Error& error) &&;
  // For what core has no word for: ENOSYS, ENOTTY.
  Sent error_number(int number) &&;
  Sent done() &&;
  // For requests that want no answer, or are to be left to somebody else.
  void nothing() &&;

  Sent bytes(const void* data, std::size_t size) &&;
  Sent bytes(std::string_view data) && { return std::move(*this).bytes(data.data(), data.size()); }
  // One of the kernel's own structures.
  template <typename Wire>
  Sent wire(const Wire& answer) && {
    static_assert(std::is_trivially_copyable_v<Wire> && !std::is_pointer_v<Wire>);
    return std::move(*this).bytes(&answer, sizeof(answer));
  }
  Sent written(std::size_t size) &&;
  Sent attribute_size(std::size_t size) &&;
  Sent figures(const struct statvfs& figures) &&;
  Sent offset(off_t offset) &&;
  Sent ioctl_done() &&;
  template <typename Wire>
  Sent ioctl_result(const Wire& result) && {
    static_assert(std::is_trivially_copyable_v<Wire> && !std::is_pointer_v<Wire>);
    return std::move(*this).ioctl_bytes(&result, sizeof(result));
  }
  // What lies behind a descriptor, moved by the kernel where it can be.
  Sent data(fuse_bufvec& source) &&;

 private:
  [[nodiscard]] fuse_req_t take() noexcept;
  Sent ioctl_bytes(const void* data, std::size_t size) &&;

  fuse_req_t request_;
  std::string_view operation_;
  fuse_ino_t node_;
  Received received_;
};

}  // namespace reprieve::fs
