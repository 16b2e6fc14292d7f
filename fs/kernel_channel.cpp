// SPDX-License-Identifier: Apache-2.0
#include "fs/kernel_channel.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <numeric>
#include <string_view>

#include "fs/late_requests.h"
#include "fs/mount_record.h"
#include "fs/ring_entry.h"

namespace reprieve::fs {
namespace {

spdlog::level::level_enum log_level(fuse_log_level level) {
  switch (level) {
    case FUSE_LOG_EMERG:
    case FUSE_LOG_ALERT:
    case FUSE_LOG_CRIT: return spdlog::level::critical;
    case FUSE_LOG_ERR: return spdlog::level::err;
    case FUSE_LOG_WARNING: return spdlog::level::warn;
    case FUSE_LOG_NOTICE:
    case FUSE_LOG_INFO: return spdlog::level::info;
    case FUSE_LOG_DEBUG: return spdlog::level::debug;
  }
  return spdlog::level::info;
}

__attribute__((format(printf, 2, 0))) void log_of_libfuse(fuse_log_level level, const char* format, va_list arguments) {
  std::array<char, 512> line{};
  const int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length <= 0) return;
  std::string_view text(line.data());
  while (text.ends_with('\n')) text.remove_suffix(1);
  spdlog::log(log_level(level), "{}", text);
}

ssize_t splice_any(int in, off_t* in_offset, int out, off_t* out_offset, std::size_t size, unsigned flags, void*) {
  return ::splice(in, in_offset, out, out_offset, size, flags);
}

// The options of libfuse's own mount, for fusermount3(1).
struct Arguments {
  Arguments() : list(FUSE_ARGS_INIT(0, nullptr)) {}
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
  ~Arguments() { ::fuse_opt_free_args(&list); }

  bool add(const char* argument) { return ::fuse_opt_add_arg(&list, argument) == 0; }
  // "-o OPTION" with the commas in it escaped.
  bool add_option(const std::string& option) {
    char* escaped = nullptr;
    const bool added = ::fuse_opt_add_opt_escaped(&escaped, option.c_str()) == 0 && add("-o") && add(escaped);
    std::free(escaped);
    return added;
  }
  fuse_args list;
};

// Handlers run deep inside libfuse 3.14, which tells nobody the number of a request.
thread_local Received in_hand_of_thread;

// Whether the kernel, which got `before`, may be served as after `now`.
bool same(const kernel::InitOut& before, const kernel::InitOut& now) {
  return before.flags == now.flags && before.flags2 == now.flags2 && before.max_write == now.max_write &&
         before.max_stack_depth == now.max_stack_depth && before.time_gran == now.time_gran;
}

}  // namespace

RequestBuffer::RequestBuffer() {
  constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  void* const memory = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, kPrivate, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  ::madvise(memory, kSize, MADV_DONTFORK);
  buffer_.mem = memory;
}

RequestBuffer::~RequestBuffer() { ::munmap(buffer_.mem, kSize); }

void KernelChannel::SessionCloser::operator()(fuse_session* session) const { ::fuse_session_destroy(session); }

Result<std::unique_ptr<KernelChannel>> KernelChannel::open(const fuse_lowlevel_ops& operations, Options options) {
  ::fuse_set_log_func(log_of_libfuse);
  std::unique_ptr<KernelChannel> channel(new KernelChannel(std::move(options)));
  Arguments arguments;
  bool complete = arguments.add("reprieve") && arguments.add_option("default_permissions") &&
                  arguments.add_option("subtype=reprieve") &&
                  arguments.add_option("fsname=" + channel->options_.source);
  if (channel->options_.allow_other) complete = complete && arguments.add_option("allow_other");
  if (!complete) return fail(Errc::out_of_memory);
  channel->session_.reset(::fuse_session_new(&arguments.list, &operations, sizeof(operations), channel.get()));
  if (channel->session_ == nullptr) return fail(Errc::io, "libfuse could not make a session");
  return channel;
}

KernelChannel::~KernelChannel() {
  // Frees what libfuse keeps of its mount; it sees that the kernel's side is gone, or detaches it.
  if (mounted_by_helper_) ::fuse_session_unmount(session_.get());
}

Result<void> KernelChannel::adopt(FileDescriptor device) {
  REPRIEVE_TRY_VOID(use(device.get()));
  (void)device.release();  // fuse_session_destroy() closes it
  return {};
}

Result<void> KernelChannel::resume(FileDescriptor device) {
  if (options_.record->init().empty() || !options_.record->answer())
    return fail(Errc::invalid_argument, "the record of a mount knows of no INIT");
  replaying_ = true;
  return adopt(std::move(device));
}

Result<void> KernelChannel::mount_with_helper(const std::filesystem::path& mountpoint) {
  if (::fuse_session_mount(session_.get(), mountpoint.c_str()) != 0) {
    return fail(Errc::access_denied, mountpoint.string() + ": fusermount3 could not mount here");
  }
  mounted_by_helper_ = true;
  return use(descriptor());
}

Result<void> KernelChannel::use(int device) {
  fuse_custom_io io{};
  io.read = &KernelChannel::read;
  io.writev = &KernelChannel::writev;
  struct stat kind {};
  if (::fstat(device, &kind) == 0 && S_ISCHR(kind.st_mode)) {
    // Only the real device takes an answer in pieces; a socket would make packets of them.
    io.splice_receive = &splice_any;
    io.splice_send = &splice_any;
  }
  const int result = ::fuse_session_custom_io(session_.get(), &io, device);
  if (result != 0) return fail(from_errno(-result, "fuse session"));
  return {};
}

int KernelChannel::descriptor() const { return ::fuse_session_fd(session_.get()); }

KernelChannel::Event KernelChannel::receive(RequestBuffer& buffer) {
  const int result = ::fuse_session_receive_buf(session_.get(), &buffer.buffer_);
  if (result > 0) return Event::request;
  if (result == -EINTR || result == -EAGAIN) return Event::interrupted;
  if (result < 0 && result != -ENODEV) {
    spdlog::error("reading from the kernel failed: {}", from_errno(-result, "/dev/fuse").reason);
  }
  return Event::gone;
}

const Received& KernelChannel::in_hand() { return in_hand_of_thread; }

void KernelChannel::process(RequestBuffer& buffer, std::uint32_t lane) {
  if (options_.record != nullptr && buffer.buffer_.size >= sizeof(fuse_in_header)) {
    fuse_in_header header{};
    std::memcpy(&header, buffer.buffer_.mem, sizeof(header));
    in_hand_of_thread = {.request = {.number = header.unique & ~kernel::kResent, .lane = lane},
                         .resent = (header.unique & kernel::kResent) != 0};
  }
  hand_on(buffer.buffer_);
  if (!announced_.load(std::memory_order_relaxed) && initialised_.load(std::memory_order_relaxed)) {
    announced_.store(true, std::memory_order_relaxed);
    if (on_initialised_) on_initialised_(offered_);
  }
}

void KernelChannel::process(std::span<std::byte> request) {
  late::translate(request.data(), request.size());
  const fuse_buf buffer{.size = request.size(), .flags = fuse_buf_flags(0), .mem = request.data(), .fd = -1, .pos = 0};
  hand_on(buffer);
}

void KernelChannel::hand_on(const fuse_buf& request) {
  const std::span bytes(static_cast<const std::byte*>(request.mem), request.size);
  if (is_well_formed(bytes)) return ::fuse_session_process_buf(session_.get(), &request);
  fuse_in_header header{};
  if (bytes.size() < sizeof(header)) return;
  std::memcpy(&header, bytes.data(), sizeof(header));
  spdlog::error("a malformed request: opcode={} length={} of {}", header.opcode, bytes.size(), header.len);
  if (!wants_answer(header.opcode)) return;
  fuse_out_header answer{.len = sizeof(answer), .error = -EIO, .unique = header.unique};
  const iovec part{.iov_base = &answer, .iov_len = sizeof(answer)};
  if (!RingEntry::take_answer(&part, 1)) (void)::writev(descriptor(), &part, 1);
}

ssize_t KernelChannel::read(int fd, void* buffer, std::size_t size, void* userdata) {
  KernelChannel& channel = of(userdata);
  if (channel.replaying_ && !channel.initialised_.load(std::memory_order_relaxed)) {
    const std::span<const std::byte> init = channel.options_.record->init();
    std::memcpy(buffer, init.data(), std::min(size, init.size()));
    channel.note_init(buffer, init.size());
    return static_cast<ssize_t>(init.size());
  }
  // libfuse takes `buffer` to be as large as its own are.
  const ssize_t got = ::read(fd, buffer, std::min(size, RequestBuffer::kSize));
  if (got == 0 || (got < 0 && errno == ECONNRESET)) {  // a socket's way to say what /dev/fuse calls ENODEV
    errno = ENODEV;
    return -1;
  }
  if (got > 0 && !channel.initialised_.load(std::memory_order_relaxed)) {
    channel.note_init(buffer, static_cast<std::size_t>(got));
  }
  if (got > 0) late::translate(buffer, static_cast<std::size_t>(got));
  return got;
}

ssize_t KernelChannel::writev(int fd, iovec* parts, int count, void* userdata) {
  KernelChannel& channel = of(userdata);
  if (!channel.initialised_.load(std::memory_order_relaxed)) return channel.answer_init(fd, parts, count);
  if (!RingEntry::take_answer(parts, count)) return ::writev(fd, parts, count);
  return std::transform_reduce(parts, parts + count, ssize_t{0}, std::plus<>(),
                               [](const iovec& part) { return static_cast<ssize_t>(part.iov_len); });
}

void KernelChannel::note_init(const void* request, std::size_t size) {
  struct {
    fuse_in_header header;
    fuse_init_in init;
  } packet{};
  if (size < sizeof(packet)) return;  // a kernel without FUSE_INIT_EXT, which offers none of the flags
  std::memcpy(&packet, request, sizeof(packet));
  if (packet.header.opcode != FUSE_INIT) return;
  init_unique_ = packet.header.unique;
  offered_ = packet.init.flags;
  if ((offered_ & kernel::kInitExt) != 0) offered_ |= std::uint64_t{packet.init.flags2} << 32;
  if (options_.record != nullptr && !replaying_) {
    options_.record->keep_init({static_cast<const std::byte*>(request), size});
  }
}

ssize_t KernelChannel::answer_init(int fd, const iovec* parts, int count) {
  fuse_out_header header{};
  kernel::InitOut init{};
  if (parts[0].iov_len == sizeof(header)) std::memcpy(&header, parts[0].iov_base, sizeof(header));
  const bool is_init = count == 2 && header.error == 0 && header.unique == init_unique_ && init_unique_ != 0 &&
                       parts[1].iov_len == sizeof(init);
  if (!is_init) {
    // A kernel of another major version is answered twice, and one too old for the flags with less.
    const ssize_t written = ::writev(fd, parts, count);
    if (written > 0 && header.error == 0 && offered_ == 0) initialised_.store(true, std::memory_order_release);
    return written;
  }
  std::memcpy(&init, parts[1].iov_base, sizeof(init));
  const std::uint64_t flags = options_.wanted & offered_;
  init.flags |= static_cast<std::uint32_t>(flags);
  if ((offered_ & kernel::kInitExt) != 0 && (flags >> 32) != 0) {
    init.flags |= static_cast<std::uint32_t>(kernel::kInitExt);
    init.flags2 |= static_cast<std::uint32_t>(flags >> 32);
    if ((flags & kernel::kInitPassthrough) != 0) init.max_stack_depth = kernel::kMaxStackDepth;
  }
  if (replaying_) {
    same_terms_ = same(*options_.record->answer(), init);
    initialised_.store(true, std::memory_order_release);
    return static_cast<ssize_t>(sizeof(header) + sizeof(init));
  }
  // Before the kernel has it: one that was not answered after all sends INIT again.
  if (options_.record != nullptr) options_.record->keep_answer(init);
  std::array<iovec, 2> amended{parts[0], iovec{.iov_base = &init, .iov_len = sizeof(init)}};
  const ssize_t written = ::writev(fd, amended.data(), static_cast<int>(amended.size()));
  if (written > 0) initialised_.store(true, std::memory_order_release);
  return written;
}

Result<void> KernelChannel::notify(std::int32_t code) {
  // libfuse 3.14 has no call for these. A notification is an answer to no request, its code in place of an error
  // (fuse_dev_do_write, fs/fuse/dev.c).
  const fuse_out_header header{.len = sizeof(header), .error = code, .unique = 0};
  if (::write(descriptor(), &header, sizeof(header)) == static_cast<ssize_t>(sizeof(header))) return {};
  return fail(from_errno(errno, "notifying the kernel"));
}

Result<void> KernelChannel::resend_unanswered() { return notify(kernel::kNotifyResend); }

Result<void> KernelChannel::drop_all_names() { return notify(kernel::kNotifyIncreaseEpoch); }

bool KernelChannel::drop_attributes(fuse_ino_t node) {
  return ::fuse_lowlevel_notify_inval_inode(session_.get(), node, -1, 0) != -ENOENT;
}

}  // namespace reprieve::fs
