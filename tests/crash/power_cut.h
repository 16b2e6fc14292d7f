// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/crash/disk_log.h"
#include "tests/crash/disk_states.h"
#include "tests/crash/workload.h"

namespace reprieve::test {

// A workload as it was carried out.
struct Recording {
  std::vector<DiskEvent> events;
  Journal journal;
};

// Carries out `operations` random ones on a store below `top`, which is made and removed.
Recording record(const std::filesystem::path& top, unsigned seed, std::size_t operations, Blobs blobs,
                 const std::set<std::string>& only = {});

// Crashes a recording at each of its events, opens what is left with the real store, and compares it with what was
// promised. Every crash is a killed process once, a disk that has lost all that it was not told to keep, and some disks
// that have lost any part of it.
class PowerCuts {
 public:
  // `directory` is where states are put. `variants` of the last kind.
  PowerCuts(std::filesystem::path directory, unsigned seed, unsigned variants);

  // Until one state is wrong, or `most` were looked at. False when one was: violation() says how.
  bool survive(const Recording& recording, std::size_t most);

  [[nodiscard]] const std::string& violation() const { return violation_; }
  // That were looked at and differ from each other.
  [[nodiscard]] std::size_t states() const { return contents_.size(); }

 private:
  // Where a crash comes: operations that were begun and answered.
  struct Moment {
    std::size_t event = 0;
    std::size_t begun = 0;
    std::size_t answered = 0;
  };
  bool survive_one(const DiskContent& content, Loss loss, const Moment& moment, const Journal& journal);
  std::string inspect(const std::filesystem::path& store, Loss loss, const Moment& moment, const Journal& journal);

  const std::filesystem::path directory_;
  std::mt19937 random_;
  const unsigned variants_;
  std::unordered_set<std::uint64_t> contents_;
  std::unordered_set<std::uint64_t> looked_at_;  // contents at moments
  std::string violation_;
};

}  // namespace reprieve::test
