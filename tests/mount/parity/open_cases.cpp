// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

CaseGroup create_cases() {
  return {"create",
          {{"fresh", [](Transcript& t) { t.create("f"), t.stat("f"), t.list("."), t.stat("."); }},
           {"with content", [](Transcript& t) { t.create("f", "abc"), t.stat("f"), t.content("f"); }},
           {"mode is cut by the umask", [](Transcript& t) { t.create("f", "", 0666), t.stat("f"); }},
           {"set-id and sticky bits", [](Transcript& t) { t.create("f", "", 07755), t.stat("f"); }},
           {"mode 0", [](Transcript& t) { t.create("f", "abc", 0), t.stat("f"), t.content("f"); }},
           {"read-only mode, still written by its creator",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_EXCL | O_WRONLY, 0400);
              t.write(f, "abc"), t.stat("f"), t.content("f");
            }},
           {"exclusive over a file", [](Transcript& t) { t.create("f", "abc"), t.create("f", "x"), t.content("f"); }},
           {"exclusive over a dangling link", [](Transcript& t) { t.symlink("to", "l"), t.create("l"), t.stat("to"); }},
           {"through a dangling link",
            [](Transcript& t) { t.symlink("to", "l"), t.open("l", O_CREAT | O_WRONLY), t.stat("to"), t.stat("l"); }},
           {"over a directory", [](Transcript& t) { t.mkdir("d"), t.open("d", O_CREAT | O_WRONLY), t.create("d"); }},
           {"below nothing", [](Transcript& t) { t.create("no/f"); }},
           {"below a file", [](Transcript& t) { t.create("f"), t.create("f/g"); }},
           {"trailing slash", [](Transcript& t) { t.create("f/"), t.stat("f"); }},
           {"opens what is there without O_EXCL", [](Transcript& t) {
              t.create("f", "abc");
              const int f = t.open("f", O_CREAT | O_RDWR, 0600);
              t.read(f, 10), t.stat("f");
            }}}};
}

CaseGroup open_flag_cases() {
  return {"open",
          {{"not there",
            [](Transcript& t) { t.open("f", O_RDONLY), t.open("f", O_WRONLY), t.open("f", O_TRUNC | O_RDWR); }},
           {"read-only refuses writing",
            [](Transcript& t) {
              t.create("f", "abc");
              const int f = t.open("f", O_RDONLY);
              t.write(f, "x"), t.ftruncate(f, 0), t.read(f, 10);
            }},
           {"write-only refuses reading",
            [](Transcript& t) {
              t.create("f", "abc");
              const int f = t.open("f", O_WRONLY);
              t.read(f, 10), t.write(f, "x"), t.content("f");
            }},
           {"O_TRUNC",
            [](Transcript& t) { t.create("f", "abc"), t.open("f", O_WRONLY | O_TRUNC), t.stat("f"), t.content("f"); }},
           {"O_TRUNC with O_RDONLY",
            [](Transcript& t) { t.create("f", "abc"), t.open("f", O_RDONLY | O_TRUNC), t.stat("f"); }},
           {"O_TRUNC while another has it open",
            [](Transcript& t) {
              t.create("f", "abcdef");
              const int reader = t.open("f", O_RDONLY);
              t.read(reader, 2), t.open("f", O_WRONLY | O_TRUNC), t.read(reader, 2), t.fstat(reader);
            }},
           {"O_TRUNC of a hard link reaches both names",
            [](Transcript& t) {
              t.create("f", "abc"), t.link("f", "g"), t.open("f", O_WRONLY | O_TRUNC), t.stat("g"), t.content("g");
            }},
           {"O_CREAT with O_TRUNC",
            [](Transcript& t) { t.create("f", "abc"), t.open("f", O_CREAT | O_TRUNC | O_WRONLY), t.stat("f"); }},
           {"O_DIRECTORY",
            [](Transcript& t) { t.create("f"), t.mkdir("d"), t.open("f", O_DIRECTORY), t.open("d", O_DIRECTORY); }},
           {"O_NOFOLLOW",
            [](Transcript& t) {
              t.create("f"), t.symlink("f", "l"), t.open("l", O_RDONLY | O_NOFOLLOW), t.open("l", O_RDONLY);
            }},
           {"O_PATH",
            [](Transcript& t) {
              t.create("f", "abc");
              const int f = t.open("f", O_PATH);
              t.read(f, 1), t.fstat(f);
            }},
           {"O_EXCL alone", [](Transcript& t) { t.create("f"), t.open("f", O_RDONLY | O_EXCL); }},
           {"loop of links",
            [](Transcript& t) { t.symlink("b", "a"), t.symlink("a", "b"), t.open("a", O_RDONLY), t.stat("a", 0); }},
           {"fifo without a reader",
            [](Transcript& t) {
              t.mknod("p", S_IFIFO | 0644), t.open("p", O_WRONLY | O_NONBLOCK), t.open("p", O_RDONLY | O_NONBLOCK);
            }},
           {"data through a fifo",
            [](Transcript& t) {
              t.mknod("p", S_IFIFO | 0644);
              const int reader = t.open("p", O_RDONLY | O_NONBLOCK);
              const int writer = t.open("p", O_WRONLY | O_NONBLOCK);
              t.write(writer, "abc"), t.read(reader, 10), t.stat("p");
            }},
           {"socket", [](Transcript& t) { t.mknod("s", S_IFSOCK | 0644), t.open("s", O_RDONLY), t.stat("s"); }},
           {"trailing slash on a file", [](Transcript& t) { t.create("f"), t.open("f/", O_RDONLY), t.stat("f/"); }},
           {"many opens of one file at once", [](Transcript& t) {
              t.create("f", "abc");
              for (int i = 0; i < 50; ++i) t.read(t.open("f", i % 2 == 0 ? O_RDONLY : O_RDWR), 3);
            }}}};
}

CaseGroup sync_cases() {
  return {"sync",
          {{"fsync",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_WRONLY);
              t.write(f, "abc"), t.note("fsync", ::fsync(f)), t.note("fdatasync", ::fdatasync(f));
            }},
           {"fsync of a read-only descriptor",
            [](Transcript& t) {
              t.create("f", "abc");
              t.note("fsync", ::fsync(t.open("f", O_RDONLY)));
            }},
           {"fsync of a directory",
            [](Transcript& t) {
              t.mkdir("d"), t.create("d/f");
              const int d = t.open("d", O_RDONLY | O_DIRECTORY);
              t.note("fsync", ::fsync(d)), t.note("fdatasync", ::fdatasync(d));
            }},
           {"syncfs", [](Transcript& t) { t.note("syncfs", ::syncfs(t.open(".", O_RDONLY))); }},
           {"sync_file_range",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_WRONLY);
              t.write(f, "abc"), t.note("sync_file_range", ::sync_file_range(f, 0, 0, SYNC_FILE_RANGE_WRITE));
            }},
           {"O_SYNC and O_DSYNC", [](Transcript& t) {
              t.write(t.open("f", O_CREAT | O_WRONLY | O_SYNC), "abc"), t.content("f");
              t.write(t.open("f", O_WRONLY | O_DSYNC), "xy"), t.content("f");
            }}}};
}

CaseGroup mknod_cases() {
  return {"mknod",
          {{"regular file", [](Transcript& t) { t.mknod("f", S_IFREG | 0640), t.stat("f"), t.content("f"); }},
           {"type 0 is a regular file", [](Transcript& t) { t.mknod("f", 0640), t.stat("f"); }},
           {"fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0666), t.stat("p"); }},
           {"socket", [](Transcript& t) { t.mknod("s", S_IFSOCK | 0600), t.stat("s"); }},
           {"character device", [](Transcript& t) { t.mknod("c", S_IFCHR | 0600, makedev(1, 3)), t.stat("c"); }},
           {"block device", [](Transcript& t) { t.mknod("b", S_IFBLK | 0600, makedev(7, 200)), t.stat("b"); }},
           {"big device number", [](Transcript& t) { t.mknod("c", S_IFCHR | 0600, makedev(300, 70000)), t.stat("c"); }},
           {"directory", [](Transcript& t) { t.mknod("d", S_IFDIR | 0755), t.stat("d"); }},
           {"over a name", [](Transcript& t) { t.create("f"), t.mknod("f", S_IFIFO | 0644), t.stat("f"); }},
           {"below nothing", [](Transcript& t) { t.mknod("no/f", S_IFIFO | 0644); }},
           {"mode is cut by the umask", [](Transcript& t) { t.mknod("p", S_IFIFO | 07777), t.stat("p"); }}}};
}

}  // namespace

std::vector<CaseGroup> open_cases() { return {create_cases(), open_flag_cases(), sync_cases(), mknod_cases()}; }

}  // namespace reprieve::test
