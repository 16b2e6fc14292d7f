// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/crash/disk_calls.h"

namespace reprieve::test {

// One way in which a disk, SQLite or memory fails, or does not do all at once, which must not be noticed.
struct Fault {
  std::string_view name;
  std::set<DiskCall> at;               // the calls that can fail so
  int value;                           // the errno, or SQLite's code
  std::set<std::string_view> answers;  // the codes that core may report it with
  bool goes_on = false;                // every later call fails as well
  bool in_part = false;                // reads and writes half of what is asked for; no error

  [[nodiscard]] bool is_error() const { return !answers.empty(); }
};

const std::vector<Fault>& all_faults();

// Counts the calls that this thread makes, and makes one of them fail. What is made by other threads is left alone, or
// the other way round.
class FaultPoints final : public DiskObserver {
 public:
  enum class Threads : std::uint8_t { this_one, others };
  FaultPoints(const std::filesystem::path& store, Threads threads);
  ~FaultPoints() override;
  FaultPoints(const FaultPoints&) = delete;
  FaultPoints& operator=(const FaultPoints&) = delete;

  // From now on the call number `point`, from 0 on, that can fail so does. Only calls that have `words` in the path
  // below the store, or in the statement, count; empty: all.
  void arm(const Fault& fault, std::size_t point, const std::string& words = {});
  // Nothing fails any more. How many calls that can fail so there were since arm().
  std::size_t disarm();
  [[nodiscard]] bool has_failed() const { return has_failed_; }

  // How many there were so far.
  [[nodiscard]] std::size_t count() const { return count_; }

  // Called before the call number `point` that changes a file, from 0 on.
  void at_change(std::size_t point, std::function<void()> then);
  // The same of any call.
  void at_call(std::size_t point, std::function<void()> then);

  // Defects to plant: a statement that is not carried out, though it is said to be.
  std::atomic<const char*> forgotten_statement{nullptr};

  std::int64_t around(const DiskRequest& request, const std::function<std::int64_t()>& real) override;

 private:
  struct Armed {
    Fault fault;
    std::string words;
  };
  // The fault that is met.
  [[nodiscard]] const Fault* fails(const DiskRequest& request);
  static std::int64_t do_half(const DiskRequest& request, const std::function<std::int64_t()>& real);

  const std::thread::id main_ = std::this_thread::get_id();
  const Threads threads_;
  std::list<Armed> kept_;  // other threads may still look at what was armed before
  std::atomic<const Armed*> armed_{nullptr};
  std::atomic<std::size_t> point_{0};
  std::atomic<std::size_t> count_{0};
  std::atomic<bool> has_failed_{false};
  std::size_t change_ = 0;
  std::function<void()> then_;
  std::size_t call_ = 0;
  std::function<void()> then_at_call_;
};

}  // namespace reprieve::test
