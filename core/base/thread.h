// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <system_error>
#include <thread>
#include <utility>

#include "core/base/result.h"

namespace reprieve {

// A thread that runs `run`. Limits on processes and memory are reasons why there is none (pthread_create(3), EAGAIN),
// which whoever starts others beside it has to clean up after. Callable from any thread.
template <typename Run>
Result<std::thread> start_thread(Run&& run) {
  try {
    return std::thread(std::forward<Run>(run));
  } catch (const std::system_error& failure) {
    return fail(from_errno(failure.code().value(), "no thread could be started"));
  }
}

}  // namespace reprieve
