// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ostream>
#include <thread>

#include "daemon/control/protocol/resources.h"
#include "daemon/ctl/text.h"

namespace reprieve::ctl {
namespace {

constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::milliseconds kPatience{500};  // what ends sooner needs no bar
constexpr std::size_t kBarWidth = 30;

}  // namespace

double share_of(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
}

std::string progress_bar(double part) {
  const auto filled = static_cast<std::size_t>(std::floor(part * static_cast<double>(kBarWidth)));
  std::string percent = std::to_string(static_cast<int>(std::floor(part * 100)));
  percent.insert(0, 3 - std::min<std::size_t>(3, percent.size()), ' ');
  return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "] " + percent + "%";
}

std::string progress_line(const protocol::Progress& progress) {
  const double part = std::min(share_of(progress.done, progress.total), share_of(progress.bytes, progress.bytes_total));
  return progress_bar(part) + "  " + human_bytes(progress.bytes) + " of " + human_bytes(progress.bytes_total) + "  " +
         human_bytes(progress.rate) + "/s";
}

Outcome<void> follow(Client& client, std::int64_t operation, Screen& screen) {
  bool drawn = false;
  std::string told;
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const auto answer = client.get(with_id(protocol::kOperationResource, operation));
    if (!answer) return give_up(answer.error());
    const auto progress = protocol::Progress::parse(answer->body);
    // An operation that is known no more has ended.
    const bool ended = answer->refused() || progress.state == protocol::word::kDone;
    if (drawn) screen.err << kEraseLine;
    if (ended) break;
    if (progress.held_up != told) {
      told = progress.held_up;
      if (!told.empty()) screen.complain("the space is not given back yet, and it is tried again: " + told);
    }
    if (screen.can_animate && std::chrono::steady_clock::now() - start >= kPatience) {
      screen.err << progress_line(progress) << std::flush;
      drawn = true;
    }
    std::this_thread::sleep_for(kPause);
  }
  screen.err.flush();
  return {};
}

}  // namespace reprieve::ctl
