// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <liburing.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "core/base/sync.h"
#include "fs/ring_entry.h"

namespace reprieve::fs {

class SlowLane;

// What is to be done with requests. Called by many threads at a time.
struct RequestServer {
  ServeRequest serve;
  OpenIsSlow open_is_slow;
};

// The requests of one processor's clients, and the thread, bound to that processor, that serves them: the kernel hands
// it a request where the client has just gone to sleep, so that no other processor has to be woken. An answer and the
// wait for the next request are one system call.
//
// Made and started by KernelRing. Each entry is a pair of buffers shared with the kernel that holds one request at a
// time.
class RingQueue {
 public:
  // `payload_size`: the most bytes of a request or an answer besides its headers. Errors: those of io_uring_setup(2).
  static Result<std::unique_ptr<RingQueue>> make(unsigned processor, std::size_t payload_size, RequestServer server,
                                                 SlowLane& slow);
  ~RingQueue();
  RingQueue(const RingQueue&) = delete;
  RingQueue& operator=(const RingQueue&) = delete;

  // Also takes the requests of a processor that is not there (yet). Before start().
  void adopt(unsigned absent_processor);
  // Makes the buffers of all that it takes; the last that can fail for want of memory. Before start().
  Result<void> map_entries();

  // Starts the thread. The future tells whether the kernel took the entries. io: no thread could be started.
  Result<std::future<Result<void>>> start(int device);
  // Ends the thread when what it is at is answered; what the kernel has handed over since is not. Idempotent.
  void stop();

 private:
  struct RingCloser {
    void operator()(io_uring* ring) const;
  };
  struct MemoryCloser {
    std::size_t size;
    void operator()(std::byte* memory) const;
  };
  enum class Event : std::uint8_t { more, over };

  RingQueue(unsigned processor, std::size_t payload_size, RequestServer server, SlowLane& slow);
  Result<void> set_up();

  void run(std::promise<Result<void>> registered);
  Result<void> register_entries();
  Event wait_and_serve();
  Event serve_completions();
  void receive(RingEntry& entry);
  void hand_back(RingEntry& entry) REPRIEVE_EXCLUDES(mutex_);
  void submit_handed_back() REPRIEVE_EXCLUDES(mutex_);
  void wake() const;
  void listen_for_wake();
  void submit(RingEntry& entry, std::uint32_t command);
  io_uring_sqe& next_submission();

  const unsigned processor_;
  const std::size_t payload_size_;
  const RequestServer server_;
  SlowLane& slow_;

  int device_ = -1;
  std::vector<std::uint16_t> queues_;
  std::unique_ptr<std::byte, MemoryCloser> memory_;
  std::vector<RingEntry> entries_;
  std::unique_ptr<std::byte[]> scratch_;
  FileDescriptor wake_event_;
  std::uint64_t wake_count_ = 0;  // where the kernel puts what it reads from the event
  std::unique_ptr<io_uring, RingCloser> ring_;

  std::atomic<bool> stopping_{false};
  Mutex mutex_;
  std::vector<RingEntry*> handed_back_ REPRIEVE_GUARDED_BY(mutex_);  // answered by the slow lane, not committed yet
  std::thread thread_;
};

}  // namespace reprieve::fs
