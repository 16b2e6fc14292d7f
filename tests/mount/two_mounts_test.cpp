// SPDX-License-Identifier: Apache-2.0
// Two accounts at one shared project through a mount each: what one does the other sees with its next call.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/file_descriptor.h"
#include "tests/mount/held_listing.h"
#include "tests/mount/interleaving.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/directory_names.h"
#include "tests/support/tree_snapshot.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

int done(int result) { return result < 0 ? errno : 0; }

int look(const fs::path& path) {
  struct stat status {};
  return done(::lstat(path.c_str(), &status));
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

TEST_F(TwoMounts, UnsharedItIsGoneAndSharedAgainItIsThere) {
  write_file(ada("f"), "x");
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(read_file(bob("f")), "x");
    ASSERT_EQ(ctl_as(kAda, {"unshare", ada(), "bob"}).exit_code, 0);
    EXPECT_EQ(look(bob("f")), ENOENT);
    EXPECT_FALSE(names_in(projects(kBob)).contains("P"));
    // Not shared, the owner's kernel may remember it; shared, it must not.
    EXPECT_EQ(read_file(ada("f")), "x");
    EXPECT_TRUE(names_in(ada()).contains("f"));
    share("P", "editor");
    ASSERT_EQ(::rename(bob("f").c_str(), bob("g").c_str()), 0);
    EXPECT_EQ(look(ada("f")), ENOENT);
    EXPECT_EQ(read_file(ada("g")), "x");
    EXPECT_FALSE(names_in(ada()).contains("f"));
    ASSERT_EQ(::rename(ada("g").c_str(), ada("f").c_str()), 0);
  }
}

// The kernel may come to enter what a listing brought after it was told to doubt all names.
TEST_F(TwoMounts, WhatIsBeingListedWhenItComesToBeSharedIsNotBelieved) {
  const fs::path own = projects(kAda) / "Own";
  const auto is_renamed_while_listed = [&](const fs::path& from, const fs::path& to, const fs::path& bobs,
                                           const auto& come_to_be_shared) {
    HeldListing listing(from);
    come_to_be_shared();
    auto renamed =
        std::async(std::launch::async, [&] { return done(::rename((bobs / "f").c_str(), (bobs / "g").c_str())); });
    EXPECT_EQ(renamed.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    listing.release();
    EXPECT_EQ(renamed.get(), 0);
    EXPECT_EQ(look(to / "f"), ENOENT);
    EXPECT_EQ(look(to / "g"), 0);
  };
  for (int round = 0; round < 10; ++round) {
    const std::string name = "Q" + std::to_string(round);
    run_as(kAda, "mkdir -p '" + (projects(kAda) / name / "d").string() + "' '" + (own / name / "d").string() + "'");
    write_file(projects(kAda) / name / "d/f", "x");
    write_file(own / name / "d/f", "x");
    const fs::path here = projects(kAda) / name / "d";
    is_renamed_while_listed(here, here, projects(kBob) / name / "d", [&] { share(name, "editor"); });
    is_renamed_while_listed(own / name / "d", ada(name + "/d"), bob(name + "/d"),
                            [&] { EXPECT_EQ(done(::rename((own / name).c_str(), ada(name).c_str())), 0); });
  }
}

TEST_F(TwoMounts, WhoListsAndDoesNotGoOnKeepsOthersWaitingOnce) {
  run_as(kAda, "mkdir -p '" + (projects(kAda) / "Q/d").string() + "'");
  write_file(projects(kAda) / "Q/d/f", "x");
  const HeldListing listing(projects(kAda) / "Q/d");
  share("Q", "editor");
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    write_file(projects(kBob) / "Q/d/new", "x");
    fs::remove(projects(kBob) / "Q/d/new");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

// What is open keeps its remembered name when the name above it is dropped.
TEST_F(TwoMounts, WhatComesIntoASharedItemIsRememberedNoMore) {
  const fs::path own = projects(kAda) / "Own";
  const fs::path shared = projects(kAda) / "Shared";
  run_as(kAda, "mkdir '" + own.string() + "' '" + shared.string() + "'");
  share("Shared", "editor");
  const fs::path bobs = projects(kBob) / "Shared";
  const auto comes_and_bob_renames = [&](const fs::path& from, const std::string& to, const auto& come) {
    fs::create_directories(from);
    write_file(from / "f", "x");
    const FileDescriptor open_directory(::open(from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const FileDescriptor open_file(::open((from / "f").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(look(from / "f"), 0);
    come();
    ASSERT_EQ(::rename((bobs / to / "f").c_str(), (bobs / to / "g").c_str()), 0);
    struct stat status {};
    EXPECT_EQ(done(::fstatat(open_directory.get(), "f", &status, 0)), ENOENT);
    EXPECT_EQ(look(shared / to / "f"), ENOENT);
    EXPECT_EQ(read_file(shared / to / "g"), "x");
  };
  for (int round = 0; round < 20; ++round) {
    const std::string name = "moved" + std::to_string(round);
    const fs::path from = own / name;
    comes_and_bob_renames(from, name, [&] { ASSERT_EQ(::rename(from.c_str(), (shared / name).c_str()), 0); });
  }
  for (int round = 0; round < 20; ++round) {
    const std::string name = "added" + std::to_string(round);
    const fs::path from = own / "samples" / name;
    comes_and_bob_renames(from, "samples/" + name, [&] {
      ASSERT_EQ(ctl_as(kAda, {"add-to", shared, from}).exit_code, 0);
      // Also what is remembered from then on may be changed through the other project.
      EXPECT_EQ(look(from / "f"), 0);
    });
  }
}

// For this the reader's kernel has to lock the directory that it was in: at worst it has to be asked again.
TEST_F(TwoMounts, AMovedDirectoryIsFound) {
  fs::create_directories(ada("d"));
  fs::create_directories(ada("e"));
  write_file(ada("d/f"), "x");
  const FileDescriptor held(::open(bob("d").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (!stop) {
      write_file(ada("made"), "x");
      fs::remove(ada("made"));
    }
  });
  for (const char* name : {"none", "e/none"}) {
    threads.emplace_back([&, name] {
      while (!stop) look(bob(name));
    });
  }
  int lost = 0;
  for (int round = 0; round < 400; ++round) {
    for (const auto& [from, to] : {std::pair("d", "e/d"), std::pair("e/d", "d")}) {
      EXPECT_EQ(done(::rename(ada(from).c_str(), ada(to).c_str())), 0);
      int error = 0;
      wait_until([&, moved = bob(to)] { return (error = look(moved / "f")) != ESTALE; });
      if (error != 0) ++lost;
    }
  }
  EXPECT_EQ(lost, 0);
  stop = true;
  for (std::thread& thread : threads) thread.join();
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

// $REPRIEVE_STRESS_SECONDS, or 5. The presets of CI make it longer.
std::chrono::seconds stress_time() {
  const char* wanted = std::getenv("REPRIEVE_STRESS_SECONDS");
  return std::chrono::seconds(wanted != nullptr ? std::atoi(wanted) : 5);
}

// Threads that each do one thing again and again, and a watch over them: one that does not come back from its system
// call is a deadlock.
class Crew {
 public:
  using Random = Interleaving::Random;
  explicit Crew(std::chrono::seconds length) : end_(std::chrono::steady_clock::now() + length) {}

  void add(std::function<void(Random&)> step) {
    const auto seed = static_cast<unsigned>(steps_.size() + 1);
    steps_.push_back(std::make_unique<std::atomic<std::uint64_t>>(0));
    threads_.emplace_back([this, step = std::move(step), seed, done = steps_.back().get()] {
      Random random(seed);
      while (std::chrono::steady_clock::now() < end_) {
        step(random);
        done->fetch_add(1);
      }
      *done = kFinished;
    });
  }
  // False when a thread has made no step for too long. `release` must make all system calls of all threads return.
  bool wait(const std::function<void()>& release) {
    bool all_came_back = true;
    std::vector<std::uint64_t> seen(steps_.size());
    std::vector<std::chrono::steady_clock::time_point> since(steps_.size(), std::chrono::steady_clock::now());
    while (!std::ranges::all_of(steps_, [](const auto& step) { return *step == kFinished; })) {
      ::poll(nullptr, 0, 100);
      const auto now = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < steps_.size(); ++i) {
        if (const std::uint64_t step = *steps_[i]; step != seen[i]) {
          seen[i] = step;
          since[i] = now;
        }
        if (seen[i] == kFinished || now - since[i] < kLongestStep || !all_came_back) continue;
        all_came_back = false;
        release();
      }
    }
    for (std::thread& thread : threads_) thread.join();
    return all_came_back;
  }

 private:
  static constexpr std::uint64_t kFinished = ~std::uint64_t{0};
  static constexpr std::chrono::seconds kLongestStep{30};

  const std::chrono::steady_clock::time_point end_;
  std::vector<std::unique_ptr<std::atomic<std::uint64_t>>> steps_;
  std::vector<std::thread> threads_;
};

TEST_F(TwoMounts, InterleavedChangesAreNeverStaleNorLost) {
  Interleaving run(
      {.projects = {projects(kAda), projects(kBob)}, .name = "P", .trash = trash(kAda), .socket = daemon_->socket()});
  {
    constexpr std::size_t kHeld = 8;
    std::array<std::array<Interleaving::Handle, kHeld>, 2> held;
    Crew crew(stress_time());
    for (int i = 0; i < 4; ++i) {
      crew.add([&](Crew::Random& random) { random() % 64 == 0 ? run.turn_over(random) : run.change(random); });
    }
    for (auto& handles : held) {
      crew.add([&](Crew::Random& random) { run.hold(random, handles[random() % kHeld]); });
    }
    crew.add([&](Crew::Random& random) { run.wander(random); });
    EXPECT_TRUE(crew.wait([&] { daemon_->kill(); })) << "a system call did not return\n" << daemon_->log();
  }
  EXPECT_EQ(run.complaints(), "");
  ASSERT_TRUE(daemon_->running());
  run.check_all();
  // What was answered is also what the next daemon finds.
  EXPECT_EQ(daemon_->stop(), 0) << daemon_->log();
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  run.check_all();
  EXPECT_EQ(run.complaints(), "");
}

// Neither mount's program knows of what the other writes.
TEST_F(TwoMounts, WhatBothAppendToOneFileIsAllThere) {
  constexpr int kRecords = 500;
  write_file(ada("log"), "");
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (const fs::path& view : {ada(), bob(), ada(), bob()}) {
    threads.emplace_back([&failed, view, writer = threads.size()] {
      const FileDescriptor file(::open((view / "log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
      for (int i = 0; i < kRecords; ++i) {
        const std::string record = std::to_string(writer) + " " + std::to_string(i) + "\n";
        if (::write(file.get(), record.data(), record.size()) != static_cast<ssize_t>(record.size())) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  std::array<int, 4> next{};
  std::istringstream records(read_file(bob("log")));
  std::size_t writer = 0;
  for (int number = 0; records >> writer >> number;) {
    ASSERT_LT(writer, next.size());
    EXPECT_EQ(number, next[writer]++) << "of writer " << writer;
  }
  EXPECT_THAT(next, ::testing::Each(kRecords));
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
