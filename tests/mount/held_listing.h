// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <thread>

#include "core/base/file_descriptor.h"

namespace reprieve::test {

// A listing of a directory that the kernel has the answer to, and is kept from dealing with: the program that lists has
// given it memory which is not there, and which nobody provides before release() (userfaultfd(2)).
class HeldListing {
 public:
  // Returns when the answer has come.
  explicit HeldListing(const std::filesystem::path& directory);
  ~HeldListing();
  HeldListing(const HeldListing&) = delete;
  HeldListing& operator=(const HeldListing&) = delete;

  // Returns when the kernel has dealt with it. Idempotent.
  void release();

 private:
  FileDescriptor faults_;
  void* memory_ = nullptr;
  std::thread reader_;
};

}  // namespace reprieve::test
