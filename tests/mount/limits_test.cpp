// SPDX-License-Identifier: Apache-2.0
// What is refused where a quota, the daemon's descriptors, the disk's inodes or a read-only mount set an end, and that
// everything else goes on.
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <iterator>

#include "core/base/file_descriptor.h"
#include "tests/mount/mount_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

FileDescriptor open_in(const std::filesystem::path& path, int flags) {
  return FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC, 0644));
}

// One row of a table: what a call ends with.
struct Expectation {
  std::string call;
  int error;
  std::function<std::int64_t()> run;
};

void expect_each(const std::vector<Expectation>& table) {
  for (const Expectation& row : table) EXPECT_EQ(errno_of(row.run()), row.error) << row.call;
}

class LimitsTest : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(errno_of(::mkdir(at("e").c_str(), 0755)), 0);
    write("f", 3000), write("g", 10), write("h", 10);
    ASSERT_EQ(::symlink("f", at("l").c_str()), 0);
  }

  [[nodiscard]] std::filesystem::path at(const std::string& name) const { return project() / name; }
  void write(const std::string& name, std::size_t size) const {
    const FileDescriptor file = open_in(at(name), O_CREAT | O_WRONLY);
    const std::string bytes(size, 'x');
    ASSERT_EQ(::write(file.get(), bytes.data(), size), static_cast<ssize_t>(size));
  }
  // 0, or -1 with errno.
  [[nodiscard]] std::int64_t try_open(const std::string& name, int flags) const {
    return open_in(at(name), flags) ? 0 : -1;
  }

  [[nodiscard]] std::vector<Expectation> making(int error) const {
    return {{"create", error, [this] { return try_open("new", O_CREAT | O_WRONLY); }},
            {"create without a name", error, [this] { return try_open("", O_TMPFILE | O_RDWR); }},
            {"mknod of a file", error, [this] { return ::mknod(at("new").c_str(), S_IFREG | 0644, 0); }}};
  }
  [[nodiscard]] std::vector<Expectation> making_without_a_blob(int error) const {
    return {{"mkdir", error, [this] { return ::mkdir(at("dir").c_str(), 0755); }},
            {"mkfifo", error, [this] { return ::mkfifo(at("fifo").c_str(), 0644); }},
            {"symlink", error, [this] { return ::symlink("to", at("link").c_str()); }}};
  }
  // What takes no space, or gives some back.
  [[nodiscard]] std::vector<Expectation> keeping() const {
    return {{"read", 0, [this] { return try_open("f", O_RDONLY); }},
            {"link", 0, [this] { return ::link(at("f").c_str(), at("second").c_str()); }},
            {"setxattr", 0, [this] { return ::setxattr(at("f").c_str(), "user.a", "1", 1, 0); }},
            {"chmod", 0, [this] { return ::chmod(at("f").c_str(), 0600); }},
            {"utimens", 0, [this] { return ::utimensat(AT_FDCWD, at("f").c_str(), nullptr, 0); }},
            {"truncate", 0, [this] { return ::truncate(at("f").c_str(), 2000); }},
            {"rename", 0, [this] { return ::rename(at("second").c_str(), at("third").c_str()); }},
            {"rename over", 0, [this] { return ::rename(at("g").c_str(), at("h").c_str()); }},
            {"unlink", 0, [this] { return ::unlink(at("h").c_str()); }},
            {"rmdir", 0, [this] { return ::rmdir(at("e").c_str()); }},
            {"restore", 0, [this] { return ::rename((trash() / "e").c_str(), at("e").c_str()); }}};
  }
};

TEST_F(LimitsTest, OverQuotaNothingIsMadeOrOpenedForWriting) {
  const FileDescriptor open = open_in(at("f"), O_RDWR);
  ctl({"account", "set", "lab", "--quota", "1K"});
  expect_each(making(EDQUOT));
  expect_each(making_without_a_blob(EDQUOT));
  expect_each({{"open for writing", EDQUOT, [this] { return try_open("f", O_WRONLY); }},
               {"open for both", EDQUOT, [this] { return try_open("f", O_RDWR); }},
               {"open and truncate", EDQUOT, [this] { return try_open("f", O_WRONLY | O_TRUNC); }},
               {"truncate to more", EDQUOT, [this] { return ::truncate(at("f").c_str(), 4000); }},
               {"fallocate", EDQUOT, [&] { return ::fallocate(open.get(), 0, 0, 10000); }},
               {"punch", 0, [&] { return ::fallocate(open.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10); }},
               {"write of what is open", 0, [&] { return ::pwrite(open.get(), "x", 1, 0) == 1 ? 0 : -1; }}});
  expect_each(keeping());
  ctl({"account", "set", "lab", "--quota", "0"});
  EXPECT_EQ(errno_of(try_open("new", O_CREAT | O_WRONLY)), 0);
}

TEST_F(LimitsTest, WithoutDescriptorsTheDaemonGoesOn) {
  constexpr rlim_t kFew = 256;
  const rlimit few{.rlim_cur = kFew, .rlim_max = kFew};
  ASSERT_EQ(::prlimit(daemon_->pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  std::vector<FileDescriptor> held;
  const auto hold_all = [&] {
    const std::size_t before = held.size();
    for (FileDescriptor file; held.size() <= kFew; held.push_back(std::move(file))) {
      file = open_in(at("many" + std::to_string(held.size())), O_CREAT | O_RDWR);
      if (!file) break;
    }
    EXPECT_EQ(errno, ENFILE);
    return held.size() > before;
  };
  // What the daemon does in the background has some for a moment.
  while (hold_all()) ::poll(nullptr, 0, 100);
  EXPECT_GT(held.size(), kFew / 2);
  EXPECT_EQ(::access(at("many" + std::to_string(held.size())).c_str(), F_OK), -1) << "what failed left a name";
  expect_each(making(ENFILE));
  expect_each(making_without_a_blob(0));
  expect_each({{"open another", ENFILE, [this] { return try_open("f", O_RDONLY); }},
               {"truncate", ENFILE, [this] { return ::truncate(at("f").c_str(), 2000); }},
               {"open one that is open", 0, [this] { return try_open("many0", O_RDWR); }},
               {"unlink", 0, [this] { return ::unlink(at("f").c_str()); }},
               {"write", 0, [&] { return ::pwrite(held[0].get(), "x", 1, 0) == 1 ? 0 : -1; }}});
  held.clear();
  // The daemon learns of the closes a moment later, of the last ones after others can be opened; it ends well with
  // enough of them to flush.
  const std::filesystem::path descriptors = "/proc/" + std::to_string(daemon_->pid()) + "/fd";
  EXPECT_TRUE(wait_until([&] {
    return std::distance(std::filesystem::directory_iterator(descriptors), {}) < static_cast<std::ptrdiff_t>(kFew / 2);
  }));
  EXPECT_TRUE(wait_until([this] { return try_open("g", O_RDWR) == 0; }));
  EXPECT_TRUE(wait_until([this] { return try_open("new", O_CREAT | O_RDWR) == 0; }));
}

TEST_F(LimitsTest, OnAReadOnlyMountNothingChanges) {
  const std::string top = mount().string();
  const auto remount = [&](unsigned long flags) {
    return ::mount(nullptr, top.c_str(), nullptr, MS_REMOUNT | flags, nullptr);
  };
  {
    const FileDescriptor writer = open_in(at("f"), O_WRONLY);
    EXPECT_EQ(errno_of(remount(MS_RDONLY)), EBUSY);
  }
  // The kernel closes behind the process's back.
  ASSERT_TRUE(wait_until([&] { return remount(MS_RDONLY) == 0; }));
  expect_each(making(EROFS));
  expect_each(making_without_a_blob(EROFS));
  for (Expectation row : keeping()) {
    const bool looks = row.call == "read";
    EXPECT_EQ(errno_of(row.run()), looks ? 0 : EROFS) << row.call;
  }
  expect_each({{"open for writing", EROFS, [this] { return try_open("f", O_WRONLY); }},
               {"create what is there", EEXIST, [this] { return try_open("f", O_CREAT | O_EXCL | O_WRONLY); }},
               {"open what is there", 0, [this] { return try_open("f", O_CREAT | O_RDONLY); }},
               {"mkdir over a name", EEXIST, [this] { return ::mkdir(at("e").c_str(), 0755); }},
               {"unlink of nothing", EROFS, [this] { return ::unlink(at("no").c_str()); }},
               {"list", 0, [this] { return names_in(project()).empty() ? -1 : 0; }}});
  ASSERT_EQ(errno_of(remount(0)), 0);
  expect_each(keeping());
}

// The store on a disk that has no inode left, but blocks.
class InodesTest : public LimitsTest {
 protected:
  void SetUp() override {
    const std::filesystem::path store = directory_.path() / "store";
    std::filesystem::create_directory(store);
    if (::mount("none", store.c_str(), "tmpfs", 0, "size=64m,nr_inodes=200") != 0)
      GTEST_SKIP() << "no small disk can be mounted";
    is_mounted_ = true;
    LimitsTest::SetUp();
  }
  void TearDown() override {
    LimitsTest::TearDown();
    if (is_mounted_) ::umount2((directory_.path() / "store").c_str(), MNT_DETACH);
  }

 private:
  bool is_mounted_ = false;
};

TEST_F(InodesTest, WithoutInodesOnlyFilesAreRefused) {
  int files = 0;
  while (files < 1000 && ::mknod(at("many" + std::to_string(files)).c_str(), S_IFREG | 0644, 0) == 0) ++files;
  ASSERT_EQ(errno, ENOSPC) << files;
  expect_each(making(ENOSPC));
  expect_each(making_without_a_blob(0));
  expect_each({{"open for writing", 0, [this] { return try_open("f", O_WRONLY); }},
               {"truncate to more", 0, [this] { return ::truncate(at("f").c_str(), 100'000); }}});
  expect_each(keeping());
  for (int i = 0; i < files; ++i) ASSERT_EQ(errno_of(::unlink(at("many" + std::to_string(i)).c_str())), 0) << i;
  EXPECT_EQ(errno_of(try_open("new", O_CREAT | O_WRONLY)), ENOSPC) << "what is in the trash keeps its inode";
  ctl({"empty", "--yes"});
  EXPECT_TRUE(wait_until([this] { return try_open("new", O_CREAT | O_WRONLY) == 0; }));
}

}  // namespace
}  // namespace reprieve::test
