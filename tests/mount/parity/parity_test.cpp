// SPDX-License-Identifier: Apache-2.0
// The table of system calls, made on the mount and on a native directory: same values, same errno, same attributes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <sstream>

#include "tests/mount/parity/cases.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::test {
namespace {

std::vector<CaseGroup> all_groups() {
  std::vector<CaseGroup> all;
  for (auto* part :
       {directory_cases, open_cases, removal_cases, rename_cases, link_cases, attribute_cases, xattr_cases, data_cases,
        mapping_cases, lock_cases, name_cases, permission_cases, time_cases, acl_cases, late_cases, matrix_cases})
    std::ranges::move(part(), std::back_inserter(all));
  return all;
}

std::vector<std::string> play(const Case& played, const std::filesystem::path& directory) {
  Transcript transcript(directory);
  played.calls(transcript);
  return transcript.lines();
}

// The lines up to the first that differs, and both forms of that.
std::string compare(const std::vector<std::string>& native, const std::vector<std::string>& mounted) {
  if (native == mounted) return {};
  std::ostringstream text;
  for (std::size_t i = 0; i < std::max(native.size(), mounted.size()); ++i) {
    const std::string expected = i < native.size() ? native[i] : "(nothing)";
    const std::string actual = i < mounted.size() ? mounted[i] : "(nothing)";
    if (expected != actual) {
      text << "native: " << expected << "\nmount:  " << actual << "\n";
      break;
    }
    text << "        " << expected << "\n";
  }
  return text.str();
}

struct Mode {
  std::string name;
  std::string configuration;
};

// NOLINTNEXTLINE(readability-identifier-naming)
void PrintTo(const Mode& mode, std::ostream* out) { *out << mode.name; }

class Parity : public ::testing::TestWithParam<std::tuple<Mode, CaseGroup>> {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    daemon_ = std::make_unique<DaemonProcess>(
        directory_.path(),
        DaemonOptions{.configuration = std::get<Mode>(GetParam()).configuration, .allow_other = true});
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
    ::umask(022);
    native_ = directory_.path() / "native";
    deep_ = daemon_->mount() / "projects/Deep/one/two/three/four";
    std::filesystem::create_directory(native_);
    std::filesystem::create_directories(deep_);
  }

  // In a fresh directory of each place.
  void expect_same(const Case& played, std::size_t number, Places where) const {
    const std::string name = "case" + std::to_string(number);
    const auto fresh = [&](const std::filesystem::path& place) {
      std::filesystem::create_directory(place / name);
      return place / name;
    };
    const std::vector<std::string> native = play(played, fresh(native_));
    std::vector<std::filesystem::path> places{daemon_->mount() / "projects", daemon_->mount() / "runs", deep_};
    if (where == Places::one) places = {places[number % places.size()]};
    for (const auto& place : places) {
      const std::string difference = compare(native, play(played, fresh(place)));
      EXPECT_TRUE(difference.empty()) << "case '" << played.name << "' in " << place << "\n" << difference;
    }
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::filesystem::path native_;
  std::filesystem::path deep_;
};

TEST_P(Parity, SameAsNative) {
  const auto& group = std::get<CaseGroup>(GetParam());
  for (std::size_t i = 0; i < group.cases.size(); ++i) expect_same(group.cases[i], i, group.places);
  EXPECT_TRUE(daemon_->running());
}

TEST(ParityTable, HasThousandsOfCases) {
  std::size_t cases = 0;
  for (const CaseGroup& group : all_groups()) cases += group.cases.size();
  std::cout << cases << " cases\n";
  EXPECT_GE(cases, 2000U);
}

std::vector<Mode> both_modes() {
  return {{"Passthrough", "[fuse]\npassthrough = \"auto\"\n"}, {"Splice", "[fuse]\npassthrough = \"off\"\n"}};
}

INSTANTIATE_TEST_SUITE_P(Table, Parity,
                         ::testing::Combine(::testing::ValuesIn(both_modes()), ::testing::ValuesIn(all_groups())),
                         [](const auto& parameters) {
                           return std::get<Mode>(parameters.param).name + "_" +
                                  std::get<CaseGroup>(parameters.param).name;
                         });

}  // namespace
}  // namespace reprieve::test
