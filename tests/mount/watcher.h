// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/command.h"

namespace reprieve::test {

// A `reprievectl watch` from the first event on, into a file.
class Watcher {
 public:
  Watcher(std::filesystem::path socket, std::filesystem::path output);

  // Once no more events come: ends it and compares with history, which has to be reachable again. It has told of every
  // event once, in their order. What was not so, empty for nothing.
  std::string finish();

 private:
  // That it has printed.
  [[nodiscard]] std::vector<std::int64_t> numbers() const;

  const std::filesystem::path socket_;
  const std::filesystem::path output_;
  ChildProcess process_;
};

}  // namespace reprieve::test
