// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

constexpr timespec kNow{0, UTIME_NOW};
constexpr timespec kOmit{0, UTIME_OMIT};

// The times themselves, for those that a case has set.
void times(Transcript& t, const std::string& path) {
  struct stat status {};
  t.note("times of " + path, ::lstat(path.c_str(), &status));
  t.note("  atime", std::to_string(status.st_atim.tv_sec) + "." + std::to_string(status.st_atim.tv_nsec));
  t.note("  mtime", std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec));
}

CaseGroup chmod_cases() {
  return {"chmod",
          {{"file", [](Transcript& t) { t.create("f"), t.chmod("f", 0600), t.stat("f"); }},
           {"directory", [](Transcript& t) { t.mkdir("d"), t.chmod("d", 0700), t.stat("d"); }},
           {"every bit",
            [](Transcript& t) { t.create("f"), t.chmod("f", 07777), t.stat("f"), t.chmod("f", 0), t.stat("f"); }},
           {"sticky and set-gid directory",
            [](Transcript& t) { t.mkdir("d"), t.chmod("d", 01777), t.stat("d"), t.chmod("d", 02775), t.stat("d"); }},
           {"follows a link",
            [](Transcript& t) { t.create("f"), t.symlink("f", "l"), t.chmod("l", 0640), t.stat("f"), t.stat("l"); }},
           {"not there", [](Transcript& t) { t.chmod("f", 0600), t.symlink("no", "l"), t.chmod("l", 0600); }},
           {"by descriptor",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              t.note("fchmod", ::fchmod(f, 0444)), t.stat("f"), t.write(f, "abc"), t.content("f");
            }},
           {"of a fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0644), t.chmod("p", 0600), t.stat("p"); }},
           {"keeps the size",
            [](Transcript& t) { t.create("f", "abc"), t.chmod("f", 0600), t.stat("f"), t.content("f"); }}}};
}

CaseGroup chown_cases() {
  return {"chown",
          {{"both", [](Transcript& t) { t.create("f"), t.chown("f", 11, 22), t.stat("f"); }},
           {"user only", [](Transcript& t) { t.create("f"), t.chown("f", 11, static_cast<gid_t>(-1)), t.stat("f"); }},
           {"group only", [](Transcript& t) { t.create("f"), t.chown("f", static_cast<uid_t>(-1), 22), t.stat("f"); }},
           {"neither",
            [](Transcript& t) {
              t.create("f"), t.chown("f", static_cast<uid_t>(-1), static_cast<gid_t>(-1)), t.stat("f");
            }},
           {"directory",
            [](Transcript& t) { t.mkdir("d"), t.chown("d", 11, 22), t.stat("d"), t.create("d/f"), t.stat("d/f"); }},
           {"link itself",
            [](Transcript& t) {
              t.create("f"), t.symlink("f", "l"), t.chown("l", 11, 22, AT_SYMLINK_NOFOLLOW), t.stat("l"), t.stat("f");
            }},
           {"through a link",
            [](Transcript& t) { t.create("f"), t.symlink("f", "l"), t.chown("l", 11, 22), t.stat("l"), t.stat("f"); }},
           {"drops the set-id bits of a program",
            [](Transcript& t) { t.create("f", "", 0755), t.chmod("f", 06755), t.chown("f", 11, 22), t.stat("f"); }},
           {"set-gid without group execution stays",
            [](Transcript& t) { t.create("f"), t.chmod("f", 02644), t.chown("f", 11, 22), t.stat("f"); }},
           {"set-gid of a directory stays",
            [](Transcript& t) { t.mkdir("d"), t.chmod("d", 02775), t.chown("d", 11, 22), t.stat("d"); }},
           {"large numbers", [](Transcript& t) { t.create("f"), t.chown("f", 4000000000U, 4000000001U), t.stat("f"); }},
           {"not there", [](Transcript& t) { t.chown("f", 1, 1); }}}};
}

CaseGroup truncate_cases() {
  return {
      "truncate",
      {{"shorter", [](Transcript& t) { t.create("f", "abcdef"), t.truncate("f", 2), t.stat("f"), t.content("f"); }},
       {"longer", [](Transcript& t) { t.create("f", "abc"), t.truncate("f", 6), t.stat("f"), t.content("f"); }},
       {"to the same size", [](Transcript& t) { t.create("f", "abc"), t.truncate("f", 3), t.stat("f"); }},
       {"to nothing", [](Transcript& t) { t.create("f", "abc"), t.truncate("f", 0), t.stat("f"), t.content("f"); }},
       {"shorter and longer leaves zeros",
        [](Transcript& t) { t.create("f", "abcdef"), t.truncate("f", 2), t.truncate("f", 6), t.content("f"); }},
       {"far", [](Transcript& t) { t.create("f"), t.truncate("f", off_t{1} << 40), t.stat("f"), t.sparseness("f"); }},
       {"negative", [](Transcript& t) { t.create("f"), t.truncate("f", -1); }},
       {"beyond what a file can hold", [](Transcript& t) { t.create("f"), t.truncate("f", INT64_MAX), t.stat("f"); }},
       {"directory", [](Transcript& t) { t.mkdir("d"), t.truncate("d", 0); }},
       {"not there", [](Transcript& t) { t.truncate("f", 0); }},
       {"fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0644), t.truncate("p", 0); }},
       {"through a link",
        [](Transcript& t) { t.create("f", "abc"), t.symlink("f", "l"), t.truncate("l", 1), t.stat("f"); }},
       {"by descriptor",
        [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.write(f, "abcdef"), t.ftruncate(f, 3), t.fstat(f), t.write(f, "x"), t.content("f"), t.stat("f");
        }},
       {"descriptor that only reads",
        [](Transcript& t) { t.create("f", "abc"), t.ftruncate(t.open("f", O_RDONLY), 0), t.stat("f"); }},
       {"while another writes", [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.write(f, "abcdef"), t.truncate("f", 1), t.fstat(f), t.pwrite(f, "z", 3), t.content("f");
        }}}};
}

CaseGroup utimens_cases() {
  constexpr timespec kA{1234567890, 123456789};
  constexpr timespec kB{987654321, 987654321};
  return {
      "utimens",
      {{"both, to the nanosecond", [=](Transcript& t) { t.create("f"), t.set_times("f", kA, kB), times(t, "f"); }},
       {"directory", [=](Transcript& t) { t.mkdir("d"), t.set_times("d", kA, kB), times(t, "d"); }},
       {"link itself",
        [=](Transcript& t) {
          t.create("f"), t.symlink("f", "l"), t.set_times("l", kA, kB, AT_SYMLINK_NOFOLLOW), times(t, "l");
        }},
       {"through a link",
        [=](Transcript& t) { t.create("f"), t.symlink("f", "l"), t.set_times("l", kA, kB), times(t, "f"); }},
       {"fifo", [=](Transcript& t) { t.mknod("p", S_IFIFO | 0644), t.set_times("p", kA, kB), times(t, "p"); }},
       {"omit the access time",
        [=](Transcript& t) { t.create("f"), t.set_times("f", kA, kB), t.set_times("f", kOmit, kA), times(t, "f"); }},
       {"omit the modification time",
        [=](Transcript& t) { t.create("f"), t.set_times("f", kA, kB), t.set_times("f", kB, kOmit), times(t, "f"); }},
       {"omit both",
        [=](Transcript& t) {
          t.create("f"), t.set_times("f", kA, kB), t.watch({"f"}), t.set_times("f", kOmit, kOmit), t.changes();
        }},
       {"now", [](Transcript& t) { t.create("f"), t.watch({"f"}), t.set_times("f", kNow, kNow), t.changes(); }},
       {"now and omit",
        [](Transcript& t) {
          t.create("f"), t.watch({"f"}), t.set_times("f", kNow, kOmit), t.changes(), t.watch({"f"}),
              t.set_times("f", kOmit, kNow), t.changes();
        }},
       {"now of a directory",
        [](Transcript& t) { t.mkdir("d"), t.watch({"d"}), t.set_times("d", kNow, kNow), t.changes(); }},
       {"before the epoch",
        [](Transcript& t) {
          t.create("f"), t.set_times("f", {-86400, 5}, {-1, 999999999}), times(t, "f");
        }},
       {"beyond 2038",
        [](Transcript& t) {
          t.create("f"), t.set_times("f", {4102444800, 7}, {5000000000, 8}), times(t, "f");
        }},
       {"nanoseconds out of range",
        [=](Transcript& t) {
          t.create("f"), t.set_times("f", {1, 1000000000}, kA), t.set_times("f", {1, -5}, kA);
        }},
       {"not there", [=](Transcript& t) { t.set_times("f", kA, kB); }},
       {"after a write and a close",
        [=](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.write(f, "abc"), t.close(f), t.set_times("f", kA, kB), times(t, "f"), t.content("f");
        }},
       {"of a file open for writing",
        [=](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.write(f, "abc"), t.set_times("f", kA, kB), t.close(f), times(t, "f");
        }},
       {"with futimes", [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          const timeval set[2] = {{1000, 5}, {2000, 6}};
          t.note("futimes", ::futimes(f, set)), times(t, "f");
        }}}};
}

CaseGroup statfs_cases() {
  return {"statfs",
          {{"names and flags",
            [](Transcript& t) {
              struct statvfs figures {};
              t.note("statvfs", ::statvfs(".", &figures));
              t.note("longest name", static_cast<std::int64_t>(figures.f_namemax));
              t.note("has blocks", figures.f_blocks > 0 && figures.f_frsize > 0 ? 1 : 0);
              t.note("read-only", (figures.f_flag & ST_RDONLY) != 0 ? 1 : 0);
            }},
           {"of a file",
            [](Transcript& t) {
              t.create("f");
              struct statvfs figures {};
              t.note("statvfs", ::statvfs("f", &figures));
              t.note("fstatvfs", ::fstatvfs(t.open("f", O_RDONLY), &figures));
            }},
           {"free space shrinks with data",
            [](Transcript& t) {
              struct statvfs before {};
              struct statvfs after {};
              const int f = t.open("f", O_CREAT | O_WRONLY);
              ::statvfs(".", &before);
              t.fallocate(f, 0, 0, 256 << 20);
              ::statvfs(".", &after);
              t.note("less is free", after.f_bfree < before.f_bfree ? 1 : 0);
              t.ftruncate(f, 0);
            }},
           {"of nothing", [](Transcript& t) {
              struct statvfs figures {};
              t.note("statvfs", ::statvfs("no", &figures));
            }}}};
}

CaseGroup access_cases() {
  return {"access",
          {{"file",
            [](Transcript& t) { t.create("f"), t.access("f", F_OK), t.access("f", R_OK | W_OK), t.access("f", X_OK); }},
           {"program", [](Transcript& t) { t.create("f", "", 0755), t.access("f", X_OK); }},
           {"directory", [](Transcript& t) { t.mkdir("d"), t.access("d", R_OK | W_OK | X_OK); }},
           {"not there", [](Transcript& t) { t.access("f", F_OK), t.create("g"), t.access("g/f", F_OK); }},
           {"execution", [](Transcript& t) {
              t.create("p", "#!/bin/sh\nexit 7\n", 0755);
              t.note("exit", ::system("./p") / 256);
              t.chmod("p", 0644), t.note("exit", ::system("./p 2>/dev/null") / 256);
            }}}};
}

}  // namespace

std::vector<CaseGroup> attribute_cases() {
  return {chmod_cases(), chown_cases(), truncate_cases(), utimens_cases(), statfs_cases(), access_cases()};
}

}  // namespace reprieve::test
