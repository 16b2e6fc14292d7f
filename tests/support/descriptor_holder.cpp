// SPDX-License-Identifier: Apache-2.0
#include "tests/support/descriptor_holder.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <system_error>

namespace reprieve::test {
namespace {

constexpr int kFirstPassed = 3;

}  // namespace

DescriptorHolder::DescriptorHolder(std::vector<std::string> command, std::filesystem::path log)
    : command_(std::move(command)), log_(std::move(log)) {
  notifications_ = FileDescriptor(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  address_ = log_.string() + ".notify";
  if (address_.size() >= sizeof address.sun_path) throw std::length_error("the test directory's path is too long");
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (::bind(notifications_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), address_);
}

DescriptorHolder::~DescriptorHolder() {
  kill();
  // What it mounted goes with its descriptors; the dead mount is left to nobody.
  held_.clear();
}

bool DescriptorHolder::start(std::chrono::seconds limit) {
  ready_ = false;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) become_daemon();
    ::_exit(127);
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!ready_ && std::chrono::steady_clock::now() < end) {
    pollfd event{notifications_.get(), POLLIN, 0};
    ::poll(&event, 1, 10);
    receive();
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return false;
    }
  }
  return ready_;
}

void DescriptorHolder::become_daemon() const {
  const int log = ::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  std::vector<int> moved;
  std::string names;
  const int beyond = kFirstPassed + static_cast<int>(held_.size());
  for (const auto& [name, descriptor] : held_) {
    moved.push_back(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, beyond));
    names += (names.empty() ? "" : ":") + name;
  }
  int number = kFirstPassed;
  for (const int descriptor : moved) ::dup2(descriptor, number++);
  ::setenv("NOTIFY_SOCKET", address_.c_str(), 1);
  if (!held_.empty()) {
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", std::to_string(held_.size()).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command_) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
}

void DescriptorHolder::receive() {
  for (;;) {
    std::array<char, 4096> text{};
    iovec piece{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(notifications_.get(), &message, MSG_CMSG_CLOEXEC);
    if (size < 0) return;
    FileDescriptor descriptor;
    if (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr && part->cmsg_type == SCM_RIGHTS) {
      int passed = -1;
      std::memcpy(&passed, CMSG_DATA(part), sizeof passed);
      descriptor = FileDescriptor(passed);
    }
    std::istringstream lines(std::string(text.data(), static_cast<std::size_t>(size)));
    std::set<std::string> words;
    std::string name;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("FDNAME=")) name = line.substr(7);
      words.insert(line);
    }
    ready_ = ready_ || words.contains("READY=1");
    if (words.contains("FDSTORE=1") && descriptor) held_[name] = std::move(descriptor);
    if (words.contains("FDSTOREREMOVE=1")) held_.erase(name);
  }
}

void DescriptorHolder::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait();
}

int DescriptorHolder::stop() {
  ::kill(pid_, SIGTERM);
  return wait();
}

int DescriptorHolder::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  receive();
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::set<std::string> DescriptorHolder::held() {
  receive();
  std::set<std::string> names;
  for (const auto& [name, descriptor] : held_) names.insert(name);
  return names;
}

}  // namespace reprieve::test
