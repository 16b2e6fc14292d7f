// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace reprieve::test {

struct TerminalResult {
  int exit_code = -1;
  std::string screen;  // everything that was shown, with what the terminal echoed
};

// Runs a program on a terminal of its own. Each answer is typed when the program has printed its prompt: text that ends
// in `prompt`.
TerminalResult run_on_terminal(const std::vector<std::string>& arguments, const std::vector<std::string>& answers,
                               const std::string& prompt = "[y/N] ",
                               std::chrono::seconds limit = std::chrono::seconds(20));

}  // namespace reprieve::test
