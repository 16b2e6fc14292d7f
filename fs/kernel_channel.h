// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/base/caller.h"
#include "core/base/file_descriptor.h"
#include "core/base/result.h"
#include "fs/fuse_api.h"
#include "fs/kernel_abi.h"
#include "fs/request_form.h"

namespace reprieve::fs {

class MountRecord;
struct Dispatchers;

// The request that a thread carries out, as far as it matters to daemons that come after or came before this one.
struct Received {
  RequestMark request;  // number 0: no daemon is to come
  bool resent = false;  // a daemon before this one had it already
};

// One request as it came from the kernel; kept by a thread and used for one after the other.
//
// Its memory is there before the first request and stays so. Where a killed daemon still takes a request, the kernel
// does not fault in a page for it any more, and fails the request with EIO instead of keeping it for the next daemon
// (fuse_dev_do_read, fs/fuse/dev.c; __get_user_pages, mm/gup.c). For the same reason no child process shares it: a page
// that is shared is copied by a fault.
class RequestBuffer {
 public:
  // std::bad_alloc.
  RequestBuffer();
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;
  ~RequestBuffer();

  // The greatest request that is taken: kMostData with its headers, for which the kernel asks (fuse_dev_do_read).
  static constexpr std::size_t kSize = kMostData + 4096;

 private:
  friend class KernelChannel;
  fuse_buf buffer_{};
};

// A libfuse session over a descriptor of ours, so that the exchange that opens it can be amended: libfuse 3.14 does not
// know every flag of INIT that this file system needs. Thread-safe, except that INIT is handled by one thread alone,
// as the kernel sends nothing else before it is answered.
class KernelChannel {
 public:
  enum class Event : std::uint8_t { request, interrupted, gone };

  struct Options {
    // Flags of INIT (kernel_abi.h) to answer with, of those that the kernel offers.
    std::uint64_t wanted = 0;
    // For mount_with_helper().
    std::string source;
    bool allow_other = false;
    // Where INIT is kept for the daemon after this one, or was by the one before; null where there is none.
    MountRecord* record = nullptr;
  };

  // `operations` see the channel as their userdata. io.
  static Result<std::unique_ptr<KernelChannel>> open(const fuse_lowlevel_ops& operations, Options options);
  ~KernelChannel();
  KernelChannel(const KernelChannel&) = delete;
  KernelChannel& operator=(const KernelChannel&) = delete;

  // What the session talks over: a descriptor that is mounted already, or one that fusermount3(1) mounts. Once.
  Result<void> adopt(FileDescriptor device);
  Result<void> mount_with_helper(const std::filesystem::path& mountpoint);
  // Goes on with a mount of the daemon before this one: the first request is the INIT in the record, and the kernel,
  // which has its answer, is not answered again. Once, instead of adopt(). invalid_argument: that daemon got no INIT.
  Result<void> resume(FileDescriptor device);

  // The one cast of userdata.
  static KernelChannel& of(void* userdata) { return *static_cast<KernelChannel*>(userdata); }
  // Who carries requests out. Set before the first one.
  void serve(Dispatchers& dispatchers) { dispatchers_ = &dispatchers; }
  [[nodiscard]] Dispatchers& dispatchers() const { return *dispatchers_; }
  // Called by the thread that answered INIT, right after, with the flags that the kernel offered.
  void on_initialised(std::function<void(std::uint64_t offered)> callback) { on_initialised_ = std::move(callback); }

  // Whether requests come by io_uring. Known while INIT is carried out and after.
  [[nodiscard]] bool by_ring() const { return (options_.wanted & offered_ & kernel::kInitOverIoUring) != 0; }

  // Waits for a request. `interrupted` by a signal.
  Event receive(RequestBuffer& buffer);
  // `lane`: see RequestMark; a thread has one of its own.
  void process(RequestBuffer& buffer, std::uint32_t lane);
  // The same with a request that came another way (RingQueue), whose thread is answered through there.
  void process(std::span<std::byte> request);

  [[nodiscard]] int descriptor() const;
  // Of the request that the calling thread carries out.
  [[nodiscard]] static const Received& in_hand();

  // Once INIT is done: whether it was answered as the daemon before this one had answered it. The kernel goes by that.
  [[nodiscard]] bool same_terms() const { return same_terms_; }
  // Whether the kernel sends anew what a daemon that was killed had not answered.
  [[nodiscard]] bool can_resend() const { return (offered_ & kernel::kInitHasResend) != 0; }
  // Has it do so. io.
  Result<void> resend_unanswered();
  // All names that the kernel knows are asked for again before they are believed. not_supported before Linux 6.16.
  Result<void> drop_all_names();

  // False when the kernel does not know the node, and so has nothing to drop.
  bool drop_attributes(fuse_ino_t node);

 private:
  explicit KernelChannel(Options options) : options_(std::move(options)) {}
  Result<void> use(int device);

  // To libfuse, if it can take it; else answers EIO.
  void hand_on(const fuse_buf& request);
  static ssize_t read(int fd, void* buffer, std::size_t size, void* userdata);
  static ssize_t writev(int fd, iovec* parts, int count, void* userdata);
  void note_init(const void* request, std::size_t size);
  ssize_t answer_init(int fd, const iovec* parts, int count);
  Result<void> notify(std::int32_t code);  // of one that has nothing but its code

  struct SessionCloser {
    void operator()(fuse_session* session) const;
  };

  const Options options_;
  std::unique_ptr<fuse_session, SessionCloser> session_;
  bool mounted_by_helper_ = false;
  Dispatchers* dispatchers_ = nullptr;
  std::function<void(std::uint64_t)> on_initialised_;

  // Of the exchange of INIT; not touched once `initialised_`.
  std::uint64_t init_unique_ = 0;
  std::uint64_t offered_ = 0;
  bool replaying_ = false;
  bool same_terms_ = true;
  std::atomic<bool> initialised_{false};
  std::atomic<bool> announced_{false};
};

}  // namespace reprieve::fs
