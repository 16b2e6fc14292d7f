// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// Locks that clang's thread-safety analysis can check (-Wthread-safety, preset `clang`). std::mutex carries no
// annotations, so the analysis would see nothing without these wrappers. Other compilers ignore the attributes.
#if defined(__clang__)
#define REPRIEVE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define REPRIEVE_THREAD_ANNOTATION(x)
#endif
#define REPRIEVE_CAPABILITY(x) REPRIEVE_THREAD_ANNOTATION(capability(x))
#define REPRIEVE_SCOPED_CAPABILITY REPRIEVE_THREAD_ANNOTATION(scoped_lockable)
#define REPRIEVE_GUARDED_BY(x) REPRIEVE_THREAD_ANNOTATION(guarded_by(x))
#define REPRIEVE_REQUIRES(...) REPRIEVE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define REPRIEVE_ACQUIRE(...) REPRIEVE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define REPRIEVE_RELEASE(...) REPRIEVE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define REPRIEVE_EXCLUDES(...) REPRIEVE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define REPRIEVE_NO_THREAD_SAFETY_ANALYSIS REPRIEVE_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace reprieve {

class REPRIEVE_CAPABILITY("mutex") Mutex {
 public:
  void lock() REPRIEVE_ACQUIRE() { mutex_.lock(); }
  void unlock() REPRIEVE_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class REPRIEVE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) REPRIEVE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() REPRIEVE_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held. Spurious wake-ups happen: call from a loop over the condition.
class ConditionVariable {
 public:
  void wait(Mutex& mutex) REPRIEVE_REQUIRES(mutex) { condition_.wait(mutex); }
  // False when the time ran out.
  template <typename Rep, typename Period>
  bool wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> time) REPRIEVE_REQUIRES(mutex) {
    return condition_.wait_for(mutex, time) == std::cv_status::no_timeout;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace reprieve
