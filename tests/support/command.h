// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

struct CommandOptions {
  std::filesystem::path directory{};                               // to run in; empty: where the test runs
  std::vector<std::pair<std::string, std::string>> environment{};  // added to the test's own
  std::string input{};
  std::optional<uid_t> user{};  // and group of the same number
  std::chrono::seconds limit{60};
};

struct CommandResult {
  int exit_code = -1;  // 128 + signal for a killed command
  std::string out;
  std::string err;
  // Everything, for a failed assertion.
  [[nodiscard]] std::string describe() const;
};

// A program that runs beside the test. It dies with the test and is killed on destruction. Its input is `input` or
// nothing, never a terminal.
class ChildProcess {
 public:
  // Output goes to `output` when that is not empty, else it is kept for finish().
  ChildProcess(const std::vector<std::string>& arguments, CommandOptions options = {},
               const std::filesystem::path& output = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool running();
  void signal(int number);
  // Readable when the process has ended (pidfd_open(2)).
  [[nodiscard]] int ended_descriptor() const { return pidfd_.get(); }
  // Waits for the end, reading the output. Killed with exit code 128 + SIGKILL when the limit runs out.
  CommandResult finish();

 private:
  void collect(std::chrono::steady_clock::time_point end);
  void reap();

  CommandOptions options_;
  pid_t pid_ = -1;
  FileDescriptor pidfd_;
  FileDescriptor out_;
  FileDescriptor err_;
  FileDescriptor input_;
  CommandResult result_;
  bool reaped_ = false;
};

// Runs a program to its end. arguments[0] is found through $PATH.
CommandResult run(const std::vector<std::string>& arguments, CommandOptions options = {});
// Runs a line of shell.
CommandResult shell(const std::string& line, CommandOptions options = {});
// Whether $PATH has the program.
bool has_program(const std::string& name);

}  // namespace reprieve::test
