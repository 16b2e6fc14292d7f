// SPDX-License-Identifier: Apache-2.0
#include "fs/herald.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "fs/herald_confinement.h"

namespace reprieve::fs {
namespace {

// The largest notice: of a name of 255 bytes.
constexpr std::size_t kMostBytes = 512;
// Longer than it takes where nobody holds a lock up.
constexpr std::chrono::milliseconds kBriefly{10};
// Another thread may take the answer that one waits for.
constexpr std::chrono::milliseconds kOneLook{50};

// Where the child has its end of the socket and the mount's channel.
constexpr int kSocket = 3;
constexpr int kDevice = 4;

// The child. Forked from a process with threads, so nothing here may allocate or take a lock.
bool serve_one() {
  std::array<std::byte, kMostBytes> notice{};
  const ssize_t size = ::recv(kSocket, notice.data(), notice.size(), 0);
  if (size <= 0) return size < 0 && errno == EINTR;
  // Its result is of no use to anybody: ENOENT for what the kernel does not know.
  [[maybe_unused]] const ssize_t told = ::write(kDevice, notice.data(), static_cast<std::size_t>(size));
  const char done = 1;
  return ::send(kSocket, &done, sizeof done, MSG_NOSIGNAL) == sizeof done;
}

[[noreturn]] void become_herald(int socket, int device) {
  // A terminal's interrupt is for the daemon, which ends this process by closing its end.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE}) ::signal(number, SIG_IGN);
  ::prctl(PR_SET_NAME, "reprieve-herald");
  const int free_socket = ::fcntl(socket, F_DUPFD, kDevice + 1);
  const int free_device = ::fcntl(device, F_DUPFD, kDevice + 1);
  if (::dup2(free_socket, kSocket) < 0 || ::dup2(free_device, kDevice) < 0) ::_exit(1);
  // Above all the store's: its files may not be held open by somebody who does not know them.
  ::syscall(SYS_close_range, kDevice + 1, ~0U, 0);
  confine_herald();
  while (serve_one()) {
  }
  ::_exit(0);
}

bool is_readable(int socket, std::chrono::milliseconds limit) {
  pollfd event{.fd = socket, .events = POLLIN, .revents = 0};
  int count = 0;
  do count = ::poll(&event, 1, static_cast<int>(limit.count()));
  while (count < 0 && errno == EINTR);
  return count > 0;
}

}  // namespace

Herald::~Herald() {
  const MutexLock lock(mutex_);
  if (!is_free({})) return;  // it ends with its wait, and is reaped when the daemon has ended
  end_child();
}

Herald::Told Herald::tell(std::span<const std::byte> notice) {
  const MutexLock lock(mutex_);
  if (!is_free({})) return Told::not_sent;
  if (!socket_ && !start_child()) return Told::never;
  if (::send(socket_->get(), notice.data(), notice.size(), MSG_NOSIGNAL) < 0) {
    end_child();
    return Told::never;
  }
  waits_ = true;
  sent_ = std::chrono::steady_clock::now();
  if (!is_free(kBriefly)) return Told::sent;
  return socket_ ? Told::yes : Told::never;
}

bool Herald::wait_until_free(std::chrono::milliseconds limit) {
  for (;;) {
    std::shared_ptr<const FileDescriptor> socket;
    std::chrono::milliseconds left{};
    {
      const MutexLock lock(mutex_);
      if (is_free({})) return true;
      left = std::chrono::ceil<std::chrono::milliseconds>(sent_ + limit - std::chrono::steady_clock::now());
      if (given_up_ || left <= left.zero()) return false;
      socket = socket_;
    }
    is_readable(socket->get(), std::min(left, kOneLook));
  }
}

void Herald::give_up() {
  const MutexLock lock(mutex_);
  given_up_ = waits_;
  if (given_up_) ::shutdown(socket_->get(), SHUT_RDWR);
}

bool Herald::is_free(std::chrono::milliseconds limit) {
  if (!waits_) return true;
  if (given_up_ || !is_readable(socket_->get(), limit)) return false;
  char done = 0;
  const ssize_t size = ::recv(socket_->get(), &done, sizeof done, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;  // another thread's it was
  waits_ = false;
  if (size <= 0) end_child();
  return true;
}

bool Herald::start_child() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0) {
    auto own = std::make_shared<const FileDescriptor>(ends[0]);
    const FileDescriptor its(ends[1]);
    child_ = ::fork();
    if (child_ == 0) become_herald(its.get(), device_);
    if (child_ > 0) socket_ = std::move(own);
  }
  return socket_ != nullptr;
}

void Herald::end_child() {
  if (!socket_) return;
  socket_.reset();
  while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace reprieve::fs
