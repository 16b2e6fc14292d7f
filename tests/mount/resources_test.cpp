// SPDX-License-Identifier: Apache-2.0
// What the daemon takes of the machine: no processor time when idle, little memory whatever the number of files.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <fstream>
#include <sstream>

#include "core/base/sanitized.h"
#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

class Resources : public MountTest {
 protected:
  // Processor time of all threads so far.
  [[nodiscard]] std::chrono::nanoseconds used() const {
    std::int64_t sum = 0;
    const std::filesystem::path tasks = "/proc/" + std::to_string(daemon_->pid()) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::int64_t nanoseconds = 0;
      std::ifstream(task.path() / "schedstat") >> nanoseconds;
      sum += nanoseconds;
    }
    return std::chrono::nanoseconds(sum);
  }

  [[nodiscard]] std::int64_t resident_kib() const {
    std::ifstream status("/proc/" + std::to_string(daemon_->pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::stoll(line.substr(6));
    }
    return -1;
  }
};

TEST_F(Resources, AnIdleDaemonUsesNoProcessor) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer has threads of its own, which wake by themselves";
  write_file(project() / "f", "f");
  succeed({"rm", project() / "f"});
  ASSERT_EQ(items().size(), 1U);
  // What was written is flushed within a few seconds; after that nothing may happen.
  constexpr auto kWindow = std::chrono::milliseconds(1500);
  std::chrono::nanoseconds least = std::chrono::hours(1);
  for (int window = 0; window < 10 && least > std::chrono::nanoseconds(0); ++window) {
    const auto before = used();
    ::poll(nullptr, 0, static_cast<int>(kWindow.count()));
    least = std::min(least, used() - before);
  }
  EXPECT_EQ(least.count(), 0) << "nanoseconds in a window of 1.5 s";
}

TEST_F(Resources, MemoryStaysSmall) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps what was freed";
  constexpr int kFiles = 30'000;
  for (int i = 0; i < kFiles; ++i) {
    const std::filesystem::path folder = project() / "many" / std::to_string(i / 300);
    if (i % 300 == 0) std::filesystem::create_directories(folder);
    write_file(folder / ("file" + std::to_string(i)), "");
  }
  EXPECT_LT(resident_kib(), 64 << 10) << "after creating";
  succeed({"find", project(), "-ls"});
  EXPECT_LT(resident_kib(), 64 << 10) << "after walking";
  succeed({"rm", "-r", project() / "many"});
  EXPECT_LT(resident_kib(), 64 << 10) << "after deleting";
  EXPECT_EQ(item("many").files, kFiles);
  EXPECT_LT(resident_kib(), 64 << 10) << "after counting";
  ctl({"empty", "--yes"});
  EXPECT_LT(resident_kib(), 64 << 10) << "after emptying";
}

}  // namespace
}  // namespace reprieve::test
