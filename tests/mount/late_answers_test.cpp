// SPDX-License-Identifier: Apache-2.0
// What one thread was answered before another changed something does not come back when the first deals with it late.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

constexpr int kChanges = 2000;
constexpr auto kNobody = static_cast<__le32>(ACL_UNDEFINED_ID);

// Threads that do the same thing again and again.
class Repeating {
 public:
  Repeating(std::size_t threads, const std::function<void()>& deed) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, deed](const std::stop_token& over) {
        while (!over.stop_requested()) {
          deed();
          done_.fetch_add(1);
        }
      });
    }
  }
  // Until what each was at, when this was called, is done.
  void wait_for_what_is_under_way() const {
    const std::uint64_t enough = done_.load() + threads_.size();
    while (done_.load() < enough) std::this_thread::yield();
  }

 private:
  std::atomic<std::uint64_t> done_{0};
  std::vector<std::jthread> threads_;
};

struct stat status_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

// What `look` sees, at the second look if need be. While one thread's answer is entered others may see what was there
// before as if it were valid, for some ten nanoseconds (fuse_change_attributes_common, which takes no lock against
// fuse_update_get_attr, fs/fuse): that is the kernel's, and not what is tested here.
template <typename Value, typename Look>
Value seen(Value expected, const Look& look) {
  const Value first = look();
  return first == expected ? first : look();
}

// Asks the file system and not the kernel's memory.
void ask_for_attributes(const std::filesystem::path& path) {
  struct statx status {};
  ::statx(AT_FDCWD, path.c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status);
}

// A list of nothing but the mode's bits, those of the owner and of others being 6 and 4.
std::string list_with_group(int permissions) {
  struct {
    posix_acl_xattr_header header{.a_version = POSIX_ACL_XATTR_VERSION};
    posix_acl_xattr_entry entries[3]{};
  } list;
  list.entries[0] = {.e_tag = ACL_USER_OBJ, .e_perm = 6, .e_id = kNobody};
  list.entries[1] = {.e_tag = ACL_GROUP_OBJ, .e_perm = static_cast<__le16>(permissions), .e_id = kNobody};
  list.entries[2] = {.e_tag = ACL_OTHER, .e_perm = 4, .e_id = kNobody};
  return {reinterpret_cast<const char*>(&list), sizeof list};
}

using LateAnswers = MountTest;

TEST_F(LateAnswers, DoNotBringBackALinkCount) {
  const std::filesystem::path folder = project() / "d";
  const std::filesystem::path inside = folder / "e";
  ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
  const Repeating asking(2, [&folder] { ask_for_attributes(folder); });
  const auto links = [&folder](nlink_t expected) { return seen(expected, [&] { return status_of(folder).st_nlink; }); };
  for (int i = 0; i < kChanges && !HasFailure(); ++i) {
    ASSERT_EQ(::mkdir(inside.c_str(), 0755), 0);
    asking.wait_for_what_is_under_way();
    EXPECT_EQ(links(3), 3U) << "change " << i;
    ASSERT_EQ(::rmdir(inside.c_str()), 0);
    asking.wait_for_what_is_under_way();
    EXPECT_EQ(links(2), 2U) << "change " << i;
  }
}

TEST_F(LateAnswers, DoNotBringBackPermissions) {
  const std::filesystem::path file = project() / "f";
  ASSERT_EQ(::mknod(file.c_str(), S_IFREG | 0644, 0), 0);
  const Repeating asking(2, [&file] { ask_for_attributes(file); });
  for (int i = 0; i < kChanges && !HasFailure(); ++i) {
    const int permissions = i % 8;
    const std::string list = list_with_group(permissions);
    ASSERT_EQ(::setxattr(file.c_str(), "system.posix_acl_access", list.data(), list.size(), 0), 0);
    asking.wait_for_what_is_under_way();
    const auto expected = static_cast<mode_t>(permissions) << 3U;
    EXPECT_EQ(seen(expected, [&file] { return status_of(file).st_mode & S_IRWXG; }), expected) << "change " << i;
  }
}

}  // namespace
}  // namespace reprieve::test
