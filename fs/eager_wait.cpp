// SPDX-License-Identifier: Apache-2.0
#include "fs/eager_wait.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <chrono>

namespace reprieve::fs {
namespace {

using std::chrono::steady_clock;

// About what it takes to wake a thread on an idle processor of a virtual machine.
constexpr std::chrono::microseconds kPatience{50};
constexpr unsigned kMostSkipped = 256;

bool arrives_soon(int device) {
  const auto end = steady_clock::now() + kPatience;
  pollfd request{.fd = device, .events = POLLIN, .revents = 0};
  do {
    // An error counts as arrived: the read reports it.
    if (::poll(&request, 1, 0) != 0) return true;
    // The client itself may wait for this processor.
    ::sched_yield();
  } while (steady_clock::now() < end);
  return false;
}

}  // namespace

void EagerWait::before_read(int device) {
  if (skip_ > 0) {
    --skip_;
  } else if (arrives_soon(device)) {
    penalty_ = 0;
  } else {
    penalty_ = std::clamp(2 * penalty_, 1U, kMostSkipped);
    skip_ = penalty_;
  }
}

}  // namespace reprieve::fs
