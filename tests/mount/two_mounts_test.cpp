// SPDX-License-Identifier: Apache-2.0
// Two accounts at one shared project through a mount each: what one does the other sees with its next call.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "core/base/file_descriptor.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

int done(int result) { return result < 0 ? errno : 0; }

int look(const fs::path& path) {
  struct stat status {};
  return done(::lstat(path.c_str(), &status));
}

std::set<std::string> names_in(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename());
  return names;
}

// These run as root, who may enter all mounts and whom modes do not stop; roles do.
class TwoMounts : public SharingTest {
 protected:
  void SetUp() override {
    SharingTest::SetUp();
    if (IsSkipped() || !daemon_) return;
    run_as(kAda, "mkdir '" + (projects(kAda) / "P").string() + "'");
    share("P", "editor");
  }
  [[nodiscard]] fs::path ada(const std::string& below = {}) const { return projects(kAda) / "P" / below; }
  [[nodiscard]] fs::path bob(const std::string& below = {}) const { return projects(kBob) / "P" / below; }
};

TEST_F(TwoMounts, EntriesAttributesAndDataAreThereWithTheNextCall) {
  for (const auto& [here, there] : {std::pair(ada(), bob()), std::pair(bob(), ada())}) {
    for (int round = 0; round < 50; ++round) {
      // Everything that the other kernel could have remembered.
      EXPECT_EQ(look(there / "f"), ENOENT);
      static_cast<void>(names_in(there));
      write_file(here / "f", "one");
      EXPECT_EQ(read_file(there / "f"), "one");
      EXPECT_TRUE(names_in(there).contains("f"));
      write_file(here / "f", "three");
      struct stat status {};
      ASSERT_EQ(::stat((there / "f").c_str(), &status), 0);
      EXPECT_EQ(status.st_size, 5);
      EXPECT_EQ(read_file(there / "f"), "three");
      ASSERT_EQ(::chmod((here / "f").c_str(), 0600), 0);
      ASSERT_EQ(::stat((there / "f").c_str(), &status), 0);
      EXPECT_EQ(status.st_mode & 07777U, 0600U);
      ASSERT_EQ(::rename((here / "f").c_str(), (here / "g").c_str()), 0);
      EXPECT_EQ(look(there / "f"), ENOENT);
      EXPECT_EQ(read_file(there / "g"), "three");
      ASSERT_EQ(::unlink((ada() / "g").c_str()), 0);
      EXPECT_EQ(look(there / "g"), ENOENT);
      EXPECT_EQ(look(here / "g"), ENOENT);
      EXPECT_FALSE(names_in(there).contains("g"));
    }
  }
}

TEST_F(TwoMounts, TheSameInodeUnderBothNames) {
  write_file(ada("f"), "x");
  struct stat at_home {};
  struct stat away {};
  ASSERT_EQ(::stat(ada("f").c_str(), &at_home), 0);
  ASSERT_EQ(::stat(bob("f").c_str(), &away), 0);
  EXPECT_EQ(at_home.st_ino, away.st_ino);
  EXPECT_EQ(away.st_uid, kBob);
  // bob's own things are where a shared project of that name would be.
  run_as(kAda, "mkdir '" + (projects(kAda) / "Q").string() + "'");
  run_as(kBob, "mkdir '" + (projects(kBob) / "Q").string() + "'");
  share("Q", "viewer");
  EXPECT_EQ(look(projects(kBob) / "Q~2"), 0);
}

TEST_F(TwoMounts, MappedAndOpenFilesAreOne) {
  write_file(ada("f"), std::string(4096, 'a'));
  const FileDescriptor here(::open(ada("f").c_str(), O_RDWR | O_CLOEXEC));
  const FileDescriptor there(::open(bob("f").c_str(), O_RDWR | O_CLOEXEC));
  for (char byte = 'b'; byte < 'z'; ++byte) {
    char seen = 0;
    ASSERT_EQ(::pwrite(here.get(), &byte, 1, 17), 1);
    ASSERT_EQ(::pread(there.get(), &seen, 1, 17), 1);
    EXPECT_EQ(seen, byte);
    ASSERT_EQ(::ftruncate(there.get(), 4096 + byte), 0);
    struct stat status {};
    ASSERT_EQ(::fstat(here.get(), &status), 0);
    EXPECT_EQ(status.st_size, 4096 + byte);
  }
}

// Some names in a shared project, and what they must hold. Each change is made and checked under one lock, so that
// every answer has one right value; the readers beside them only may not meet an error that cannot be.
class Interleaving {
 public:
  Interleaving(fs::path ada, fs::path bob, fs::path ada_trash)
      : views_{std::move(ada), std::move(bob)}, ada_trash_(std::move(ada_trash)) {}

  void change(std::mt19937& random) {
    const std::lock_guard lock(mutex_);
    const fs::path& here = views_[random() % 2];
    const fs::path& there = views_[random() % 2];
    const std::string name = "n" + std::to_string(random() % 12);
    switch (random() % 5) {
      case 0:
      case 1: write(here, name); break;
      case 2: rename(here, name, "n" + std::to_string(random() % 12)); break;
      case 3: trash_and_restore(name); break;
      default: remove(name); break;
    }
    check(there);
  }

  // Without the lock: anything may have happened between two calls, but nothing else.
  void wander(std::mt19937& random) {
    const fs::path& view = views_[random() % 2];
    const std::string name = "n" + std::to_string(random() % 12);
    const FileDescriptor file(::open((view / name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno != ENOENT) complain(name + ": open: " + std::strerror(errno));
    if (file) {
      std::array<char, 64> text{};
      if (::read(file.get(), text.data(), text.size()) < 0) complain(name + ": read: " + std::strerror(errno));
      struct stat status {};
      if (::fstat(file.get(), &status) != 0) complain(name + ": fstat: " + std::strerror(errno));
    }
    std::error_code error;
    for (fs::directory_iterator at(view, error), end; !error && at != end; at.increment(error)) {
    }
    if (error) complain("readdir: " + error.message());
  }

  [[nodiscard]] std::string complaints() const { return complaints_; }

 private:
  void write(const fs::path& here, const std::string& name) {
    const std::string text = std::to_string(++made_);
    try {
      write_file(here / name, text);
    } catch (const std::exception& failure) {
      complain_locked(failure.what());
    }
    expected_[name] = text;
  }
  void rename(const fs::path& here, const std::string& from, const std::string& to) {
    const int error = done(::rename((here / from).c_str(), (here / to).c_str()));
    const auto found = expected_.find(from);
    if (error != (found == expected_.end() ? ENOENT : 0))
      complain_locked("rename: " + std::string(std::strerror(error)));
    if (found == expected_.end() || from == to) return;
    expected_[to] = found->second;
    expected_.erase(from);
  }
  void remove(const std::string& name) {
    const int error = done(::unlink((views_[0] / name).c_str()));
    if (error != (expected_.erase(name) == 0 ? ENOENT : 0))
      complain_locked("unlink: " + std::string(std::strerror(error)));
  }
  void trash_and_restore(const std::string& name) {
    const fs::path item = ada_trash_ / ("t" + std::to_string(++made_));
    if (::rename((views_[0] / name).c_str(), item.c_str()) != 0) return;
    if (look(views_[1] / name) != ENOENT) complain_locked(name + " is still there when it is in the trash");
    if (::rename(item.c_str(), (views_[0] / name).c_str()) != 0)
      complain_locked("restore: " + std::string(std::strerror(errno)));
  }
  void check(const fs::path& view) {
    std::set<std::string> names;
    for (const auto& [name, text] : expected_) {
      names.insert(name);
      try {
        const std::string found = read_file(view / name);
        if (found != text) complain_locked(name + " holds " + found + " and not " + text);
      } catch (const std::exception& failure) {
        complain_locked(failure.what());
      }
    }
    std::set<std::string> listed = names_in(view);
    listed.erase("samples");
    listed.erase("analyses");
    if (listed != names) complain_locked("the listing differs");
  }
  void complain(const std::string& what) {
    const std::lock_guard lock(mutex_);
    complain_locked(what);
  }
  void complain_locked(const std::string& what) {
    constexpr std::size_t kMost = 2000;
    if (complaints_.size() < kMost) complaints_ += what + "\n";
  }

  const std::array<fs::path, 2> views_;
  const fs::path ada_trash_;
  std::mutex mutex_;
  std::map<std::string, std::string> expected_;
  std::string complaints_;
  int made_ = 0;
};

// $REPRIEVE_STRESS_SECONDS makes it longer.
TEST_F(TwoMounts, InterleavedChangesAreNeverStaleNorLost) {
  const char* wanted = std::getenv("REPRIEVE_STRESS_SECONDS");
  const std::chrono::seconds length(wanted != nullptr ? std::atoi(wanted) : 5);
  Interleaving run(ada(), bob(), trash(kAda));
  const auto end = std::chrono::steady_clock::now() + length;
  std::vector<std::thread> threads;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    threads.emplace_back([&run, end, seed] {
      std::mt19937 random(seed);
      while (std::chrono::steady_clock::now() < end) {
        if (seed <= 2) {
          run.change(random);
        } else {
          run.wander(random);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(run.complaints(), "");
}

// Both make and remove names in one directory at once: each kernel holds its own lock of the directory meanwhile.
TEST_F(TwoMounts, OneDirectoryFromBothSidesDoesNotDeadlock) {
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (const fs::path& view : {ada(), bob(), ada(), bob()}) {
    threads.emplace_back([&failed, view, number = threads.size()] {
      for (int i = 0; i < 300; ++i) {
        const fs::path name = view / (std::to_string(number) + "-" + std::to_string(i));
        if (::mkdir(name.c_str(), 0755) != 0 || ::rmdir(name.c_str()) != 0) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

}  // namespace
}  // namespace reprieve::test
