// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <functional>
#include <stdexcept>

namespace reprieve::test {

// Runs it with a stack that is too small for one call a level of a tree that is thousands deep. It may not throw.
inline void on_small_stack(const std::function<void()>& run) {
  constexpr std::size_t kStack = std::size_t{256} << 10;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStack);
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  std::function<void()> copy = run;
  const int error = pthread_create(&thread, &attributes, start, &copy);
  pthread_attr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("no thread");
  pthread_join(thread, nullptr);
}

}  // namespace reprieve::test
