// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

CaseGroup unlink_cases() {
  return {"unlink",
          {{"file", [](Transcript& t) { t.create("f"), t.unlink("f"), t.stat("f"), t.list("."), t.stat("."); }},
           {"not there", [](Transcript& t) { t.unlink("f"), t.unlink("no/f"); }},
           {"twice", [](Transcript& t) { t.create("f"), t.unlink("f"), t.unlink("f"); }},
           {"directory", [](Transcript& t) { t.mkdir("d"), t.unlink("d"), t.stat("d"); }},
           {"link, not its target",
            [](Transcript& t) { t.create("f"), t.symlink("f", "l"), t.unlink("l"), t.stat("f"), t.stat("l"); }},
           {"dangling link", [](Transcript& t) { t.symlink("no", "l"), t.unlink("l"), t.list("."); }},
           {"fifo and socket",
            [](Transcript& t) {
              t.mknod("p", S_IFIFO | 0644), t.mknod("s", S_IFSOCK | 0644), t.unlink("p"), t.unlink("s"), t.list(".");
            }},
           {"one of two hard links",
            [](Transcript& t) { t.create("f", "abc"), t.link("f", "g"), t.unlink("f"), t.stat("g"), t.content("g"); }},
           {"both hard links",
            [](Transcript& t) { t.create("f"), t.link("f", "g"), t.unlink("f"), t.unlink("g"), t.list("."); }},
           {"name can be used again",
            [](Transcript& t) {
              t.create("f", "old", 0600), t.unlink("f"), t.create("f", "newer"), t.stat("f"), t.content("f");
            }},
           {"name can become a directory",
            [](Transcript& t) { t.create("f"), t.unlink("f"), t.mkdir("f"), t.stat("f"), t.list("."); }},
           {"below a file", [](Transcript& t) { t.create("f"), t.unlink("f/g"); }},
           {"trailing slash", [](Transcript& t) { t.create("f"), t.unlink("f/"), t.stat("f"); }},
           {"read-only file", [](Transcript& t) { t.create("f", "", 0400), t.unlink("f"), t.stat("f"); }},
           {"dot", [](Transcript& t) { t.unlink("."), t.unlink(".."); }}}};
}

// The file that these cases work on has no name any more and is open as `f`.
Case unlinked(const std::string& name, const std::function<void(Transcript&, int)>& calls) {
  return {name, [calls](Transcript& t) {
            const int f = t.open("f", O_CREAT | O_RDWR, 0644);
            t.write(f, "abcdef"), t.unlink("f"), calls(t, f);
          }};
}

CaseGroup unlinked_cases() {
  return {
      "unlinked_open_file",
      {unlinked("no links are left", [](Transcript& t, int f) { t.fstat(f); }),
       unlinked("read", [](Transcript& t, int f) { t.pread(f, 10, 0), t.read(f, 10); }),
       unlinked("write", [](Transcript& t, int f) { t.write(f, "ghi"), t.pread(f, 20, 0), t.fstat(f); }),
       unlinked("ftruncate", [](Transcript& t, int f) { t.ftruncate(f, 3), t.pread(f, 20, 0), t.fstat(f); }),
       unlinked("grow", [](Transcript& t, int f) { t.ftruncate(f, 10), t.pread(f, 20, 0), t.fstat(f); }),
       unlinked("fchmod", [](Transcript& t, int f) { t.note("fchmod", ::fchmod(f, 0600)), t.fstat(f); }),
       unlinked("fchown", [](Transcript& t, int f) { t.note("fchown", ::fchown(f, 5, 6)), t.fstat(f); }),
       unlinked("futimens",
                [](Transcript& t, int f) {
                  const timespec times[2] = {{1000, 1}, {2000, 2}};
                  t.note("futimens", ::futimens(f, times));
                  struct stat status {};
                  ::fstat(f, &status);
                  t.note("seconds", status.st_mtim.tv_sec), t.note("nanoseconds", status.st_mtim.tv_nsec);
                }),
       unlinked("xattr",
                [](Transcript& t, int f) {
                  t.note("fsetxattr", ::fsetxattr(f, "user.a", "1", 1, 0));
                  char value[8];
                  t.note("fgetxattr", ::fgetxattr(f, "user.a", value, sizeof value));
                }),
       unlinked("fsync", [](Transcript& t, int f) { t.write(f, "x"), t.note("fsync", ::fsync(f)); }),
       unlinked("fallocate", [](Transcript& t, int f) { t.fallocate(f, 0, 0, 8192), t.fstat(f); }),
       unlinked("the name is free",
                [](Transcript& t, int f) { t.create("f", "other"), t.pread(f, 10, 0), t.content("f"), t.fstat(f); }),
       unlinked("cannot be linked back by number",
                [](Transcript& t, int f) {
                  const std::string path = "/proc/self/fd/" + std::to_string(f);
                  t.note("linkat", ::linkat(AT_FDCWD, path.c_str(), AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
                }),
       {"removed directory takes its open file along",
        [](Transcript& t) {
          t.mkdir("d");
          const int f = t.open("d/f", O_CREAT | O_RDWR, 0644);
          t.unlink("d/f"), t.rmdir("d"), t.write(f, "abc"), t.pread(f, 10, 0);
        }},
       {"replaced by a rename",
        [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR, 0644);
          t.write(f, "old"), t.create("g", "new"), t.rename("g", "f"), t.fstat(f), t.pread(f, 10, 0), t.content("f");
          t.write(f, "er"), t.pread(f, 10, 0);
        }},
       {"one of two links is gone",
        [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR, 0644);
          t.link("f", "g"), t.fstat(f), t.unlink("f"), t.fstat(f), t.write(f, "abc"), t.content("g");
        }},
       {"unlinked by another process", [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR, 0644);
          t.write(f, "abc"), t.in_child([](Transcript& c) { c.unlink("f"); }), t.fstat(f), t.pread(f, 10, 0),
              t.write(f, "d");
        }}}};
}

}  // namespace

std::vector<CaseGroup> removal_cases() { return {unlink_cases(), unlinked_cases()}; }

}  // namespace reprieve::test
