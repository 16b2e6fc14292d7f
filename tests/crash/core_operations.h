// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/unit/volume.h"

namespace reprieve::test {

// A store with something of everything in it, open. `lab` owns it, `ben` has projects/shared of it.
class Bench {
 public:
  // Makes one at `store`, which is not there.
  static void make(const std::filesystem::path& store);
  // Opens it, or a copy.
  explicit Bench(const std::filesystem::path& store);

  [[nodiscard]] Volume& volume() { return volume_; }
  [[nodiscard]] FileSystem& core() { return volume_.core(); }
  [[nodiscard]] const Account& lab() const { return volume_.account(); }
  [[nodiscard]] const Account& ben() const { return ben_; }

 private:
  Volume volume_;
  Account ben_;

 public:
  // For an operation that needs something before it, which is no part of it. Goes before the volume.
  std::string token{};
  std::unique_ptr<CreatedFile> unnamed{};
};

// One thing that core can be asked for. On a fresh Bench it succeeds.
struct CoreOperation {
  std::string_view name;
  // What of the outside leads here: operations of FUSE (fs/operations.cpp) and handlers of the control socket
  // (daemon/control/routes.cpp), separated by spaces.
  std::string_view serves;
  // Carries it out. The code of a failure, "" where there was none.
  std::string (*run)(Bench& bench);
  void (*prepare)(Bench& bench) = [](Bench&) {};
};

// All of them. FaultPoints.EveryOperationIsInTheTable fails for what is missing.
std::span<const CoreOperation> core_operations();

}  // namespace reprieve::test
