// SPDX-License-Identifier: Apache-2.0
// Loaded before the C library: lets $FEW_THREADS threads be started, and then says what a limit on processes does.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* with) {
  static std::atomic<int> left{std::atoi(std::getenv("FEW_THREADS"))};
  if (left.fetch_sub(1) <= 0) return EAGAIN;
  static const auto real = reinterpret_cast<decltype(&pthread_create)>(::dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, attributes, run, with);
}
