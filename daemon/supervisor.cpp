// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "daemon/confinement.h"
#include "daemon/inheritance.h"

namespace reprieve {
namespace {

using std::chrono::milliseconds;

// What is asked again of a daemon that died of it kills the next one at once.
constexpr milliseconds kServedAtAll{100};
constexpr unsigned kMostInARow = 20;
constexpr unsigned kAtOnce = 3;
constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{1000};

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START
constexpr std::size_t kMostInOneMessage = 16;

// The value of a line "KEY=VALUE" of sd_notify(3).
std::optional<std::string> value_of(const std::string& state, const std::string& key) {
  std::istringstream lines(state);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + '=')) return line.substr(key.size() + 1);
  }
  return std::nullopt;
}

// What of a notification is for whoever started the supervisor: its own descriptors are not.
std::string for_the_outside(const std::string& state) {
  std::string rest;
  std::istringstream lines(state);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("FD") && !line.starts_with("WATCHDOG")) rest += line + '\n';
  }
  return rest;
}

std::string describe(int status) {
  if (WIFEXITED(status)) return fmt::format("ended with status {}", WEXITSTATUS(status));
  return fmt::format("was killed by SIG{}", ::sigabbrev_np(WTERMSIG(status)));
}

}  // namespace

std::optional<milliseconds> RestartPolicy::after_death(std::optional<milliseconds> served) {
  in_a_row_ = served && *served >= kServedAtAll ? 0 : in_a_row_ + 1;
  if (in_a_row_ > kMostInARow) return std::nullopt;
  if (in_a_row_ <= kAtOnce) return milliseconds(0);
  return std::min(kLongestPause, kFirstPause * (1U << std::min(in_a_row_ - kAtOnce - 1, 8U)));
}

ExitCode Supervisor::run() {
  Result<void> started = prepare();
  if (started) started = spawn();
  if (!started) {
    spdlog::error("{}", reason_of(started.error()));
    return ExitCode::refused_or_failed;
  }
  for (;;) {
    int timeout = -1;
    if (restart_at_) {
      const auto left = std::chrono::ceil<milliseconds>(*restart_at_ - Clock::now());
      timeout = static_cast<int>(std::max<milliseconds::rep>(left.count(), 0));
    }
    std::array<pollfd, 2> events{pollfd{signals_.get(), POLLIN, 0}, pollfd{notifications_.get(), POLLIN, 0}};
    static_cast<void>(::poll(events.data(), events.size(), timeout));
    if (events[1].revents != 0) handle_notification();
    if (events[0].revents != 0) handle_signal();
    if (const auto code = handle_death()) return *code;
    pass_on_signals();
    if (!restart_at_ || (Clock::now() < *restart_at_ && !stopping_)) continue;
    restart_at_.reset();
    if (const auto spawned = spawn(); !spawned) {
      spdlog::error("{}", reason_of(spawned.error()));
      return give_up(ExitCode::refused_or_failed);
    }
  }
}

Result<void> Supervisor::prepare() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}) ::sigaddset(&set, number);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail(Errc::internal, "signals cannot be blocked");
  signals_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail(from_errno(errno, "signalfd"));
  // A later version that it starts may use rings for what is not to outlive it.
  confine(Part::supervisor, RingUse::possible);
  // For the heralds of daemons that died before them (fs/herald.h).
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail(from_errno(errno, "the supervisor"));
  return listen_for_notifications();
}

Result<void> Supervisor::listen_for_notifications() {
  notifications_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // Bound without a name it gets one that no other socket has, and no file (unix(7), "Autobind feature").
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t length = sizeof address.sun_family;
  const int on = 1;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (!notifications_ || ::bind(notifications_.get(), generic, length) != 0 ||
      ::setsockopt(notifications_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return fail(from_errno(errno, "the socket for notifications"));
  length = sizeof address;
  if (::getsockname(notifications_.get(), generic, &length) != 0)
    return fail(from_errno(errno, "the socket for notifications"));
  const std::size_t size = length - offsetof(sockaddr_un, sun_path);
  notify_name_ = "@" + std::string(&address.sun_path[1], size - 1);
  return {};
}

Result<void> Supervisor::spawn() {
  ready_.reset();
  const pid_t child = ::fork();
  if (child < 0) return fail(from_errno(errno, "the daemon's process"));
  if (child == 0) become_daemon();
  daemon_ = child;
  return {};
}

// In the child, of a process with one thread.
void Supervisor::become_daemon() const {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  // Out of the way of the numbers that they are to have.
  const int beyond = kFirstPassed + static_cast<int>(held_.size());
  std::vector<int> moved;
  std::string names;
  for (const auto& [name, descriptor] : held_) {
    moved.push_back(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, beyond));
    names += (names.empty() ? "" : ":") + name;
  }
  int number = kFirstPassed;
  for (const int descriptor : moved) ::dup2(descriptor, number++);

  ::setenv("NOTIFY_SOCKET", notify_name_.c_str(), 1);
  ::setenv("FDSTORE", "1024", 1);
  if (!held_.empty()) {
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(held_.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : arguments_) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(program_.c_str(), arguments.data());
  ::_exit(to_status(ExitCode::refused_or_failed));
}

void Supervisor::handle_signal() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
    const int number = static_cast<int>(signal.ssi_signo);
    if (number == SIGCHLD) continue;  // looked for after every wake-up
    const bool is_stop = number == SIGTERM || number == SIGINT;
    hurried_ = hurried_ || (stopping_ && is_stop);
    stopping_ = stopping_ || is_stop;
    // The next daemon does all else by starting.
    if (daemon_ >= 0 || is_stop) unsent_.insert(number);
  }
}

// Before it is ready a daemon dies of a signal.
void Supervisor::pass_on_signals() {
  if (daemon_ < 0 || !(ready_ || may_die_of_stop())) return;
  for (const int number : std::exchange(unsent_, {})) {
    replacing_ = replacing_ || number == SIGUSR1;
    ::kill(daemon_, number);
  }
}

// No more than there may be waiting (net.unix.max_dgram_qlen is 512 under systemd) of what the daemon sent before it
// died, and not for ever: anybody can send faster than this reads.
void Supervisor::handle_notification() {
  constexpr int kMostAtATime = 1024;
  for (int count = 0; count < kMostAtATime; ++count) {
    std::array<char, 4096> text{};
    iovec piece{.iov_base = text.data(), .iov_len = text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(kMostInOneMessage * sizeof(int))>
        control{};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(notifications_.get(), &message, MSG_CMSG_CLOEXEC);
    if (size < 0) return;
    std::vector<FileDescriptor> descriptors;
    pid_t sender = -1;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET) continue;
      if (part->cmsg_type == SCM_CREDENTIALS) {
        ucred peer{};
        std::memcpy(&peer, CMSG_DATA(part), sizeof peer);
        sender = peer.pid;
      } else if (part->cmsg_type == SCM_RIGHTS) {
        std::vector<int> numbers((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        std::memcpy(numbers.data(), CMSG_DATA(part), numbers.size() * sizeof(int));
        for (const int number : numbers) descriptors.emplace_back(number);
      }
    }
    // The address is no secret (proc_net(5), unix).
    if (sender > 0 && sender == daemon_)
      take_notification({text.data(), static_cast<std::size_t>(size)}, std::move(descriptors));
  }
}

void Supervisor::take_notification(const std::string& state, std::vector<FileDescriptor> descriptors) {
  const auto name = value_of(state, "FDNAME");
  if (value_of(state, "FDSTORE") && name && descriptors.size() == 1) held_[*name] = std::move(descriptors.front());
  if (value_of(state, "FDSTOREREMOVE") && name) held_.erase(*name);
  if (value_of(state, "READY")) {
    if (!ready_) ready_ = Clock::now();
    has_been_ready_ = true;
  }
  // Without anybody outside nothing happens.
  if (const std::string rest = for_the_outside(state); !rest.empty()) static_cast<void>(::sd_notify(0, rest.c_str()));
}

std::optional<ExitCode> Supervisor::handle_death() {
  int status = 0;
  std::optional<int> of_daemon;
  for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (ended == daemon_) of_daemon = status;
  }
  if (!of_daemon) return std::nullopt;
  handle_notification();  // what it sent before
  daemon_ = -1;
  return judge(*of_daemon);
}

// The first daemon has nothing to lose yet, and who stops one twice does not want to wait.
bool Supervisor::may_die_of_stop() const { return stopping_ && (hurried_ || !has_been_ready_); }

std::optional<ExitCode> Supervisor::judge(int status) {
  const bool ended = WIFEXITED(status);
  const auto code = static_cast<ExitCode>(ended ? WEXITSTATUS(status) : to_status(ExitCode::refused_or_failed));
  // What ends for good takes back what it had held; what is left is for the next one, whoever asked for that.
  const bool leaves = std::exchange(replacing_, false) || !held_.empty();
  if (leaves && ended && code == ExitCode::done && !stopping_) {
    restart_at_ = Clock::now();
    return std::nullopt;
  }
  // It said itself why; trying again would give the same answer.
  const bool by_itself = ended && (stopping_ || code == ExitCode::done || !has_been_ready_);
  if (by_itself || may_die_of_stop()) return give_up(code);
  // What it did last is still to be flushed, and its mounts are to be taken away.
  if (stopping_) unsent_.insert(SIGTERM);
  std::optional<milliseconds> served;
  if (ready_) served = std::chrono::floor<milliseconds>(Clock::now() - *ready_);
  const auto pause = policy_.after_death(served);
  if (!pause) {
    spdlog::critical("the daemon {} again and again; the mounts are taken away", describe(status));
    return give_up(ExitCode::refused_or_failed);
  }
  spdlog::error("the daemon {}; it is started again, and the mounts wait for it", describe(status));
  restart_at_ = Clock::now() + *pause;
  return std::nullopt;
}

ExitCode Supervisor::give_up(ExitCode code) {
  abandon_mounts();
  return code;
}

void Supervisor::abandon_mounts() {
  std::vector<service::Named> held;
  for (auto& [name, descriptor] : held_) held.push_back({name, std::move(descriptor)});
  held_.clear();
  auto left = service::sort(std::move(held));
  if (!left) return;
  take_up_unmounting();
  if (left->own_socket) service::remove_socket_file(left->own_socket->get());
  // Nobody can go on with them from here on, and calls that wait end.
  for (fs::Inherited& mount : left->mounts) mount.device.reset();
  service::abandon(left->mounts);
}

}  // namespace reprieve
