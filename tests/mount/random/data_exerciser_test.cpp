// SPDX-License-Identifier: Apache-2.0
// Random reads, writes, truncations, mappings, holes and copies on a few files, checked against a model in memory, with
// files closed and opened again and the daemon restarted in between.
//
// REPRIEVE_RANDOM_SEED repeats a run, REPRIEVE_RANDOM_OPERATIONS says how long it is.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>

#include "core/base/file_descriptor.h"
#include "tests/mount/random/choices.h"
#include "tests/support/daemon_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

constexpr std::uint64_t kOperations = 20'000;
constexpr std::uint64_t kBetweenRestarts = 5'000;
constexpr std::size_t kFiles = 3;
constexpr std::size_t kLargest = 300'000;
constexpr std::size_t kMost = 40'000;  // bytes in one call
constexpr std::size_t kPage = 4096;

// A file, and what must be in it.
class Checked {
 public:
  Checked(std::filesystem::path path, Choices& choices) : path_(std::move(path)), choices_(choices) { reopen(); }

  void reopen() {
    file_ = FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!file_) complain("open");
  }
  void close() { file_.reset(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  void read() {
    const Range range = any_range(kLargest);
    std::string bytes(range.size, '#');
    const ssize_t got = ::pread(file_.get(), bytes.data(), bytes.size(), range.offset);
    if (got < 0) return complain("pread");
    bytes.resize(static_cast<std::size_t>(got));
    if (bytes != model_.substr(std::min(range.at(), model_.size()), range.size)) complain("pread: other bytes", range);
  }

  void write() {
    const Range range = any_range(kLargest);
    put(range, choices_.bytes(range.size), "pwrite");
  }

  void append() {
    if (model_.size() + kMost > kLargest) return;
    const Range range{static_cast<off_t>(model_.size()), 1 + choices_.below(kMost)};
    const std::string bytes = choices_.bytes(range.size);
    const FileDescriptor file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      return complain("append");
    model_ += bytes;
  }

  void truncate() {
    const std::size_t size = choices_.below(kLargest);
    const int result = choices_.one_in(2) ? ::ftruncate(file_.get(), static_cast<off_t>(size))
                                          : ::truncate(path_.c_str(), static_cast<off_t>(size));
    if (result != 0) return complain("truncate");
    model_.resize(size, '\0');
  }

  void map() {
    if (model_.empty()) return;
    const Range range = range_inside();
    const std::size_t start = range.at() / kPage * kPage;
    const std::size_t length = range.at() + range.size - start;
    void* at = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), static_cast<off_t>(start));
    if (at == MAP_FAILED) return complain("mmap");
    char* const bytes = static_cast<char*>(at) + (range.at() - start);
    if (std::memcmp(bytes, model_.data() + range.at(), range.size) != 0) complain("mmap: other bytes", range);
    if (choices_.one_in(2)) {
      const std::string stored = choices_.bytes(range.size);
      std::memcpy(bytes, stored.data(), stored.size());
      model_.replace(range.at(), range.size, stored);
      if (choices_.one_in(3) && ::msync(at, length, MS_SYNC) != 0) complain("msync");
    }
    ::munmap(at, length);
  }

  void allocate() {
    struct Mode {
      int flags;
      bool zeroes;
      bool extends;
    };
    constexpr std::array<Mode, 4> kModes{Mode{0, false, true}, Mode{FALLOC_FL_KEEP_SIZE, false, false},
                                         Mode{FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, true, false},
                                         Mode{FALLOC_FL_ZERO_RANGE, true, true}};
    const Mode& mode = kModes[choices_.below(kModes.size())];
    const Range range = any_range(kLargest - kMost);
    if (::fallocate(file_.get(), mode.flags, range.offset, static_cast<off_t>(range.size)) != 0)
      return complain("fallocate");
    if (mode.extends && model_.size() < range.at() + range.size) model_.resize(range.at() + range.size, '\0');
    if (!mode.zeroes || range.at() >= model_.size()) return;
    const std::size_t zeroed = std::min(range.size, model_.size() - range.at());
    model_.replace(range.at(), zeroed, zeroed, '\0');
  }

  // Where the file system can do it; FUSE cannot.
  void collapse() {
    if (model_.size() <= 2 * kPage) return;
    const auto offset = static_cast<off_t>(choices_.below(model_.size() / kPage - 1) * kPage);
    if (::fallocate(file_.get(), FALLOC_FL_COLLAPSE_RANGE, offset, kPage) == 0) {
      model_.erase(static_cast<std::size_t>(offset), kPage);
    } else if (errno != EOPNOTSUPP) {
      complain("collapse");
    }
  }

  void copy_from(const Checked& other) {
    if (other.model_.empty()) return;
    const Range source = other.range_inside();
    Range target = any_range(kLargest - kMost);
    target.size = source.size;
    const bool overlap =
        &other == this && source.at() < target.at() + target.size && target.at() < source.at() + source.size;
    const std::string bytes = other.model_.substr(source.at(), source.size);
    off_t from = source.offset;
    off_t to = target.offset;
    for (std::size_t left = source.size; left > 0;) {
      const ssize_t copied = ::copy_file_range(other.file_.get(), &from, file_.get(), &to, left, 0);
      if (overlap && copied < 0 && errno == EINVAL) return;
      if (copied <= 0) return complain("copy_file_range", target);
      left -= static_cast<std::size_t>(copied);
    }
    if (overlap) return complain("copy_file_range: of overlapping ranges");
    store(target, bytes);
  }

  void look() {
    struct stat status {};
    const int result = choices_.one_in(2) ? ::fstat(file_.get(), &status) : ::stat(path_.c_str(), &status);
    if (result != 0) return complain("stat");
    if (static_cast<std::size_t>(status.st_size) != model_.size()) complain("stat: another size");
  }

  void seek() {
    const auto offset = static_cast<off_t>(choices_.below(kLargest));
    const off_t data = ::lseek(file_.get(), offset, SEEK_DATA);
    const std::size_t start = std::min(static_cast<std::size_t>(offset), model_.size());
    const std::size_t end = data < 0 ? model_.size() : static_cast<std::size_t>(data);
    if (data < 0 && errno != ENXIO) return complain("SEEK_DATA");
    // A hole reads as zeros; data may be zeros, too.
    if (model_.find_first_not_of('\0', start) < end) complain("SEEK_DATA: passed over bytes");
  }

  void sync() {
    if ((choices_.one_in(2) ? ::fsync(file_.get()) : ::fdatasync(file_.get())) != 0) complain("fsync");
  }

  void check_whole() {
    if (read_file(path_) != model_) complain("the whole: other bytes");
  }

  [[nodiscard]] const std::optional<std::string>& complaint() const { return complaint_; }

 private:
  struct Range {
    off_t offset = 0;
    std::size_t size = 0;
    [[nodiscard]] std::size_t at() const { return static_cast<std::size_t>(offset); }
  };

  Range any_range(std::size_t end) { return {static_cast<off_t>(choices_.below(end)), 1 + choices_.below(kMost)}; }
  [[nodiscard]] Range range_inside() const {
    const std::size_t offset = choices_.below(model_.size());
    return {static_cast<off_t>(offset), 1 + choices_.below(std::min(kMost, model_.size() - offset))};
  }

  void put(const Range& range, const std::string& bytes, const char* call) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), range.offset);
    if (written != static_cast<ssize_t>(bytes.size())) return complain(call, range);
    store(range, bytes);
  }
  void store(const Range& range, const std::string& bytes) {
    if (model_.size() < range.at() + bytes.size()) model_.resize(range.at() + bytes.size(), '\0');
    model_.replace(range.at(), bytes.size(), bytes);
  }

  void complain(const std::string& what) { complain(what, Range{}); }
  void complain(const std::string& what, const Range& range) {
    const int number = errno;
    if (complaint_) return;
    complaint_ = path_.filename().string() + ": " + what + " at " + std::to_string(range.offset) + " size " +
                 std::to_string(range.size) + " of " + std::to_string(model_.size()) + " (" + std::strerror(number) +
                 ")";
  }

  std::filesystem::path path_;
  Choices& choices_;
  FileDescriptor file_;
  std::string model_;
  std::optional<std::string> complaint_;
};

// How requests and data go between kernel and daemon.
struct DataPath {
  const char* name;
  const char* settings;  // of [fuse]
};

class DataExerciser : public ::testing::TestWithParam<DataPath> {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_mounts(); !reason.empty()) GTEST_SKIP() << reason;
    daemon_ = std::make_unique<DaemonProcess>(
        directory_.path(), DaemonOptions{.configuration = std::string("[fuse]\n") + GetParam().settings});
    ASSERT_TRUE(daemon_->start()) << daemon_->log();
    std::cout << "REPRIEVE_RANDOM_SEED=" << seed_ << "\n";
    const auto folder = daemon_->mount() / "projects/P";
    std::filesystem::create_directory(folder);
    for (std::size_t i = 0; i < kFiles; ++i) files_.emplace_back(folder / ("f" + std::to_string(i)), choices_);
  }

  void operation() {
    Checked& file = files_[choices_.below(files_.size())];
    switch (choices_.below(20)) {
      case 0:
      case 1:
      case 2:
      case 3: return file.read();
      case 4:
      case 5:
      case 6:
      case 7: return file.write();
      case 8: return file.append();
      case 9:
      case 10: return file.truncate();
      case 11:
      case 12:
      case 13: return file.map();
      case 14:
      case 15: return file.allocate();
      case 16: return choices_.one_in(3) ? file.collapse() : file.copy_from(files_[choices_.below(files_.size())]);
      case 17: return choices_.one_in(2) ? file.look() : file.seek();
      case 18: return choices_.one_in(20) ? file.sync() : file.look();
      default: return file.reopen();
    }
  }

  // Stopped or killed: what was written is there afterwards.
  void restart_daemon() {
    for (Checked& file : files_) file.close();
    if (choices_.one_in(2)) {
      ASSERT_EQ(daemon_->stop(), 0) << daemon_->log();
    }
    ASSERT_TRUE(daemon_->restart()) << daemon_->log();
    for (Checked& file : files_) file.reopen(), file.check_whole();
  }

  const std::uint64_t seed_ = random_seed();
  const std::uint64_t operations_ = from_environment("REPRIEVE_RANDOM_OPERATIONS", kOperations);
  TemporaryDirectory directory_;
  std::unique_ptr<DaemonProcess> daemon_;
  Choices choices_{seed_};
  std::vector<Checked> files_;
};

TEST_P(DataExerciser, AgreesWithAModel) {
  for (std::uint64_t i = 1; i <= operations_; ++i) {
    operation();
    if (i % kBetweenRestarts == 0) restart_daemon();
    if (HasFatalFailure()) return;
    for (const Checked& file : files_) ASSERT_FALSE(file.complaint()) << "operation " << i << ": " << *file.complaint();
  }
  for (Checked& file : files_) {
    file.check_whole();
    EXPECT_FALSE(file.complaint()) << *file.complaint();
  }
}

INSTANTIATE_TEST_SUITE_P(Random, DataExerciser,
                         ::testing::Values(DataPath{"Passthrough", ""},
                                           DataPath{"PassthroughWithoutRings", "io_uring = \"off\"\n"},
                                           DataPath{"Splice", "passthrough = \"off\"\n"}),
                         [](const auto& path) { return path.param.name; });

}  // namespace
}  // namespace reprieve::test
