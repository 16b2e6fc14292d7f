// SPDX-License-Identifier: Apache-2.0
#include "fs/reply.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace reprieve::fs {
namespace {

Sent sent(int result) { return result == 0 ? Sent::yes : Sent::no; }

}  // namespace

Reply::Reply(Reply&& other) noexcept
    : request_(std::exchange(other.request_, nullptr)),
      operation_(other.operation_),
      node_(other.node_),
      received_(other.received_) {}

Reply::~Reply() {
  if (request_ == nullptr) return;
  ::fuse_reply_err(take(), EIO);
  try {
    spdlog::error("bug: op={} node={} was left unanswered", operation_, node_);
  } catch (...) {  // a log that cannot be written must not end the process from a destructor
  }
}

fuse_req_t Reply::take() noexcept { return std::exchange(request_, nullptr); }

Caller Reply::caller(MountId mount) const {
  const fuse_ctx* context = ::fuse_req_ctx(request_);
  return {
      .uid = context->uid, .gid = context->gid, .thread = context->pid, .mount = mount, .request = received_.request};
}

mode_t Reply::umask() const { return ::fuse_req_ctx(request_)->umask; }

Sent Reply::error(const Error& error) && {
  const int number = to_errno(error.code);
  if (error.code == Errc::io || error.code == Errc::internal) {
    spdlog::error("op={} node={} errno={}: {}", operation_, node_, errno_symbol(error.code), reason_of(error));
  }
  return std::move(*this).error_number(number);
}

Sent Reply::error_number(int number) && { return sent(::fuse_reply_err(take(), number)); }
Sent Reply::done() && { return sent(::fuse_reply_err(take(), 0)); }
void Reply::nothing() && { ::fuse_reply_none(take()); }

Sent Reply::bytes(const void* data, std::size_t size) && {
  return sent(::fuse_reply_buf(take(), static_cast<const char*>(data), size));
}

Sent Reply::written(std::size_t size) && { return sent(::fuse_reply_write(take(), size)); }
Sent Reply::attribute_size(std::size_t size) && { return sent(::fuse_reply_xattr(take(), size)); }
Sent Reply::figures(const struct statvfs& figures) && { return sent(::fuse_reply_statfs(take(), &figures)); }
Sent Reply::offset(off_t offset) && { return sent(::fuse_reply_lseek(take(), offset)); }
Sent Reply::ioctl_done() && { return sent(::fuse_reply_ioctl(take(), 0, nullptr, 0)); }
Sent Reply::ioctl_bytes(const void* data, std::size_t size) && {
  return sent(::fuse_reply_ioctl(take(), 0, data, size));
}
Sent Reply::data(fuse_bufvec& source) && { return sent(::fuse_reply_data(take(), &source, fuse_buf_copy_flags(0))); }

}  // namespace reprieve::fs
