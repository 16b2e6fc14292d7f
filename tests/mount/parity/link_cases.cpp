// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

CaseGroup hard_link_cases() {
  return {
      "link",
      {{"file",
        [](Transcript& t) {
          t.create("a", "abc"), t.link("a", "b"), t.stat("a"), t.stat("b"), t.same_inode("a", "b"), t.content("b");
        }},
       {"three names",
        [](Transcript& t) {
          t.create("a"), t.link("a", "b"), t.link("b", "c"), t.stat("a"), t.unlink("a"), t.stat("c");
        }},
       {"into another directory",
        [](Transcript& t) {
          t.mkdir("d"), t.create("a", "abc"), t.link("a", "d/b"), t.stat("d/b"), t.stat("."), t.list("d");
        }},
       {"not there", [](Transcript& t) { t.link("a", "b"), t.create("a"), t.link("a", "no/b"); }},
       {"over a file",
        [](Transcript& t) { t.create("a", "a"), t.create("b", "b"), t.link("a", "b"), t.content("b"), t.stat("a"); }},
       {"over itself", [](Transcript& t) { t.create("a"), t.link("a", "a"), t.stat("a"); }},
       {"over a directory", [](Transcript& t) { t.create("a"), t.mkdir("d"), t.link("a", "d"); }},
       {"directory", [](Transcript& t) { t.mkdir("d"), t.link("d", "e"), t.stat("d"); }},
       {"link itself",
        [](Transcript& t) {
          t.create("f"), t.symlink("f", "l"), t.link("l", "m"), t.stat("m"), t.readlink("m"), t.stat("l"), t.stat("f");
        }},
       {"target of a link",
        [](Transcript& t) {
          t.create("f", "abc"), t.symlink("f", "l"), t.link("l", "m", AT_SYMLINK_FOLLOW), t.stat("m"), t.stat("f");
        }},
       {"fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0644), t.link("p", "q"), t.stat("q"); }},
       {"change through one name shows in the other",
        [](Transcript& t) {
          t.create("a", "abc"), t.link("a", "b"), t.chmod("a", 0600), t.truncate("b", 1), t.stat("a"), t.stat("b"),
              t.set_xattr("a", "user.x", "1"), t.get_xattr("b", "user.x");
        }},
       {"write through one name shows in the other",
        [](Transcript& t) {
          t.create("a", "abc"), t.link("a", "b");
          t.write(t.open("a", O_WRONLY | O_APPEND), "def"), t.content("b"), t.stat("b");
        }},
       {"while open",
        [](Transcript& t) {
          const int f = t.open("a", O_CREAT | O_RDWR);
          t.link("a", "b"), t.fstat(f), t.write(f, "abc"), t.content("b");
        }},
       {"by descriptor",
        [](Transcript& t) {
          const int f = t.open("a", O_CREAT | O_RDWR);
          t.link("/proc/self/fd/" + std::to_string(f), "b", AT_SYMLINK_FOLLOW), t.stat("b");
        }},
       {"100 names", [](Transcript& t) {
          t.create("a");
          for (int i = 0; i < 100; ++i) ::link("a", ("n" + std::to_string(i)).c_str());
          t.stat("a"), t.stat("n99");
        }}}};
}

CaseGroup symlink_cases() {
  return {
      "symlink",
      {{"to a file",
        [](Transcript& t) {
          t.create("f", "abc"), t.symlink("f", "l"), t.stat("l"), t.stat("l", 0), t.readlink("l"), t.content("l");
        }},
       {"to a directory",
        [](Transcript& t) {
          t.mkdir("d"), t.create("d/f"), t.symlink("d", "l"), t.list("l"), t.stat("l/f"), t.stat("l/");
        }},
       {"to nothing", [](Transcript& t) { t.symlink("no/where", "l"), t.stat("l"), t.stat("l", 0), t.readlink("l"); }},
       {"absolute", [](Transcript& t) { t.symlink("/dev/null", "l"), t.stat("l", 0), t.readlink("l"); }},
       {"over a name", [](Transcript& t) { t.create("f"), t.symlink("x", "f"), t.stat("f"); }},
       {"empty target", [](Transcript& t) { t.symlink("", "l"); }},
       {"target of 4095 bytes",
        [](Transcript& t) { t.symlink(std::string(4095, 'x'), "l"), t.stat("l"), t.readlink("l"); }},
       {"target of 4096 bytes", [](Transcript& t) { t.symlink(std::string(4096, 'x'), "l"), t.stat("l"); }},
       {"odd bytes in the target",
        [](Transcript& t) { t.symlink("a\xff\n\x01 b", "l"), t.readlink("l"), t.stat("l"); }},
       {"short buffer", [](Transcript& t) { t.symlink("abcdef", "l"), t.readlink("l", 3); }},
       {"readlink of a file",
        [](Transcript& t) { t.create("f"), t.mkdir("d"), t.readlink("f"), t.readlink("d"), t.readlink("no"); }},
       {"to itself", [](Transcript& t) { t.symlink("l", "l"), t.stat("l", 0), t.open("l", O_RDONLY); }},
       {"mode and owner",
        [](Transcript& t) { t.symlink("x", "l"), t.chown("l", 7, 8, AT_SYMLINK_NOFOLLOW), t.stat("l"); }},
       {"again after unlink",
        [](Transcript& t) {
          t.symlink("one", "l"), t.readlink("l"), t.unlink("l"), t.symlink("other", "l"), t.readlink("l"), t.stat("l");
        }},
       {"over a link by rename", [](Transcript& t) {
          t.symlink("one", "l"), t.readlink("l"), t.symlink("other", "m"), t.rename("m", "l"), t.readlink("l");
        }}}};
}

}  // namespace

std::vector<CaseGroup> link_cases() { return {hard_link_cases(), symlink_cases()}; }

}  // namespace reprieve::test
