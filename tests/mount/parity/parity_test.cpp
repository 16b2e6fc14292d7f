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
  for (auto* part : {directory_cases, open_cases, removal_cases, rename_cases, link_cases, attribute_cases, xattr_cases,
                     data_cases, mapping_cases, lock_cases, name_cases, permission_cases, time_cases, acl_cases,
                     late_cases, matrix_cases, kind_cases, flag_combination_cases, fault_cases})
    std::ranges::move(part(), std::back_inserter(all));
  return all;
}

void prepare(const Case& played, const std::filesystem::path& directory) {
  if (!played.prepare) return;
  Transcript transcript(directory);
  played.prepare(transcript);
}

std::vector<std::string> play(const Case& played, const std::filesystem::path& directory) {
  Transcript transcript(directory);
  played.calls(transcript);
  return transcript.lines();
}

std::filesystem::path fresh(const std::filesystem::path& place, std::size_t number) {
  const std::filesystem::path path = place / ("case" + std::to_string(number));
  std::filesystem::create_directory(path);
  return path;
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

  [[nodiscard]] std::vector<std::filesystem::path> places() const {
    return {daemon_->mount() / "projects", daemon_->mount() / "runs", deep_};
  }

  // Each case in a fresh directory of each place.
  void play_in_all(const std::vector<Case>& cases) const {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::vector<std::string> native = play(cases[i], fresh(native_, i));
      for (const auto& place : places()) {
        const std::string difference = compare(native, play(cases[i], fresh(place, i)));
        EXPECT_TRUE(difference.empty()) << "case '" << cases[i].name << "' in " << place << "\n" << difference;
      }
    }
  }

  // Each case in one of the places in turn, all prepared before the first is played.
  void play_in_turn(const std::vector<Case>& cases) const {
    std::vector<std::filesystem::path> native;
    std::vector<std::filesystem::path> mounted;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      native.push_back(fresh(native_, i));
      mounted.push_back(fresh(places()[i % places().size()], i));
      prepare(cases[i], native.back());
      prepare(cases[i], mounted.back());
    }
    Transcript::let_clock_tick();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const std::string difference = compare(play(cases[i], native[i]), play(cases[i], mounted[i]));
      EXPECT_TRUE(difference.empty()) << "case '" << cases[i].name << "' in " << mounted[i] << "\n" << difference;
    }
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  std::filesystem::path native_;
  std::filesystem::path deep_;
};

TEST_P(Parity, SameAsNative) {
  const auto& group = std::get<CaseGroup>(GetParam());
  group.places == Places::all ? play_in_all(group.cases) : play_in_turn(group.cases);
  EXPECT_TRUE(daemon_->running());
}

TEST(ParityTable, HasThousandsOfCases) {
  std::size_t cases = 0;
  for (const CaseGroup& group : all_groups()) cases += group.cases.size();
  std::cout << cases << " cases\n";
  EXPECT_GE(cases, 2000U);
}

// The ways in which requests and data come: data past the daemon and requests by io_uring, data past it and requests
// through the device, both through the device.
std::vector<Mode> all_modes() {
  return {{"Passthrough", "[fuse]\npassthrough = \"auto\"\n"},
          {"Device", "[fuse]\npassthrough = \"auto\"\nio_uring = \"off\"\n"},
          {"Splice", "[fuse]\npassthrough = \"off\"\n"}};
}

INSTANTIATE_TEST_SUITE_P(Table, Parity,
                         ::testing::Combine(::testing::ValuesIn(all_modes()), ::testing::ValuesIn(all_groups())),
                         [](const auto& parameters) {
                           return std::get<Mode>(parameters.param).name + "_" +
                                  std::get<CaseGroup>(parameters.param).name;
                         });

}  // namespace
}  // namespace reprieve::test
