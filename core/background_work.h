// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/result.h"
#include "core/base/sync.h"

// Work that nobody waits for has nobody to report a failure to.
namespace reprieve {

// Hands failures of such work on to whoever logs them. Thread-safe.
class BackgroundFailures {
 public:
  using Listener = std::function<void(std::string_view work, const Error& why)>;

  // Who hears of them from now on, with no lock held; of the first that came before, too.
  void listen(const Listener& listener);
  void tell(std::string_view work, const Error& why);

 private:
  static constexpr std::size_t kMostKept = 16;
  struct Failure {
    std::string work;
    Error why;
  };
  Mutex mutex_;
  Listener listener_ REPRIEVE_GUARDED_BY(mutex_);
  std::vector<Failure> untold_ REPRIEVE_GUARDED_BY(mutex_);
};

// How one such work goes. Of failures in a row the first is told. Used by the thread that does it.
class Attempts {
 public:
  // `failures` must outlive it; `work` is a literal, what cannot be done, for people.
  Attempts(BackgroundFailures& failures, std::string_view work) : failures_(failures), work_(work) {}

  // How long to wait before the next attempt: longer from time to time.
  std::chrono::milliseconds failed(const Error& why);
  void succeeded() { in_a_row_ = 0; }
  // The same for either; none where nothing failed.
  template <typename Value>
  std::optional<std::chrono::milliseconds> after(const Result<Value>& outcome) {
    if (!outcome) return failed(outcome.error());
    succeeded();
    return std::nullopt;
  }

 private:
  BackgroundFailures& failures_;
  const std::string_view work_;
  unsigned in_a_row_ = 0;
};

}  // namespace reprieve
