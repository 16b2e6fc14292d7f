// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/watcher.h"

#include <signal.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <functional>
#include <utility>

#include "tests/support/wait.h"

namespace reprieve::test {

Watcher::Watcher(std::filesystem::path socket, std::filesystem::path output)
    : socket_(std::move(socket)),
      output_(std::move(output)),
      process_({REPRIEVECTL_PATH, "--socket", socket_, "watch", "--json", "--since", "0"}, {}, output_) {}

std::vector<std::int64_t> Watcher::numbers() const {
  std::vector<std::int64_t> numbers;
  std::ifstream lines(output_);
  for (std::string line; std::getline(lines, line) && !lines.eof();)
    numbers.push_back(boost::json::parse(line).at("seq").to_number<std::int64_t>());
  return numbers;
}

std::string Watcher::finish() {
  const CommandResult told = run({REPRIEVECTL_PATH, "--socket", socket_, "history", "--json", "--limit", "10000"});
  if (told.exit_code != 0) return told.describe();
  std::vector<std::int64_t> happened;
  const auto history = boost::json::parse(told.out);
  for (const auto& event : history.at("items").as_array())
    happened.push_back(event.at("seq").to_number<std::int64_t>());
  if (happened.empty()) return "nothing has happened";
  std::ranges::sort(happened);
  const auto has_heard = [&] {
    const auto heard = numbers();
    return !heard.empty() && heard.back() >= happened.back();
  };
  std::string wrong;
  if (!wait_until(has_heard)) wrong += "the last event was not told\n";
  process_.signal(SIGINT);
  const CommandResult ended = process_.finish();
  if (ended.exit_code != 0) wrong += ended.describe();
  const auto heard = numbers();
  if (std::ranges::adjacent_find(heard, std::greater_equal{}) != heard.end()) wrong += "told twice, or out of order\n";
  // More than history has are deletions that were told before they were folded.
  if (!std::ranges::includes(heard, happened)) wrong += "some events were not told\n";
  return wrong;
}

}  // namespace reprieve::test
