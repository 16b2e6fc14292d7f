// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"

namespace reprieve::fs {

// Who carries out a request, laid out in one piece as read(2) on /dev/fuse would give it, and answers before it
// returns.
using ServeRequest = std::function<void(std::span<std::byte> request)>;
// Whether an OPEN with these flags of open(2) waits for a disk.
using OpenIsSlow = std::function<bool(int flags)>;

// A pair of buffers shared with the kernel that holds one request at a time, and then its answer. One thread at a time
// uses it.
class RingEntry {
 public:
  // Both are lent; the kernel knows them by pieces().
  RingEntry(std::uint16_t queue, kernel::RingHeader& header, std::span<std::byte> payload);

  // The processor whose requests it takes.
  [[nodiscard]] std::uint16_t queue() const { return queue_; }
  [[nodiscard]] std::uint64_t commit_id() const { return header_->entry.commit_id; }
  // Lives as long as the entry stays where it is.
  [[nodiscard]] std::span<const iovec, 2> pieces() const { return pieces_; }

  // Of the request that the kernel has put in: whether it may wait for a disk, or moves so many bytes that the next in
  // the queue should not wait for it.
  [[nodiscard]] bool is_slow(const OpenIsSlow& open_is_slow) const;
  // How long it is in one piece; 0 when its parts do not fit together.
  [[nodiscard]] std::size_t request_size() const;
  // Carries it out and leaves the answer in the buffers: EIO where nothing answered. `scratch` has room for
  // request_size().
  void carry_out(const ServeRequest& serve, std::span<std::byte> scratch);

  // From a handler, by the thread that carries the request out: takes `parts` if they answer that request.
  static bool take_answer(const iovec* parts, int count);

 private:
  [[nodiscard]] fuse_in_header request_header() const;
  void answer(int error);
  bool take(const fuse_out_header& header, std::span<const iovec> data);

  // The entry whose request this thread is carrying out. Answers come through libfuse, which passes nothing through.
  static thread_local RingEntry* at_hand;

  std::uint16_t queue_;
  kernel::RingHeader* header_;
  std::span<std::byte> payload_;
  std::array<iovec, 2> pieces_;
  std::uint64_t unique_ = 0;
  bool answered_ = false;
};

}  // namespace reprieve::fs
