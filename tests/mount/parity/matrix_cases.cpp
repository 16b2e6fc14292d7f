// SPDX-License-Identifier: Apache-2.0
// The calls that are made on everything that a path can lead to.
#include <fcntl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

constexpr uid_t kSameUser = static_cast<uid_t>(-1);
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

using Path = const std::string&;

CaseGroup attribute_matrix() {
  return matrix(
      "matrix_of_attributes",
      {{"chmod", [](Transcript& t, Path p) { t.chmod(p, 0640); }},
       {"chmod with set-id bits", [](Transcript& t, Path p) { t.chmod(p, 07711); }},
       {"chown to the caller's", [](Transcript& t, Path p) { t.chown(p, ::geteuid(), ::getegid()); }},
       {"chown of the group alone", [](Transcript& t, Path p) { t.chown(p, kSameUser, kOtherGroup); }},
       {"chown of nothing", [](Transcript& t, Path p) { t.chown(p, kSameUser, kSameGroup); }},
       {"lchown of nothing", [](Transcript& t, Path p) { t.chown(p, kSameUser, kSameGroup, AT_SYMLINK_NOFOLLOW); }},
       {"lchown to another", [](Transcript& t, Path p) { t.chown(p, kStranger, kSameGroup, AT_SYMLINK_NOFOLLOW); }},
       {"utimens",
        [](Transcript& t, Path p) {
          t.set_times(p, {11, 12}, {13, 14});
        }},
       {"utimens to now",
        [](Transcript& t, Path p) {
          t.set_times(p, {0, UTIME_NOW}, {0, UTIME_NOW});
        }},
       {"utimens of one to now",
        [](Transcript& t, Path p) {
          t.set_times(p, {0, UTIME_NOW}, {0, UTIME_OMIT});
        }},
       {"utimens of nothing",
        [](Transcript& t, Path p) {
          t.set_times(p, {0, UTIME_OMIT}, {0, UTIME_OMIT});
        }},
       {"utimens of the link",
        [](Transcript& t, Path p) {
          t.set_times(p, {-5, 5}, {1LL << 32, 7}, AT_SYMLINK_NOFOLLOW);
        }},
       {"truncate", [](Transcript& t, Path p) { t.truncate(p, 1); }},
       {"truncate to more", [](Transcript& t, Path p) { t.truncate(p, 100000); }},
       {"truncate to a negative size", [](Transcript& t, Path p) { t.truncate(p, -1); }},
       {"setxattr", [](Transcript& t, Path p) { t.set_xattr(p, "user.a", "1"), t.get_xattr(p, "user.a"); }},
       {"setxattr of a trusted one", [](Transcript& t, Path p) { t.set_xattr(p, "trusted.a", "1"), t.list_xattrs(p); }},
       {"removexattr", [](Transcript& t, Path p) { t.remove_xattr(p, "user.a"); }}});
}

// Through a descriptor that is opened for the call.
PathCall opened(const std::string& name, int flags, std::function<void(Transcript&, int)> call) {
  return {name, [flags, call = std::move(call)](Transcript& t, Path p) {
            const int file = t.open(p, flags | O_NONBLOCK);
            if (file >= 0) call(t, file), t.fstat(file);
          }};
}

CaseGroup descriptor_matrix() {
  return matrix(
      "matrix_of_descriptors",
      {opened("write", O_WRONLY, [](Transcript& t, int f) { t.write(f, "x"); }),
       opened("write of nothing", O_WRONLY, [](Transcript& t, int f) { t.write(f, ""); }),
       opened("append", O_WRONLY | O_APPEND, [](Transcript& t, int f) { t.write(f, "xyz"); }),
       opened("ftruncate", O_WRONLY, [](Transcript& t, int f) { t.ftruncate(f, 1); }),
       opened("ftruncate to the same size", O_RDWR, [](Transcript& t, int f) { t.ftruncate(f, 3); }),
       opened("ftruncate of what is read", O_RDONLY, [](Transcript& t, int f) { t.ftruncate(f, 1); }),
       opened("fallocate", O_WRONLY, [](Transcript& t, int f) { t.fallocate(f, 0, 0, 100); }),
       opened("fallocate that keeps the size", O_RDWR, [](Transcript& t, int f) { t.fallocate(f, 1, 0, 100); }),
       opened("fallocate of nothing", O_WRONLY, [](Transcript& t, int f) { t.fallocate(f, 0, 0, 0); }),
       opened("posix_fallocate", O_WRONLY,
              [](Transcript& t, int f) { t.note("posix_fallocate", ::posix_fallocate(f, 2, 50)); }),
       opened("fchmod", O_RDONLY, [](Transcript& t, int f) { t.note("fchmod", ::fchmod(f, 06711)); }),
       opened("fchown", O_RDONLY, [](Transcript& t, int f) { t.note("fchown", ::fchown(f, kSameUser, kOtherGroup)); }),
       opened("fchown of nothing", O_RDONLY,
              [](Transcript& t, int f) { t.note("fchown", ::fchown(f, kSameUser, kSameGroup)); }),
       opened("futimens", O_RDONLY, [](Transcript& t, int f) { t.note("futimens", ::futimens(f, nullptr)); }),
       opened("fsetxattr", O_RDONLY,
              [](Transcript& t, int f) { t.note("fsetxattr", ::fsetxattr(f, "user.a", "1", 1, 0)); }),
       opened("fchmod of a path", O_PATH, [](Transcript& t, int f) { t.note("fchmod", ::fchmod(f, 0600)); }),
       opened("read of nothing", O_RDONLY, [](Transcript& t, int f) { t.read(f, 0); })});
}

CaseGroup look_matrix() {
  return matrix("matrix_of_looks",
                {{"stat", [](Transcript& t, Path p) { t.stat(p, 0), t.stat(p); }},
                 {"access", [](Transcript& t,
                               Path p) { t.access(p, F_OK), t.access(p, R_OK), t.access(p, W_OK), t.access(p, X_OK); }},
                 {"readlink", [](Transcript& t, Path p) { t.readlink(p), t.readlink(p, 1); }},
                 {"list", [](Transcript& t, Path p) { t.list(p); }},
                 {"chdir",
                  [](Transcript& t, Path p) {
                    const FileDescriptor here(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                    t.chdir(p), t.note("back", ::fchdir(here.get()));
                  }},
                 {"statfs", [](Transcript& t, Path p) {
                    struct statfs figures {};
                    t.note("statfs", ::statfs(p.c_str(), &figures));
                  }}});
}

PathCall opening(const std::string& name, int flags) {
  return {name, [flags](Transcript& t, Path p) {
            const int file = t.open(p, flags | O_NONBLOCK);
            if (file >= 0) t.fstat(file);
          }};
}

CaseGroup open_matrix() {
  return matrix(
      "matrix_of_opens",
      {opening("open for reading", O_RDONLY), opening("open for writing", O_WRONLY),
       opening("open and truncate", O_WRONLY | O_TRUNC), opening("open for reading and truncate", O_RDONLY | O_TRUNC),
       opening("create", O_WRONLY | O_CREAT), opening("create exclusively", O_RDWR | O_CREAT | O_EXCL),
       opening("open without following", O_RDONLY | O_NOFOLLOW), opening("open a directory", O_RDONLY | O_DIRECTORY),
       opening("create a directory", O_RDONLY | O_DIRECTORY | O_CREAT), opening("open a path", O_PATH),
       opening("open the path of a link", O_PATH | O_NOFOLLOW), opening("open directly", O_RDWR | O_DIRECT),
       opening("open without access time", O_RDONLY | O_NOATIME), opening("create without a name", O_RDWR | O_TMPFILE),
       opening("create without a name, read-only", O_TMPFILE)});
}

CaseGroup making_matrix() {
  return matrix("matrix_of_making",
                {{"mkdir", [](Transcript& t, Path p) { t.mkdir(p, 0777); }},
                 {"mkdir with odd bits", [](Transcript& t, Path p) { t.mkdir(p, 07700); }},
                 {"mkfifo", [](Transcript& t, Path p) { t.mknod(p, S_IFIFO | 0666); }},
                 {"mknod of a file", [](Transcript& t, Path p) { t.mknod(p, S_IFREG | 06755); }},
                 {"mknod of a device", [](Transcript& t, Path p) { t.mknod(p, S_IFBLK | 0600, 0x7c8); }},
                 {"mknod of a directory", [](Transcript& t, Path p) { t.mknod(p, S_IFDIR | 0755); }},
                 {"mknod of a socket", [](Transcript& t, Path p) { t.mknod(p, S_IFSOCK | 02755); }},
                 {"mknod of a link", [](Transcript& t, Path p) { t.mknod(p, S_IFLNK | 0777); }},
                 {"mknod of no type", [](Transcript& t, Path p) { t.mknod(p, 0170000 | 0644); }},
                 {"mkdir in it", [](Transcript& t, Path p) { t.mkdir(p + "/in", 02777); }},
                 {"create in it", [](Transcript& t, Path p) { t.create(p + "/in", "abc", 06777); }},
                 {"symlink", [](Transcript& t, Path p) { t.symlink("target", p); }},
                 {"symlink to nothing", [](Transcript& t, Path p) { t.symlink("", p); }},
                 {"symlink that is too long", [](Transcript& t, Path p) { t.symlink(std::string(4096, 'x'), p); }}});
}

CaseGroup removing_matrix() {
  return matrix("matrix_of_removing",
                {{"unlink", [](Transcript& t, Path p) { t.unlink(p); }},
                 {"rmdir", [](Transcript& t, Path p) { t.rmdir(p); }},
                 {"remove twice", [](Transcript& t, Path p) { t.unlink(p), t.rmdir(p), t.unlink(p), t.rmdir(p); }},
                 {"unlinkat with a wrong flag", [](Transcript& t, Path p) { t.unlinkat(p, 1); }}});
}

CaseGroup rename_matrix() {
  return pair_matrix(
      "matrix_of_renames",
      {{"rename", [](Transcript& t, Path from, Path to) { t.rename(from, to); }},
       {"rename to a free name", [](Transcript& t, Path from, Path to) { t.rename(from, to, RENAME_NOREPLACE); }},
       {"exchange", [](Transcript& t, Path from, Path to) { t.rename(from, to, RENAME_EXCHANGE); }}});
}

CaseGroup link_matrix() {
  return pair_matrix("matrix_of_links", {{"link", [](Transcript& t, Path from, Path to) { t.link(from, to); }}});
}

}  // namespace

std::vector<CaseGroup> matrix_cases() {
  return {attribute_matrix(), descriptor_matrix(), look_matrix(),   open_matrix(),
          making_matrix(),    removing_matrix(),   rename_matrix(), link_matrix()};
}

}  // namespace reprieve::test
