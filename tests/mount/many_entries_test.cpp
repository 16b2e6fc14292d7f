// SPDX-License-Identifier: Apache-2.0
// One directory with very many entries: made, listed while others rename, deleted as one item, restored, destroyed.
//
// REPRIEVE_ENTRIES says how many; a million takes minutes.
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/sanitized.h"
#include "tests/mount/mount_test.h"
#include "tests/mount/random/choices.h"

namespace reprieve::test {
namespace {

constexpr std::uint64_t kEntries = 50'000;
constexpr std::int64_t kMostDescriptors = 1000;
// What the daemon holds, and what the end of `rm -r` holds of each entry while it folds them.
constexpr std::int64_t kMostMib = 64;
constexpr std::int64_t kMostBytesAnEntry = 200;

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseStream>;

class ManyEntries : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    return {.configuration = std::string("[fuse]\npassthrough = \"") + GetParam() + "\"\n"};
  }

  [[nodiscard]] std::filesystem::path many() const { return project() / "many"; }
  [[nodiscard]] static std::string name_of(std::uint64_t number) { return "f" + std::to_string(number); }

  // Prints how long it took, and what the daemon holds, which must not grow with the entries.
  void step(const char* what, const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const std::int64_t mib = peak_mib();
    const std::int64_t descriptors = open_descriptors();
    std::cout << what << ": " << took.count() << " s, " << descriptors << " descriptors, " << mib << " MiB at most\n"
              << std::flush;
    if (!kSanitized) {
      EXPECT_LT(mib, kMostMib + static_cast<std::int64_t>(entries_) * kMostBytesAnEntry / (1 << 20)) << what;
    }
    EXPECT_LT(descriptors, kMostDescriptors) << what;
  }

  // The most memory that was the daemon's so far.
  [[nodiscard]] std::int64_t peak_mib() const {
    std::ifstream status("/proc/" + std::to_string(daemon_->pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) >> 10;
    }
    return -1;
  }

  [[nodiscard]] std::int64_t open_descriptors() const {
    const std::filesystem::path folder = "/proc/" + std::to_string(daemon_->pid()) + "/fd";
    return std::distance(std::filesystem::directory_iterator(folder), {});
  }

  void make_all() const {
    std::filesystem::create_directory(many());
    const FileDescriptor folder(::open(many().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (std::uint64_t i = 0; i < entries_; ++i) {
      struct stat status {};
      const FileDescriptor file(
          ::openat(folder.get(), name_of(i).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
      ASSERT_TRUE(file) << i << ": " << std::strerror(errno);
      ASSERT_EQ(::fstat(file.get(), &status), 0);
    }
  }

  void open_all() const {
    const FileDescriptor folder(::open(many().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (std::uint64_t i = 0; i < entries_; ++i) {
      struct stat status {};
      const std::string name = name_of(i);
      ASSERT_EQ(::fstatat(folder.get(), name.c_str(), &status, 0), 0) << i;
      ASSERT_TRUE(FileDescriptor(::openat(folder.get(), name.c_str(), O_RDONLY | O_CLOEXEC))) << i;
    }
  }

  [[nodiscard]] std::map<std::string, int> list() const {
    std::map<std::string, int> times;
    const Stream stream(::opendir(many().c_str()));
    EXPECT_TRUE(stream);
    while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr) ++times[entry->d_name];
    return times;
  }

  // Every name, the two dots among them, once. Those with a number that `skipped` divides may be missing.
  void expect_all_once(const std::map<std::string, int>& times, std::uint64_t skipped = 0) const {
    EXPECT_EQ(times.count(".") + times.count(".."), 2U);
    for (std::uint64_t i = 0; i < entries_; ++i) {
      if (skipped != 0 && i % skipped == 0) continue;
      const auto found = times.find(name_of(i));
      ASSERT_EQ(found == times.end() ? 0 : found->second, 1) << name_of(i);
    }
  }

  // Positions of a stream lead back to the same entries, in any order.
  void seek() {
    struct Position {
      long place = 0;
      std::string next;
    };
    std::vector<Position> positions;
    const Stream stream(::opendir(many().c_str()));
    ASSERT_TRUE(stream);
    const std::uint64_t stride = std::max<std::uint64_t>(entries_ / 500, 1);
    for (std::uint64_t i = 0; i < entries_; ++i) {
      const long place = ::telldir(stream.get());
      const dirent* entry = ::readdir(stream.get());
      ASSERT_NE(entry, nullptr) << i;
      if (i % stride == 0) positions.push_back({place, entry->d_name});
    }
    Choices choices(random_seed());
    for (int i = 0; i < 1000; ++i) {
      const Position& position = positions[choices.below(positions.size())];
      ::seekdir(stream.get(), position.place);
      const dirent* entry = ::readdir(stream.get());
      ASSERT_NE(entry, nullptr);
      ASSERT_EQ(entry->d_name, position.next);
    }
  }

  // Renames every hundredth there and back until it is told to end.
  void rename_some(const std::atomic<bool>& ended) const {
    while (!ended) {
      for (std::uint64_t i = 0; i < entries_ && !ended; i += kRenamed) {
        const std::string plain = many() / name_of(i);
        const std::string moved = many() / ("moved" + std::to_string(i));
        EXPECT_EQ(::rename(plain.c_str(), moved.c_str()), 0) << std::strerror(errno);
        EXPECT_EQ(::rename(moved.c_str(), plain.c_str()), 0) << std::strerror(errno);
      }
    }
  }

  void list_while_others_rename() const {
    std::atomic<bool> ended = false;
    std::thread renaming([&] { rename_some(ended); });
    for (int round = 0; round < 3; ++round) expect_all_once(list(), kRenamed);
    ended = true;
    renaming.join();
    expect_all_once(list());
  }

  void count(const std::string& line, std::uint64_t expected) const {
    const CommandResult result = shell(line, {.directory = many(), .limit = kPatience});
    EXPECT_EQ(result.out, std::to_string(expected) + "\n") << line << "\n" << result.describe();
  }

  static constexpr std::uint64_t kRenamed = 100;
  static constexpr std::chrono::seconds kPatience{3600};
  const std::uint64_t entries_ = from_environment("REPRIEVE_ENTRIES", kEntries);
};

TEST_P(ManyEntries, MadeListedDeletedRestoredDestroyed) {
  step("make", [&] { make_all(); });
  step("stat and open", [&] { open_all(); });
  step("readdir", [&] { expect_all_once(list()); });
  step("seekdir", [&] { seek(); });
  step("ls -U", [&] { count("ls -U | wc -l", entries_); });
  step("ls -l", [&] { count("ls -l | wc -l", entries_ + 1); });
  step("find", [&] { count("find . -type f -links 1 | wc -l", entries_); });
  step("readdir while others rename", [&] { list_while_others_rename(); });
  step("rm -r", [&] { EXPECT_EQ(run({"rm", "-r", many()}, {.limit = kPatience}).exit_code, 0); });
  ASSERT_EQ(trash_names(), std::vector<std::string>{"many"});
  step("list", [&] { EXPECT_EQ(item("many").files, static_cast<std::int64_t>(entries_)); });
  step("restore", [&] { ctl({"restore", id_of("many")}); });
  step("readdir again", [&] { expect_all_once(list()); });
  step("trash", [&] { ctl({"trash", "--yes", "projects/P/many"}); });
  step("empty", [&] {
    const CommandResult result = daemon_->ctl({"empty", "--yes", "--wait"}, {.limit = kPatience});
    EXPECT_EQ(result.exit_code, 0) << result.describe();
  });
  EXPECT_TRUE(trash_names().empty());
}

INSTANTIATE_TEST_SUITE_P(DataPath, ManyEntries, ::testing::Values("auto", "off"), [](const auto& parameters) {
  return std::string(parameters.param) == "off" ? "Splice" : "Passthrough";
});

}  // namespace
}  // namespace reprieve::test
