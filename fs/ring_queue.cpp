// SPDX-License-Identifier: Apache-2.0
#include "fs/ring_queue.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/base/thread.h"
#include "fs/slow_lane.h"

namespace reprieve::fs {
namespace {

// How many requests of one processor can be under way: many may wait in the slow lane.
constexpr std::size_t kDepth = 32;
// Of a processor that is not there: the kernel wants one, and nobody will use it.
constexpr std::size_t kDepthOfAbsent = 1;
// The header has a page of its own, so that payloads start on a page.
constexpr std::size_t kHeaderSpace = 4096;
// A completion without an entry: the wake event.
constexpr std::uint64_t kWakeTag = 0;

// Not where an administrator keeps the daemon away from that processor: served from elsewhere it is only slower.
void bind_to(unsigned processor) {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (::sched_getaffinity(0, sizeof(processors), &processors) != 0 || !CPU_ISSET(processor, &processors)) return;
  CPU_ZERO(&processors);
  CPU_SET(processor, &processors);
  (void)::sched_setaffinity(0, sizeof(processors), &processors);
}

}  // namespace

void RingQueue::RingCloser::operator()(io_uring* ring) const {
  ::io_uring_queue_exit(ring);
  delete ring;  // NOLINT(cppcoreguidelines-owning-memory): this is the owner
}

void RingQueue::MemoryCloser::operator()(std::byte* memory) const { ::munmap(memory, size); }

RingQueue::RingQueue(unsigned processor, std::size_t payload_size, RequestServer server, SlowLane& slow)
    : processor_(processor),
      payload_size_(payload_size),
      server_(std::move(server)),
      slow_(slow),
      queues_(kDepth, static_cast<std::uint16_t>(processor)) {}

RingQueue::~RingQueue() { stop(); }

Result<std::unique_ptr<RingQueue>> RingQueue::make(unsigned processor, std::size_t payload_size, RequestServer server,
                                                   SlowLane& slow) {
  std::unique_ptr<RingQueue> queue(new RingQueue(processor, payload_size, std::move(server), slow));
  REPRIEVE_TRY_VOID(queue->set_up());
  return queue;
}

Result<void> RingQueue::set_up() {
  wake_event_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!wake_event_) return fail(from_errno(errno, "eventfd"));
  auto ring = std::make_unique<io_uring>();
  io_uring_params parameters{};
  // Commands of this length are what the kernel's side demands (fuse_uring_cmd, fs/fuse/dev_uring.c).
  parameters.flags = IORING_SETUP_SQE128;
  const int result = ::io_uring_queue_init_params(2 * kDepth, ring.get(), &parameters);
  if (result != 0) return fail(from_errno(-result, "io_uring"));
  ring_.reset(ring.release());
  scratch_ = std::make_unique_for_overwrite<std::byte[]>(kHeaderSpace + payload_size_);
  return {};
}

void RingQueue::adopt(unsigned absent_processor) {
  queues_.insert(queues_.end(), kDepthOfAbsent, static_cast<std::uint16_t>(absent_processor));
}

Result<void> RingQueue::map_entries() {
  const std::size_t each = kHeaderSpace + payload_size_;
  // Mapped, not allocated: pages that no request ever reached take no memory.
  void* memory = ::mmap(nullptr, each * queues_.size(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail(from_errno(errno, "buffers of io_uring"));
  memory_ = {static_cast<std::byte*>(memory), MemoryCloser{each * queues_.size()}};
  entries_.reserve(queues_.size());
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    std::byte* start = memory_.get() + i * each;
    entries_.emplace_back(queues_[i], *new (start) kernel::RingHeader{},
                          std::span(start + kHeaderSpace, payload_size_));
  }
  return {};
}

Result<std::future<Result<void>>> RingQueue::start(int device) {
  device_ = device;
  std::promise<Result<void>> registered;
  auto outcome = registered.get_future();
  REPRIEVE_TRY(thread_, start_thread([this, promise = std::move(registered)]() mutable { run(std::move(promise)); }));
  return outcome;
}

void RingQueue::stop() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_relaxed);
  wake();
  thread_.join();
  // Before the buffers: until the ring is closed the kernel may write into them.
  ring_.reset();
}

void RingQueue::run(std::promise<Result<void>> registered) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  bind_to(processor_);
  // By this thread: a request is delivered to the thread that registered the entry.
  auto outcome = register_entries();
  const bool usable = outcome.has_value();
  registered.set_value(std::move(outcome));
  if (!usable) return;
  while (wait_and_serve() == Event::more) {
  }
}

Result<void> RingQueue::register_entries() {
  listen_for_wake();
  for (RingEntry& entry : entries_) submit(entry, kernel::kRingRegister);
  if (const int result = ::io_uring_submit(ring_.get()); result < 0) return fail(from_errno(-result, "io_uring"));
  // A refusal is there at once; requests may be too, and are left for later.
  unsigned head = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(ring_.get(), head, completion) {
    if (completion->res < 0) return fail(from_errno(-completion->res, "fuse over io_uring"));
  }
  return {};
}

RingQueue::Event RingQueue::wait_and_serve() {
  if (stopping_.load(std::memory_order_relaxed)) {
    submit_handed_back();
    ::io_uring_submit(ring_.get());
    return Event::over;
  }
  const int result = ::io_uring_submit_and_wait(ring_.get(), 1);
  if (result < 0 && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
    spdlog::error("waiting for the kernel failed: {}", from_errno(-result, "io_uring").reason);
    return Event::over;
  }
  return serve_completions();
}

RingQueue::Event RingQueue::serve_completions() {
  // Taken off the ring before any of them is served: what a handler submits may complete at once.
  std::array<io_uring_cqe, 4 * kDepth> completions{};
  std::size_t count = 0;
  unsigned head = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(ring_.get(), head, completion) {
    if (count == completions.size()) break;
    completions.at(count++) = *completion;
  }
  ::io_uring_cq_advance(ring_.get(), static_cast<unsigned>(count));

  Event event = Event::more;
  for (const io_uring_cqe& each : std::span(completions).first(count)) {
    if (each.user_data == kWakeTag) {
      submit_handed_back();
      listen_for_wake();
    } else if (each.res == 0) {
      receive(*reinterpret_cast<RingEntry*>(each.user_data));  // NOLINT(performance-no-int-to-ptr): as it was put in
    } else if (each.res == -ENOTCONN) {
      event = Event::over;  // the mount is gone, of which the reader of the channel hears too
    } else {
      spdlog::error("an entry of the ring was lost: {}", from_errno(-each.res, "fuse over io_uring").reason);
    }
  }
  return event;
}

void RingQueue::receive(RingEntry& entry) {
  if (!entry.is_slow(server_.open_is_slow)) {
    entry.carry_out(server_.serve, {scratch_.get(), kHeaderSpace + payload_size_});
    submit(entry, kernel::kRingCommitAndFetch);
    return;
  }
  slow_.post([this, &entry] {
    const std::size_t size = entry.request_size();
    const auto scratch = std::make_unique_for_overwrite<std::byte[]>(size);
    entry.carry_out(server_.serve, {scratch.get(), size});
    hand_back(entry);
  });
}

void RingQueue::hand_back(RingEntry& entry) {
  {
    const MutexLock lock(mutex_);
    handed_back_.push_back(&entry);
  }
  wake();
}

void RingQueue::submit_handed_back() {
  std::vector<RingEntry*> answered;
  {
    const MutexLock lock(mutex_);
    answered.swap(handed_back_);
  }
  for (RingEntry* entry : answered) submit(*entry, kernel::kRingCommitAndFetch);
}

// Can fail only where the counter is full, and then the thread is woken already.
void RingQueue::wake() const { (void)::eventfd_write(wake_event_.get(), 1); }

void RingQueue::listen_for_wake() {
  io_uring_sqe& submission = next_submission();
  ::io_uring_prep_read(&submission, wake_event_.get(), &wake_count_, sizeof(wake_count_), 0);
  submission.user_data = kWakeTag;
}

void RingQueue::submit(RingEntry& entry, std::uint32_t command) {
  io_uring_sqe& submission = next_submission();
  ::io_uring_prep_rw(IORING_OP_URING_CMD, &submission, device_, nullptr, 0, 0);
  submission.cmd_op = command;
  submission.user_data = reinterpret_cast<std::uint64_t>(&entry);
  if (command == kernel::kRingRegister) {
    submission.addr = reinterpret_cast<std::uint64_t>(entry.pieces().data());
    submission.len = static_cast<std::uint32_t>(entry.pieces().size());
  }
  const kernel::RingCommand details{.flags = 0, .commit_id = entry.commit_id(), .queue = entry.queue(), .padding = {}};
  // The submissions of this ring are twice as long as the type (IORING_SETUP_SQE128).
  std::memcpy(reinterpret_cast<std::byte*>(&submission) + offsetof(io_uring_sqe, cmd), &details, sizeof(details));
}

io_uring_sqe& RingQueue::next_submission() {
  io_uring_sqe* submission = ::io_uring_get_sqe(ring_.get());
  while (submission == nullptr) {  // full: what is in it has to go first
    ::io_uring_submit(ring_.get());
    submission = ::io_uring_get_sqe(ring_.get());
  }
  return *submission;
}

}  // namespace reprieve::fs
