// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/base/result.h"
#include "fs/ring_queue.h"
#include "fs/slow_lane.h"

namespace reprieve::fs {

// Requests of one mount by io_uring instead of read(2) and write(2) on /dev/fuse (Linux 6.14;
// Documentation/filesystems/fuse/fuse-io-uring.rst): a queue for each processor. What nobody waits for still comes
// through the device: forgets and interrupts. The calls are made in the order make, start, stop, by one thread.
class KernelRing {
 public:
  // Lets the kernel offer it to mounts made from now on: it is off unless an administrator, or this, turns it on
  // (the parameter enable_uring of the module fuse). access_denied, not_found (an older kernel), io.
  static Result<void> allow();

  // Makes everything that can fail, before the kernel is told. The mount hangs until start() once it was.
  // `slow_threads`: see SlowLane. Errors: those of io_uring_setup(2); not_supported: too many processors.
  static Result<std::unique_ptr<KernelRing>> make(std::size_t payload_size, unsigned slow_threads,
                                                  const RequestServer& server);
  ~KernelRing() { stop(); }
  KernelRing(const KernelRing&) = delete;
  KernelRing& operator=(const KernelRing&) = delete;

  // Serves from here on. `device` is the channel, INIT answered. An error leaves the mount unusable.
  Result<void> start(int device);
  // Waits for what is being carried out. Idempotent.
  void stop();

 private:
  explicit KernelRing(unsigned slow_threads) : slow_(slow_threads) {}

  SlowLane slow_;  // outlives the queues, whose entries it works on
  std::vector<std::unique_ptr<RingQueue>> queues_;
};

}  // namespace reprieve::fs
