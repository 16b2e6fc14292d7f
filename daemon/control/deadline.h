// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace reprieve::control {

// For whatever its owner waits for next. Belongs to the thread that runs the executor; what is armed dies with it.
class Deadline {
 public:
  explicit Deadline(const boost::asio::any_io_executor& executor) : timer_(executor) {}

  // Calls `expired` after that time, unless it is disarmed, or armed again, before: also where the timer has run out
  // already and its handler waits in the executor's queue.
  void arm(std::chrono::steady_clock::duration time, std::function<void()> expired) {
    const std::uint64_t number = ++*number_;
    timer_.expires_after(time);
    timer_.async_wait(
        [armed = std::weak_ptr(number_), number, expired = std::move(expired)](boost::system::error_code error) {
          const auto now = armed.lock();
          if (!error && now && *now == number) expired();
        });
  }
  void disarm() {
    ++*number_;
    timer_.cancel();
  }

 private:
  boost::asio::steady_timer timer_;
  const std::shared_ptr<std::uint64_t> number_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace reprieve::control
