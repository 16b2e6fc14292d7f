// SPDX-License-Identifier: Apache-2.0
#include "tests/support/command.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace reprieve::test {
namespace {

[[noreturn]] void raise_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) raise_errno("pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Runs in the child between fork and exec.
[[noreturn]] void become(const std::vector<std::string>& arguments, const CommandOptions& options, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  if (options.user) {
    const uid_t user = *options.user;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 || ::setresuid(user, user, user) != 0)
      ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // cleared by the change of ids
  }
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  ::execvp(raw[0], raw.data());
  ::_exit(127);
}

// Appends what is there; false at the end of the stream.
bool drain(int descriptor, std::string& into) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR;
  into.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace

std::string CommandResult::describe() const {
  return "exit " + std::to_string(exit_code) + "\nstdout: " + out + "\nstderr: " + err;
}

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, CommandOptions options,
                           const std::filesystem::path& output)
    : options_(std::move(options)) {
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  if (!output.empty()) {
    out.write = FileDescriptor(::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    err.write = FileDescriptor(::fcntl(out.write.get(), F_DUPFD_CLOEXEC, 3));
  }
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) raise_errno("fork");
  if (pid_ == 0) {
    ::dup2(in.read.get(), STDIN_FILENO);
    ::dup2(out.write.get(), STDOUT_FILENO);
    ::dup2(err.write.get(), STDERR_FILENO);
    become(arguments, options_, parent);
  }
  pidfd_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  out_ = std::move(out.read);
  err_ = std::move(err.read);
  if (!options_.input.empty()) {
    // Inputs are small: they fit into the pipe.
    if (::write(in.write.get(), options_.input.data(), options_.input.size()) < 0) raise_errno("write");
  }
}

ChildProcess::~ChildProcess() {
  if (reaped_) return;
  ::kill(pid_, SIGKILL);
  reap();
}

void ChildProcess::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  result_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  reaped_ = true;
}

bool ChildProcess::running() {
  if (reaped_) return false;
  pollfd waiting{pidfd_.get(), POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 0;
}

void ChildProcess::signal(int number) {
  if (!reaped_) ::kill(pid_, number);
}

void ChildProcess::collect(std::chrono::steady_clock::time_point end) {
  std::array<pollfd, 2> streams{pollfd{out_.get(), POLLIN, 0}, pollfd{err_.get(), POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return;
    if (::poll(streams.data(), streams.size(), static_cast<int>(left.count())) < 0 && errno != EINTR) return;
    if (streams[0].revents != 0 && !drain(streams[0].fd, result_.out)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !drain(streams[1].fd, result_.err)) streams[1].fd = -1;
  }
}

CommandResult ChildProcess::finish() {
  if (reaped_) return result_;
  const auto end = std::chrono::steady_clock::now() + options_.limit;
  collect(end);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  pollfd ended{pidfd_.get(), POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) != 1) {
    ::kill(pid_, SIGKILL);
    result_.err += "\n(killed: the time limit ran out)";
  }
  reap();
  return result_;
}

CommandResult run(const std::vector<std::string>& arguments, CommandOptions options) {
  return ChildProcess(arguments, std::move(options)).finish();
}

CommandResult shell(const std::string& line, CommandOptions options) {
  return run({"/bin/sh", "-c", line}, std::move(options));
}

bool has_program(const std::string& name) { return shell("command -v " + name).exit_code == 0; }

}  // namespace reprieve::test
