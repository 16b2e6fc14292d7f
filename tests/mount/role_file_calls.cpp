// SPDX-License-Identifier: Apache-2.0
// The rows of the table that are system calls.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "core/base/file_descriptor.h"
#include "tests/mount/role_test.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPage = 4096;

// What `use` makes of the open file, an errno.
template <typename Use>
int with_open(const fs::path& path, int flags, Use use) {
  const FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  return file ? use(file.get()) : errno;
}

int open_and_close(const fs::path& path, int flags) {
  return with_open(path, flags, [](int) { return 0; });
}

int write_mapped(int file) {
  void* page = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) return errno;
  static_cast<char*>(page)[0] = 'm';
  return failure_of(::munmap(page, kPage));
}

int copy_range(const Scene& s) {
  return with_open(s.item / "f", O_WRONLY, [&](int to) {
    return with_open(s.own / "mine", O_RDONLY,
                     [&](int from) { return failure_of(::copy_file_range(from, nullptr, to, nullptr, 4, 0)); });
  });
}

int make_unnamed(const Scene& s) { return open_and_close(s.item, O_TMPFILE | O_RDWR); }

int make_unnamed_and_name(const Scene& s) {
  return with_open(s.item, O_TMPFILE | O_RDWR, [&](int file) {
    const std::string link = "/proc/self/fd/" + std::to_string(file);
    return failure_of(::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, (s.item / "new").c_str(), AT_SYMLINK_FOLLOW));
  });
}

int link_entry(const fs::path& from, const fs::path& to) { return failure_of(::link(from.c_str(), to.c_str())); }
int move_entry(const fs::path& from, const fs::path& to) { return failure_of(::rename(from.c_str(), to.c_str())); }
int exchange_entries(const fs::path& a, const fs::path& b) {
  return failure_of(::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE));
}
int make_node(const fs::path& path, mode_t type) { return failure_of(::mknod(path.c_str(), type | 0644U, 0)); }

int change_owner(const Scene& s, uid_t user) { return failure_of(::chown((s.item / "f").c_str(), user, s.actor.user)); }

int set_times(const Scene& s) {
  const std::array<timespec, 2> times{timespec{1, 0}, timespec{2, 0}};
  return failure_of(::utimensat(AT_FDCWD, (s.item / "f").c_str(), times.data(), 0));
}

int set_attribute(const fs::path& path, const char* name, std::string_view value) {
  return failure_of(::setxattr(path.c_str(), name, value.data(), value.size(), 0));
}
int remove_attribute(const fs::path& path, const char* name) { return failure_of(::removexattr(path.c_str(), name)); }

// posix_acl_xattr_header and _entry of linux/posix_acl_xattr.h.
struct AclEntry {
  std::uint16_t tag;
  std::uint16_t permissions;
  std::uint32_t id;
};
struct Acl {
  std::uint32_t version = 2;
  std::array<AclEntry, 5> entries{AclEntry{0x01, 6, ~0U}, AclEntry{0x02, 4, kEve}, AclEntry{0x04, 4, ~0U},
                                  AclEntry{0x10, 4, ~0U}, AclEntry{0x20, 4, ~0U}};
};

constexpr const char* kAccessList = "system.posix_acl_access";
constexpr const char* kDefaultList = "system.posix_acl_default";

int set_list(const fs::path& path, const char* name) {
  const Acl list;
  return failure_of(::setxattr(path.c_str(), name, &list, sizeof list, 0));
}

constexpr auto kNothing = SystemCall::Changes::nothing_at_home;

using S = const Scene&;

const std::map<std::string_view, SystemCall> kData{
    {"read a file",
     {[](S s) {
        char byte = 0;
        return with_open(s.item / "f", O_RDONLY, [&](int file) { return failure_of(::read(file, &byte, 1)); });
      },
      kNothing}},
    {"open a file for writing", {[](S s) { return open_and_close(s.item / "f", O_RDWR); }, kNothing}},
    {"write to a file", {[](S s) {
       return with_open(s.item / "f", O_WRONLY, [](int file) { return failure_of(::write(file, "new", 3)); });
     }}},
    {"write into a shared mapping", {[](S s) { return with_open(s.item / "f", O_RDWR, write_mapped); }}},
    {"open a file with O_TRUNC", {[](S s) { return open_and_close(s.item / "f", O_WRONLY | O_TRUNC); }}},
    {"truncate a file", {[](S s) { return failure_of(::truncate((s.item / "f").c_str(), 1)); }}},
    {"truncate an open file", {[](S s) {
       return with_open(s.item / "f", O_WRONLY, [](int file) { return failure_of(::ftruncate(file, 1)); });
     }}},
    {"allocate space", {[](S s) {
       return with_open(s.item / "f", O_WRONLY, [](int file) { return failure_of(::fallocate(file, 0, 0, 1 << 20)); });
     }}},
    {"punch a hole", {[](S s) {
       return with_open(s.item / "f", O_WRONLY, [](int file) {
         return failure_of(::fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kPage));
       });
     }}},
    {"copy a range into a file", {copy_range}},
};

const std::map<std::string_view, SystemCall> kMaking{
    {"create a file", {[](S s) { return open_and_close(s.item / "new", O_CREAT | O_EXCL | O_WRONLY); }}},
    {"make a file without a name", {make_unnamed, kNothing}},
    {"give it a name", {make_unnamed_and_name}},
    {"make a directory", {[](S s) { return failure_of(::mkdir((s.item / "new").c_str(), 0755)); }}},
    {"make a symbolic link", {[](S s) { return failure_of(::symlink("x", (s.item / "new").c_str())); }}},
    {"make a fifo", {[](S s) { return make_node(s.item / "new", S_IFIFO); }}},
    {"make a socket", {[](S s) { return make_node(s.item / "new", S_IFSOCK); }}},
    {"make a hard link", {[](S s) { return link_entry(s.item / "f", s.item / "new"); }}},
    {"link a file of the owner out", {[](S s) { return link_entry(s.item / "f", s.own / "new"); }}},
    {"link an own file in", {[](S s) { return link_entry(s.own / "mine", s.item / "new"); }}},
};

const std::map<std::string_view, SystemCall> kAttributes{
    {"change a mode", {[](S s) { return failure_of(::chmod((s.item / "f").c_str(), 0600)); }}},
    // Those of an editor are as they are shown already.
    {"change owner and group to its own", {[](S s) { return change_owner(s, s.actor.user); }, kNothing}},
    {"give a file to another user", {[](S s) { return change_owner(s, s.actor.user + 1); }}},
    {"change times", {set_times}},
    {"change times to now",
     {[](S s) { return failure_of(::utimensat(AT_FDCWD, (s.item / "f").c_str(), nullptr, 0)); }}},
    {"set an extended attribute", {[](S s) { return set_attribute(s.item / "f", "user.b", "1"); }}},
    {"remove an extended attribute", {[](S s) { return remove_attribute(s.item / "f", "user.a"); }}},
    {"set an access control list", {[](S s) { return set_list(s.item / "f", kAccessList); }}},
    {"set a default access control list", {[](S s) { return set_list(s.item / "d", kDefaultList); }}},
    {"remove an access control list",
     {[](S s) { return remove_attribute(s.item / "f", kAccessList); }, SystemCall::Changes::home,
      [](S s) { return set_list(s.home / "f", kAccessList); }}},
    {"set user.reprieve.status",
     {[](S s) { return set_attribute(s.item / "analyses/a", "user.reprieve.status", "failed"); }}},
    {"remove user.reprieve.status",
     {[](S s) { return remove_attribute(s.item / "analyses/a", "user.reprieve.status"); }, SystemCall::Changes::home,
      [](S s) { return set_attribute(s.home / "analyses/a", "user.reprieve.status", "complete"); }}},
    {"set user.reprieve.derived_from", {[](S s) {
       return set_attribute(s.item / "analyses/a", "user.reprieve.derived_from", "projects/" + s.name + "/samples/s");
     }}},
};

const std::map<std::string_view, SystemCall> kMoving{
    {"rename a file", {[](S s) { return move_entry(s.item / "f", s.item / "new"); }}},
    {"rename a directory", {[](S s) { return move_entry(s.item / "d", s.item / "new"); }}},
    {"exchange two files", {[](S s) { return exchange_entries(s.item / "f", s.item / "g"); }}},
    {"exchange a file with an own one", {[](S s) { return exchange_entries(s.item / "f", s.own / "mine"); }}},
    {"replace a file", {[](S s) { return move_entry(s.item / "f", s.item / "g"); }}},
    {"move a file of the owner out", {[](S s) { return move_entry(s.item / "f", s.own / "f"); }}},
    {"move a directory of the owner out", {[](S s) { return move_entry(s.item / "d", s.own / "d"); }}},
    {"move an own file in", {[](S s) { return move_entry(s.own / "mine", s.item / "mine"); }}},
    {"move an own file over one", {[](S s) { return move_entry(s.own / "mine", s.item / "g"); }}},
    {"move an own directory in", {[](S s) { return move_entry(s.own / "folder", s.item / "folder"); }}},
    {"rename the project", {[](S s) { return move_entry(s.item, s.item.string() + " renamed"); }, kNothing}},
};

}  // namespace

const std::map<std::string_view, SystemCall>& file_calls() {
  static const auto all = [] {
    std::map<std::string_view, SystemCall> calls;
    for (const auto* part : {&kData, &kMaking, &kAttributes, &kMoving}) calls.insert(part->begin(), part->end());
    return calls;
  }();
  return all;
}

}  // namespace reprieve::test
