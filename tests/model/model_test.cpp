// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>

#include "tests/model/case_run.h"

namespace reprieve::test {
namespace {

// How many sequences, unless $RC_PARAMS says otherwise ("seed=… max_success=…"). A failing run prints what to set to
// see it again.
constexpr const char* kCases = "max_success=1000";
// Times the size that rapidcheck asks for, which grows up to 100.
constexpr double kSteps = 4;

void check_case(const std::vector<Step>& steps, bool keep_replaced) {
  CaseRun run(keep_replaced);
  try {
    constexpr std::size_t kBetweenComparisons = 25;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      run.run(steps[i]);
      if (i % kBetweenComparisons == kBetweenComparisons - 1) run.compare();
    }
    run.finish();
  } catch (const std::exception& difference) {
    RC_FAIL(std::string(difference.what()) + "\nafter:\n" + run.transcript());
  }
}

TEST(Model, CoreAgreesWithAPlainTree) {
  ::setenv("RC_PARAMS", kCases, 0);
  // Hundreds of stores are made and removed: none needs to survive a power cut.
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  EXPECT_TRUE(rc::check("core agrees with a plain tree", [] {
    const auto steps = *rc::gen::scale(kSteps, rc::gen::container<std::vector<Step>>(any_step()));
    check_case(steps, *rc::gen::weightedElement<bool>({{4, true}, {1, false}}));
  }));
}

}  // namespace
}  // namespace reprieve::test
