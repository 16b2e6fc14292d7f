// SPDX-License-Identifier: Apache-2.0
#include "fs/herald.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "fs/herald_confinement.h"

namespace reprieve::fs {
namespace {

// Mounts that have a place in the child, which may not allocate.
constexpr std::size_t kMostMounts = 256;
// The largest notice: of a name of 255 bytes.
constexpr std::size_t kMostBytes = 512;

enum Kind : int { kAdd, kRemove, kTell };

struct Order {
  int kind;
  std::int64_t mount;
};

struct Place {
  std::int64_t mount = 0;
  int device = -1;
};

// What one message carries besides the order: a descriptor.
union Passing {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

// The child. Forked from a process that may have threads, so nothing here may allocate or take a lock.
class Child {
 public:
  explicit Child(int socket) : socket_(socket) {}

  [[noreturn]] void run() {
    while (serve_one()) {
    }
    ::_exit(0);
  }

 private:
  bool serve_one() {
    Order order{};
    std::array<std::byte, kMostBytes> notice{};
    std::array<iovec, 2> parts{iovec{&order, sizeof order}, iovec{notice.data(), notice.size()}};
    Passing passing{};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    message.msg_control = &passing;
    message.msg_controllen = sizeof passing;
    const ssize_t size = ::recvmsg(socket_, &message, 0);
    if (size < static_cast<ssize_t>(sizeof order)) return size < 0 && errno == EINTR;
    int device = -1;
    if (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr) {
      std::memcpy(&device, CMSG_DATA(part), sizeof device);
    }
    const char done = carry_out(order, device, notice.data(), static_cast<std::size_t>(size) - sizeof order) ? 1 : 0;
    return ::send(socket_, &done, 1, MSG_NOSIGNAL) == 1;
  }

  bool carry_out(const Order& order, int device, const std::byte* notice, std::size_t size) {
    Place* const place = find(order.kind == kAdd ? 0 : order.mount);
    if (order.kind == kAdd && place != nullptr) *place = {order.mount, device};
    if (order.kind == kRemove && place != nullptr) {
      ::close(place->device);
      *place = {};
    }
    if (order.kind == kTell && place != nullptr) {
      // Its result is of no use to anybody: ENOENT for what the kernel does not know.
      [[maybe_unused]] const ssize_t told = ::write(place->device, notice, size);
    }
    return place != nullptr;
  }

  Place* find(std::int64_t mount) {
    for (Place& place : places_) {
      if (place.mount == mount) return &place;
    }
    return nullptr;
  }

  const int socket_;
  std::array<Place, kMostMounts> places_{};
};

[[noreturn]] void become_herald(int socket) {
  // A terminal's interrupt is for the daemon, which ends this process by closing its end.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "reprieve-herald");
  // Above all the store's: its files may not be held open by somebody who does not know them.
  constexpr int kAtNumber = 3;
  if (socket != kAtNumber) ::dup2(socket, kAtNumber);
  ::syscall(SYS_close_range, kAtNumber + 1, ~0U, 0);
  confine_herald();
  Child(kAtNumber).run();
}

}  // namespace

Result<std::unique_ptr<Herald>> Herald::start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(from_errno(errno, "the herald's socket"));
  FileDescriptor own(ends[0]);
  const FileDescriptor its(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail(from_errno(errno, "the herald's process"));
  if (child == 0) become_herald(its.get());
  return std::unique_ptr<Herald>(new Herald(child, std::move(own)));
}

Herald::~Herald() {
  {
    const MutexLock lock(mutex_);
    socket_.reset();
  }
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void Herald::add(MountId mount, int device) { order(kAdd, mount, {}, device); }
void Herald::remove(MountId mount) { order(kRemove, mount, {}, -1); }
bool Herald::tell(MountId mount, std::span<const std::byte> notice) { return order(kTell, mount, notice, -1); }

bool Herald::order(int kind, MountId mount, std::span<const std::byte> notice, int device) {
  Order order{kind, mount.number()};
  std::array<iovec, 2> parts{iovec{&order, sizeof order}, iovec{const_cast<std::byte*>(notice.data()), notice.size()}};
  Passing passing{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (device >= 0) {
    message.msg_control = &passing;
    message.msg_controllen = sizeof passing;
    cmsghdr& part = *CMSG_FIRSTHDR(&message);
    part.cmsg_level = SOL_SOCKET;
    part.cmsg_type = SCM_RIGHTS;
    part.cmsg_len = CMSG_LEN(sizeof device);
    std::memcpy(CMSG_DATA(&part), &device, sizeof device);
  }
  const MutexLock lock(mutex_);
  char done = 0;
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) < 0) return false;
  while (::recv(socket_.get(), &done, 1, 0) < 0 && errno == EINTR) {
  }
  return done == 1;
}

}  // namespace reprieve::fs
