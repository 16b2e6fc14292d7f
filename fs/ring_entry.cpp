// SPDX-License-Identifier: Apache-2.0
#include "fs/ring_entry.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>

#include "fs/request_form.h"

namespace reprieve::fs {

thread_local RingEntry* RingEntry::at_hand = nullptr;

RingEntry::RingEntry(std::uint16_t queue, kernel::RingHeader& header, std::span<std::byte> payload)
    : queue_(queue),
      header_(&header),
      payload_(payload),
      pieces_{iovec{.iov_base = &header, .iov_len = sizeof(header)},
              iovec{.iov_base = payload.data(), .iov_len = payload.size()}} {}

fuse_in_header RingEntry::request_header() const {
  fuse_in_header header{};
  std::memcpy(&header, header_->in_out, sizeof(header));
  return header;
}

bool RingEntry::is_slow(const OpenIsSlow& open_is_slow) const {
  const auto argument = [this]<typename Argument>(Argument value) {
    std::memcpy(&value, header_->operation, sizeof(value));
    return value;
  };
  switch (request_header().opcode) {
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case FUSE_LSEEK: return true;
    case FUSE_OPEN: return open_is_slow(static_cast<int>(argument(fuse_open_in{}).flags));
    case FUSE_SETATTR: return (argument(fuse_setattr_in{}).valid & FATTR_SIZE) != 0;
    default: return false;
  }
}

std::size_t RingEntry::request_size() const {
  // The kernel says how long header, operation and payload are together.
  const std::size_t size = request_header().len;
  const std::size_t payload = header_->entry.payload_size;
  const std::size_t least = sizeof(fuse_in_header) + payload;
  if (payload > payload_.size() || size < least || size > least + sizeof(header_->operation)) return 0;
  return size;
}

void RingEntry::carry_out(const ServeRequest& serve, std::span<std::byte> scratch) {
  const fuse_in_header header = request_header();
  unique_ = header.unique;
  answered_ = false;
  const std::size_t size = request_size();
  if (size == 0 || size > scratch.size()) {
    spdlog::error("a request whose parts do not fit together: opcode={} length={}", header.opcode, header.len);
    return answer(-EIO);
  }
  const std::size_t payload = header_->entry.payload_size;
  const std::size_t fixed = size - sizeof(header) - payload;
  std::byte* at = scratch.data();
  std::memcpy(at, header_->in_out, sizeof(header));
  std::memcpy(at + sizeof(header), header_->operation, fixed);
  std::memcpy(at + sizeof(header) + fixed, payload_.data(), payload);
  at_hand = this;
  serve(scratch.first(size));
  at_hand = nullptr;
  if (answered_) return;
  // What a listing looked up in vain is forgotten by an ordinary request (fuse_force_forget, fs/fuse/readdir.c).
  const bool is_bug = wants_answer(header.opcode);
  if (is_bug) spdlog::error("bug: opcode={} was left unanswered", header.opcode);
  answer(is_bug ? -EIO : 0);
}

void RingEntry::answer(int error) { take({.len = sizeof(fuse_out_header), .error = error, .unique = unique_}, {}); }

bool RingEntry::take_answer(const iovec* parts, int count) {
  RingEntry* const entry = at_hand;
  fuse_out_header header{};
  if (entry == nullptr || entry->answered_ || parts[0].iov_len != sizeof(header)) return false;
  std::memcpy(&header, parts[0].iov_base, sizeof(header));
  if (header.unique != entry->unique_) return false;
  return entry->take(header, std::span(parts, static_cast<std::size_t>(count)).subspan(1));
}

bool RingEntry::take(const fuse_out_header& header, std::span<const iovec> data) {
  std::size_t size = 0;
  for (const iovec& part : data) {
    if (part.iov_len > payload_.size() - size) return false;
    std::memcpy(payload_.data() + size, part.iov_base, part.iov_len);
    size += part.iov_len;
  }
  std::memcpy(header_->in_out, &header, sizeof(header));
  header_->entry.payload_size = static_cast<std::uint32_t>(size);
  answered_ = true;
  return true;
}

}  // namespace reprieve::fs
