// SPDX-License-Identifier: Apache-2.0
// Trashing, restoring and the irrevocable part of emptying take the same time for a small tree and a large one.
#include <gtest/gtest.h>
#include <stdio.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using std::chrono::duration;
using std::chrono::milliseconds;
using Time = duration<double, std::milli>;

constexpr int kSmall = 10;
constexpr int kLarge = 20'000;

Time time_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::steady_clock::now() - start;
}

class ConstantTime : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    fill("Small", kSmall);
    fill("Large", kLarge);
  }

  void fill(const std::string& name, int files) const {
    const std::filesystem::path top = mount() / "projects" / name;
    std::filesystem::create_directory(top);
    for (int i = 0; i < files; ++i) {
      const std::filesystem::path folder = top / std::to_string(i / 500);
      if (i % 500 == 0) std::filesystem::create_directory(folder);
      write_file(folder / std::to_string(i), "x");
    }
  }

  // A linear cost would make the ratio 2000. One slow moment of the machine is forgiven.
  static void expect_same(const std::string& what, const std::function<Time(const std::string&)>& measure) {
    Time small{}, large{};
    for (int attempt = 0; attempt < 3; ++attempt) {
      small = measure("Small");
      large = measure("Large");
      if (large < small * 5 + milliseconds(10)) break;
    }
    EXPECT_LT(large.count(), (small * 5 + milliseconds(10)).count())
        << what << ": " << small.count() << " ms for " << kSmall << " files";
    std::printf("%-22s %8.2f ms for %d files, %8.2f ms for %d\n", what.c_str(), small.count(), kSmall, large.count(),
                kLarge);
  }
};

TEST_F(ConstantTime, MvIntoTheTrashAndBack) {
  const auto path = [this](const std::string& name) { return mount() / "projects" / name; };
  Time back{};
  const auto there_and_back = [&](const std::string& name) {
    const Time there = time_of([&] { ASSERT_EQ(::rename(path(name).c_str(), (trash() / name).c_str()), 0); });
    back = time_of([&] { ASSERT_EQ(::rename((trash() / name).c_str(), path(name).c_str()), 0); });
    return there;
  };
  expect_same("mv into .trash/", there_and_back);
  expect_same("mv out of .trash/", [&](const std::string& name) {
    there_and_back(name);
    return back;
  });
}

TEST_F(ConstantTime, OnTheSocket) {
  Time restore{};
  const auto there_and_back = [&](const std::string& name) {
    const std::string body = R"({"paths":["projects/)" + name + R"("]})";
    const Time there = time_of([&] { EXPECT_LT(http("POST", "/v1/trash", body).status, 300); });
    const std::string resource = "/v1/trash/" + id_of(name) + "/restore";
    restore = time_of([&] { EXPECT_LT(http("POST", resource, "{}").status, 300); });
    return there;
  };
  expect_same("POST /v1/trash", there_and_back);
  expect_same("POST .../restore", [&](const std::string& name) {
    there_and_back(name);
    return restore;
  });
  expect_same("POST /v1/empty", [&](const std::string& name) {
    if (!std::filesystem::exists(mount() / "projects" / name)) fill(name, name == "Small" ? kSmall : kLarge);
    succeed({"mv", mount() / "projects" / name, trash()});
    const HttpAnswer plan = http("POST", "/v1/empty/plan", R"({"filter":{"name":")" + name + R"("}})");
    const std::string body = R"({"token":")" + std::string(plan.body.at("token").as_string()) + R"("})";
    return time_of([&] { EXPECT_LT(http("POST", "/v1/empty", body).status, 300); });
  });
}

}  // namespace
}  // namespace reprieve::test
