// SPDX-License-Identifier: Apache-2.0
#include "tests/control/terminal.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "core/base/file_descriptor.h"

namespace reprieve::test {
namespace {

[[noreturn]] void become(const std::vector<std::string>& arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setenv("TERM", "xterm", 1);
  std::vector<char*> raw;
  for (const std::string& argument : arguments) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  ::execvp(raw[0], raw.data());
  ::_exit(127);
}

}  // namespace

TerminalResult run_on_terminal(const std::vector<std::string>& arguments, const std::vector<std::string>& answers,
                               const std::string& prompt, std::chrono::seconds limit) {
  int master = -1;
  const pid_t child = ::forkpty(&master, nullptr, nullptr, nullptr);
  if (child == 0) become(arguments);
  const FileDescriptor terminal(master);
  TerminalResult result;
  std::size_t answered = 0;
  std::size_t seen = 0;
  const auto end = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < end) {
    pollfd waiting{.fd = terminal.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, 100) < 1) continue;
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(terminal.get(), bytes.data(), bytes.size());
    if (got <= 0) break;
    result.screen.append(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t asked = result.screen.find(prompt, seen);
    if (answered >= answers.size() || asked == std::string::npos) continue;
    seen = asked + prompt.size();
    const std::string line = answers[answered++] + "\n";
    if (::write(terminal.get(), line.data(), line.size()) < 0) break;
  }
  if (std::chrono::steady_clock::now() >= end) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace reprieve::test
