// SPDX-License-Identifier: Apache-2.0
// What a disk does to the bytes of files, seen through a mount.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/json/value.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <future>
#include <initializer_list>
#include <thread>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/support/blob_file.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

class Integrity : public MountTest {
 protected:
  DaemonOptions options() const override {
    return {.configuration = "[integrity]\nchecksums = \"scrub\"\nscrub_interval = \"1s\"\nscrub_rate = 1024\n"};
  }
  std::int64_t figure(const char* name) const {
    return http("GET", "/v1/stats").body.at("integrity").at(name).to_number<std::int64_t>();
  }
  // Until all files were looked at once more, from the first to the last.
  void wait_for_pass() const {
    const auto compared = [this] { return http("GET", "/v1/stats").body.at("integrity").at("compared"); };
    for (int pass = 0; pass < 2; ++pass) {
      const auto before = compared();
      ASSERT_TRUE(wait_until([&] { return compared() != before; }));
    }
  }
  [[nodiscard]] std::filesystem::path blob_of(const std::filesystem::path& path) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return blob_file(daemon_->store(), InodeId(static_cast<std::int64_t>(status.st_ino)));
  }
  // The file's first byte, on the disk and not in any cache of the mount.
  void flip_first_byte(const std::filesystem::path& path) {
    const FileDescriptor file(::open(blob_of(path).c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_TRUE(file) << path;
    char byte = 0;
    ASSERT_EQ(::pread(file.get(), &byte, 1, 0), 1);
    byte = static_cast<char>(byte ^ 1);
    ASSERT_EQ(::pwrite(file.get(), &byte, 1, 0), 1);
  }
};

// With passthrough a mapping is one of the blob, and the close of the file is told at once.
TEST_F(Integrity, WhatIsWrittenThroughAMappingIsNeverTakenForDamage) {
  write_file(project() / "mapped", std::string(4096, 'a'));
  FileDescriptor file(::open((project() / "mapped").c_str(), O_RDWR | O_CLOEXEC));
  auto* const bytes = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  ASSERT_NE(bytes, MAP_FAILED);
  file.reset();
  for (char byte = 'b'; byte < 'e'; ++byte) {
    wait_for_pass();
    bytes[17] = byte;
    ASSERT_EQ(::msync(bytes, 4096, MS_SYNC), 0);
  }
  wait_for_pass();
  EXPECT_EQ(figure("damaged"), 0);
  ::munmap(bytes, 4096);
  ASSERT_TRUE(wait_until([&] { return figure("checksums") == 1; }));
  wait_for_pass();
  EXPECT_EQ(figure("damaged"), 0);
  EXPECT_EQ(read_file(project() / "mapped")[17], 'd');
}

TEST_F(Integrity, ADamagedFileIsNotReadAndToldOfUntilAGoodCopyIsInItsPlace) {
  write_file(project() / "reads", "ACGT");
  write_file(project() / "others", "ACGT");
  write_file(directory_.path() / "copy", "ACGT");
  ASSERT_TRUE(wait_until([&] { return figure("checksums") == 2; }));
  flip_first_byte(project() / "reads");
  ASSERT_TRUE(wait_until([&] { return figure("damaged") == 1; }));

  EXPECT_EQ(errno_of(::open((project() / "reads").c_str(), O_RDONLY | O_CLOEXEC)), EIO);
  EXPECT_EQ(read_file(project() / "others"), "ACGT");
  EXPECT_THAT(ctl({"history", "--event", "damaged"}).out, HasSubstr("projects/P/reads"));
  EXPECT_THAT(ctl({"stats"}).out, HasSubstr("of damaged files 1"));
  EXPECT_THAT(ctl({"damaged"}).out, HasSubstr("projects/P/reads"));
  EXPECT_THAT(ctl({"damaged"}).err, HasSubstr("cp COPY PATH"));
  const auto listed = http("GET", "/v1/damaged").body;
  ASSERT_EQ(listed.at("items").as_array().size(), 1U);
  EXPECT_EQ(listed.at("items").at(0).at("path"), "projects/P/reads");
  EXPECT_EQ(listed.at("items").at(0).at("account"), "lab");
  EXPECT_TRUE(listed.at("more").is_null());
  EXPECT_THAT(daemon_->log(), HasSubstr("account=lab is damaged: its bytes are not what they were"));
  // Nothing is added to what is wrong.
  EXPECT_EQ(errno_of(::open((project() / "reads").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)), EIO);
  // It can still be moved and thrown away.
  succeed({"mv", project() / "reads", project() / "moved"});
  succeed({"cp", directory_.path() / "copy", project() / "moved"});
  EXPECT_EQ(read_file(project() / "moved"), "ACGT");
  EXPECT_EQ(figure("damaged"), 0);
  EXPECT_THAT(ctl({"damaged"}).err, HasSubstr("no file is known to be damaged"));
}

// The disk has changed since, and what was found of it is no older than the backup.
TEST_F(Integrity, WhatIsDamagedIsSoAfterARestoreOfTheMetadata) {
  write_file(project() / "reads", "ACGT");
  write_file(project() / "others", "ACGT");
  write_file(project() / "written", "ACGT");
  ASSERT_TRUE(wait_until([&] { return figure("checksums") == 3; }));
  flip_first_byte(project() / "reads");
  ASSERT_TRUE(wait_until([&] { return figure("damaged") == 1; }));
  ctl({"backup"});
  // No checksum of the backup is one of these.
  write_file(project() / "written", "TTTT");
  ASSERT_EQ(daemon_->stop(), 0);
  std::filesystem::path backup;
  for (const auto& entry : std::filesystem::directory_iterator(daemon_->store() / "backups")) backup = entry.path();
  succeed({REPRIEVED_PATH, "--store", daemon_->store(), "--restore-metadata", backup});
  ASSERT_TRUE(daemon_->start()) << daemon_->log();
  EXPECT_EQ(figure("damaged"), 1);
  EXPECT_EQ(errno_of(::open((project() / "reads").c_str(), O_RDONLY | O_CLOEXEC)), EIO);
  EXPECT_EQ(read_file(project() / "others"), "ACGT");
  EXPECT_EQ(read_file(project() / "written"), "TTTT");
  wait_for_pass();
  EXPECT_EQ(figure("damaged"), 1);
  EXPECT_EQ(figure("checksums"), 3);
}

// Opens that wait for their files to be compared. What makes them wait is a lease on each blob, which holds up whoever
// opens it until the lease is given back (fcntl(2), "Leases").
class WaitingOpens : public Integrity, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    const std::string fuse = std::string("[fuse]\nio_uring = \"") + GetParam() + "\"\n";
    return {.configuration = "[integrity]\nchecksums = \"open\"\nscrub_interval = \"1s\"\nscrub_rate = 1024\n" + fuse,
            .arguments = supervise()};
  }
  virtual std::vector<std::string> supervise() const { return {}; }
  // More than any mount has threads, and a ring has places for requests.
  static constexpr int kFiles = 80;
  [[nodiscard]] std::filesystem::path file(int number) const { return project() / ("f" + std::to_string(number)); }

  void make_files() {
    for (int i = 0; i < kFiles; ++i) write_file(file(i), "ACGT" + std::to_string(i));
    ASSERT_TRUE(wait_until([&] { return figure("checksums") == kFiles; }));
  }
  void lease_blobs() {
    for (int i = 0; i < kFiles; ++i) {
      FileDescriptor blob(::open(blob_of(file(i)).c_str(), O_RDONLY | O_CLOEXEC));
      ASSERT_TRUE(blob);
      ASSERT_EQ(::fcntl(blob.get(), F_SETSIG, SIGURG), 0);  // which nobody minds, when somebody wants the blob
      ASSERT_TRUE(wait_until([&] { return ::fcntl(blob.get(), F_SETLEASE, F_WRLCK) == 0; })) << std::strerror(errno);
      leases_.push_back(std::move(blob));
    }
  }
  // Opens every file, each in a thread of its own.
  void open_all(int flags = O_RDONLY) {
    for (int i = 0; i < kFiles; ++i) {
      threads_.emplace_back([this, i, flags] {
        tids_.at(i) = ::gettid();
        FileDescriptor opened(::open(file(i).c_str(), flags | O_CLOEXEC));
        ++answered_;
        std::array<char, 16> text{};
        if (opened && ::read(opened.get(), text.data(), text.size()) >= 0) texts_.at(i) = text.data();
      });
    }
  }
  static bool is_in_call(pid_t thread, std::initializer_list<long> calls) {
    std::ifstream call("/proc/" + std::to_string(thread) + "/syscall");
    long number = -1;
    return call >> number && std::ranges::find(calls, number) != calls.end();
  }
  // Until the kernel waits for an answer to each of them.
  void wait_until_all_wait() {
    for (int i = 0; i < kFiles; ++i) {
      ASSERT_TRUE(wait_until([&] { return is_in_call(tids_.at(i), {SYS_openat}); }))
          << file(i) << " was opened already";
    }
  }
  void finish() {
    leases_.clear();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  void TearDown() override {
    finish();
    Integrity::TearDown();
  }

  std::vector<FileDescriptor> leases_;
  std::vector<std::thread> threads_;
  std::array<std::atomic<pid_t>, kFiles> tids_{};
  std::atomic<int> answered_{0};
  std::array<std::string, kFiles> texts_;  // once all are finished
};

INSTANTIATE_TEST_SUITE_P(IoUring, WaitingOpens, ::testing::Values("auto", "off"));

TEST_P(WaitingOpens, DoNotKeepOthersWaiting) {
  make_files();
  FileDescriptor other(::open((project() / "other").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  ASSERT_NO_FATAL_FAILURE(lease_blobs());
  open_all();
  ASSERT_NO_FATAL_FAILURE(wait_until_all_wait());
  // By each processor: each has a queue of its own.
  auto served = std::async(std::launch::async, [&] {
    for (int round = 0; round < 50; ++round) {
      const std::string name = "new" + std::to_string(round);
      write_file(project() / name, name);
      if (read_file(project() / name) != name) return false;
      struct stat status {};
      for (int i = 0; i < kFiles; ++i) {
        if (::stat(file(i).c_str(), &status) != 0 || status.st_size < 4) return false;
      }
      if (::pwrite(other.get(), "x", 1, round) != 1 || ::fsync(other.get()) != 0) return false;
    }
    return true;
  });
  // Shorter than a lease is waited for (/proc/sys/fs/lease-break-time).
  const bool in_time = served.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  EXPECT_TRUE(in_time);
  EXPECT_EQ(answered_, 0);
  finish();
  EXPECT_TRUE(served.get());
  for (int i = 0; i < kFiles; ++i) EXPECT_EQ(texts_.at(i), "ACGT" + std::to_string(i));
}

TEST_P(WaitingOpens, AreRefusedWhenTheFileIsDamaged) {
  make_files();
  flip_first_byte(file(7));
  open_all(O_RDWR);
  finish();
  for (int i = 0; i < kFiles; ++i) EXPECT_EQ(texts_.at(i), i == 7 ? "" : "ACGT" + std::to_string(i));
  EXPECT_EQ(figure("damaged"), 1);
}

TEST_P(WaitingOpens, ATruncationIsComparedBeforeToo) {
  make_files();
  flip_first_byte(file(7));
  EXPECT_EQ(::truncate(file(7).c_str(), 3), 0);
  EXPECT_EQ(figure("damaged"), 1);
  EXPECT_EQ(errno_of(::open(file(7).c_str(), O_RDONLY | O_CLOEXEC)), EIO);
  EXPECT_EQ(::truncate(file(7).c_str(), 0), 0);
  EXPECT_EQ(figure("damaged"), 0);
  EXPECT_EQ(read_file(file(7)), "");
}

// It takes many seconds to read what is put on the disk here, and at its end the file is known to be damaged.
TEST_P(WaitingOpens, AreGivenUpWhenTheirProcessIsKilled) {
  make_files();
  {
    const FileDescriptor blob(::open(blob_of(file(0)).c_str(), O_WRONLY | O_CLOEXEC));
    for (off_t piece = 1; piece <= 32768; ++piece) ASSERT_EQ(::pwrite(blob.get(), "x", 1, piece << 20), 1);
  }
  const std::string path = file(0).string();
  const std::array<std::function<int()>, 2> calls{[&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); },
                                                  [&] { return ::truncate(path.c_str(), 3); }};
  std::vector<pid_t> children;
  for (const auto& call : calls) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(call() < 0 ? 1 : 0);
    ASSERT_TRUE(wait_until([&] { return is_in_call(children.back(), {SYS_openat, SYS_truncate}); }));
  }
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, WNOHANG), 0);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    EXPECT_TRUE(wait_until([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
    EXPECT_TRUE(WIFSIGNALED(status));
  }
  EXPECT_EQ(figure("damaged"), 0);
}

TEST_P(WaitingOpens, EndWithTheDaemon) {
  make_files();
  ASSERT_NO_FATAL_FAILURE(lease_blobs());
  open_all();
  ASSERT_NO_FATAL_FAILURE(wait_until_all_wait());
  auto stopped = std::async(std::launch::async, [&] { return daemon_->stop(); });
  ASSERT_TRUE(wait_until([&] { return !is_mount_point(mount()); }));
  finish();
  EXPECT_EQ(stopped.get(), 0);
  // Answered at the last moment, or not at all.
  for (int i = 0; i < kFiles; ++i) EXPECT_TRUE(texts_.at(i).empty() || texts_.at(i) == "ACGT" + std::to_string(i));
  ASSERT_TRUE(daemon_->start());
}

class WaitingOpensTakenOver : public WaitingOpens {
 protected:
  std::vector<std::string> supervise() const override { return {"--supervise"}; }
};

INSTANTIATE_TEST_SUITE_P(IoUring, WaitingOpensTakenOver, ::testing::Values("auto"));

TEST_P(WaitingOpensTakenOver, AreAnsweredByTheNextDaemon) {
  make_files();
  ASSERT_NO_FATAL_FAILURE(lease_blobs());
  open_all();
  ASSERT_NO_FATAL_FAILURE(wait_until_all_wait());
  const pid_t before = daemon_->serving_pid();
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  ASSERT_TRUE(wait_until([&] {
    const pid_t now = daemon_->serving_pid();
    return now > 0 && now != before;
  })) << daemon_->log();
  finish();
  for (int i = 0; i < kFiles; ++i) EXPECT_EQ(texts_.at(i), "ACGT" + std::to_string(i));
}

}  // namespace
}  // namespace reprieve::test
