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
#include "fs/fuse_api.h"
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

// May wait for a disk, or move so many bytes that the next in the queue should not wait for it.
bool is_slow(const fuse_in_header& header, const std::byte* operation) {
  const auto argument = [operation]<typename Argument>(Argument value) {
    std::memcpy(&value, operation, sizeof(value));
    return value;
  };
  switch (header.opcode) {
    case FUSE_READ:
    case FUSE_WRITE:
    case FUSE_FSYNC:
    case FUSE_FSYNCDIR:
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case FUSE_LSEEK: return true;
    case FUSE_SETATTR: return (argument(fuse_setattr_in{}).valid & FATTR_SIZE) != 0;
    default: return false;
  }
}

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

thread_local RingQueue::Entry* RingQueue::at_hand_ = nullptr;

void RingQueue::RingCloser::operator()(io_uring* ring) const {
  ::io_uring_queue_exit(ring);
  delete ring;  // NOLINT(cppcoreguidelines-owning-memory): this is the owner
}

void RingQueue::MemoryCloser::operator()(std::byte* memory) const { ::munmap(memory, size); }

RingQueue::RingQueue(unsigned processor, std::size_t payload_size, ServeRequest serve, SlowLane& slow)
    : processor_(processor),
      payload_size_(payload_size),
      serve_(std::move(serve)),
      slow_(slow),
      queues_(kDepth, static_cast<std::uint16_t>(processor)) {}

RingQueue::~RingQueue() { stop(); }

Result<std::unique_ptr<RingQueue>> RingQueue::make(unsigned processor, std::size_t payload_size, ServeRequest serve,
                                                   SlowLane& slow) {
  std::unique_ptr<RingQueue> queue(new RingQueue(processor, payload_size, std::move(serve), slow));
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
  entries_.resize(queues_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    std::byte* start = memory_.get() + i * each;
    entry.queue = queues_[i];
    entry.header = new (start) kernel::RingHeader{};
    entry.payload = start + kHeaderSpace;
    entry.pieces[0] = {.iov_base = entry.header, .iov_len = sizeof(kernel::RingHeader)};
    entry.pieces[1] = {.iov_base = entry.payload, .iov_len = payload_size_};
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
  for (Entry& entry : entries_) submit(entry, kernel::kRingRegister);
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
      receive(*reinterpret_cast<Entry*>(each.user_data));  // NOLINT(performance-no-int-to-ptr): as it was put in
    } else if (each.res == -ENOTCONN) {
      event = Event::over;  // the mount is gone, of which the reader of the channel hears too
    } else {
      spdlog::error("an entry of the ring was lost: {}", from_errno(-each.res, "fuse over io_uring").reason);
    }
  }
  return event;
}

void RingQueue::receive(Entry& entry) {
  fuse_in_header header{};
  std::memcpy(&header, entry.header->in_out, sizeof(header));
  entry.unique = header.unique;
  entry.answered = false;
  if (!is_slow(header, entry.header->operation)) {
    carry_out(entry, {scratch_.get(), kHeaderSpace + payload_size_});
    submit(entry, kernel::kRingCommitAndFetch);
    return;
  }
  slow_.post([this, &entry] {
    const std::size_t size = kHeaderSpace + entry.header->entry.payload_size;
    const auto scratch = std::make_unique_for_overwrite<std::byte[]>(size);
    carry_out(entry, {scratch.get(), size});
    hand_back(entry);
  });
}

void RingQueue::carry_out(Entry& entry, std::span<std::byte> scratch) const {
  fuse_in_header header{};
  std::memcpy(&header, entry.header->in_out, sizeof(header));
  // The kernel says how long header, operation and payload are together.
  const std::size_t payload = entry.header->entry.payload_size;
  const std::size_t fixed = header.len - std::min<std::size_t>(header.len, sizeof(header) + payload);
  if (fixed <= sizeof(entry.header->operation) && header.len <= scratch.size()) {
    std::byte* at = scratch.data();
    std::memcpy(at, entry.header->in_out, sizeof(header));
    std::memcpy(at + sizeof(header), entry.header->operation, fixed);
    std::memcpy(at + sizeof(header) + fixed, entry.payload, payload);
    at_hand_ = &entry;
    serve_(scratch.first(header.len));
    at_hand_ = nullptr;
  }
  if (entry.answered) return;
  // What a listing looked up in vain is forgotten by an ordinary request (fuse_force_forget, fs/fuse/readdir.c).
  const bool wants_no_answer = header.opcode == FUSE_FORGET || header.opcode == FUSE_BATCH_FORGET;
  if (!wants_no_answer) spdlog::error("bug: opcode={} was left unanswered", header.opcode);
  const fuse_out_header answer{.len = sizeof(answer), .error = wants_no_answer ? 0 : -EIO, .unique = entry.unique};
  std::memcpy(entry.header->in_out, &answer, sizeof(answer));
  entry.header->entry.payload_size = 0;
}

bool RingQueue::take_answer(const iovec* parts, int count) {
  Entry* entry = at_hand_;
  fuse_out_header header{};
  if (entry == nullptr || entry->answered || parts[0].iov_len != sizeof(header)) return false;
  std::memcpy(&header, parts[0].iov_base, sizeof(header));
  if (header.unique != entry->unique) return false;
  std::size_t size = 0;
  for (const iovec& part : std::span(parts, static_cast<std::size_t>(count)).subspan(1)) {
    if (size + part.iov_len > entry->pieces[1].iov_len) return false;
    std::memcpy(entry->payload + size, part.iov_base, part.iov_len);
    size += part.iov_len;
  }
  std::memcpy(entry->header->in_out, &header, sizeof(header));
  entry->header->entry.payload_size = static_cast<std::uint32_t>(size);
  entry->answered = true;
  return true;
}

void RingQueue::hand_back(Entry& entry) {
  {
    const MutexLock lock(mutex_);
    handed_back_.push_back(&entry);
  }
  wake();
}

void RingQueue::submit_handed_back() {
  std::vector<Entry*> answered;
  {
    const MutexLock lock(mutex_);
    answered.swap(handed_back_);
  }
  for (Entry* entry : answered) submit(*entry, kernel::kRingCommitAndFetch);
}

// Can fail only where the counter is full, and then the thread is woken already.
void RingQueue::wake() const { (void)::eventfd_write(wake_event_.get(), 1); }

void RingQueue::listen_for_wake() {
  io_uring_sqe& submission = next_submission();
  ::io_uring_prep_read(&submission, wake_event_.get(), &wake_count_, sizeof(wake_count_), 0);
  submission.user_data = kWakeTag;
}

void RingQueue::submit(Entry& entry, std::uint32_t command) {
  io_uring_sqe& submission = next_submission();
  ::io_uring_prep_rw(IORING_OP_URING_CMD, &submission, device_, nullptr, 0, 0);
  submission.cmd_op = command;
  submission.user_data = reinterpret_cast<std::uint64_t>(&entry);
  if (command == kernel::kRingRegister) {
    submission.addr = reinterpret_cast<std::uint64_t>(entry.pieces);
    submission.len = 2;
  }
  const kernel::RingCommand details{
      .flags = 0, .commit_id = entry.header->entry.commit_id, .queue = entry.queue, .padding = {}};
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
