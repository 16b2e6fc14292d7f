// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace reprieve::fs {

// Looks for the next request for a few microseconds before a thread goes to sleep for it.
//
// A client that asks for one thing after the other is back sooner than an idle processor wakes up (ARCHITECTURE.md,
// decision 10). Looking in vain takes time from others, so the more often it was in vain, the longer it is not tried
// again; a daemon that nobody asks anything sleeps. Used by one thread.
class EagerWait {
 public:
  // Returns as soon as `device` has a request, or when it is time to sleep for one.
  void before_read(int device);

 private:
  unsigned skip_ = 0;     // reads until it is tried again
  unsigned penalty_ = 0;  // reads to skip after the last time in vain; 0 once it was worth it
};

}  // namespace reprieve::fs
