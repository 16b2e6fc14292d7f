// SPDX-License-Identifier: Apache-2.0
// Which times each call changes, of the object and of its directories.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

// A directory "d" with a file "d/f" of three bytes, and an empty directory "e".
Case timed(const std::string& name, const std::vector<std::string>& watched,
           const std::function<void(Transcript&)>& calls) {
  return {name, [=](Transcript& t) {
            t.mkdir("d"), t.mkdir("e"), t.create("d/f", "abc"), t.watch(watched), calls(t), t.changes();
          }};
}

CaseGroup name_times() {
  return {
      "times_of_names",
      {timed("create", {"d"}, [](Transcript& t) { t.create("d/g"); }),
       timed("mkdir", {"d"}, [](Transcript& t) { t.mkdir("d/g"); }),
       timed("symlink", {"d"}, [](Transcript& t) { t.symlink("x", "d/g"); }),
       timed("mknod", {"d"}, [](Transcript& t) { t.mknod("d/g", S_IFIFO | 0644); }),
       timed("link", {"d", "d/f", "e"}, [](Transcript& t) { t.link("d/f", "e/g"); }),
       timed("unlink", {"d", "d/f"}, [](Transcript& t) { t.unlink("d/f"); }),
       timed("unlink of one of two links", {"d", "d/f", "e"},
             [](Transcript& t) { t.link("d/f", "e/g"), t.unlink("e/g"); }),
       timed("rmdir", {".", "e"}, [](Transcript& t) { t.rmdir("e"); }),
       timed("rename in place", {"d", "d/f"}, [](Transcript& t) { t.rename("d/f", "d/g"); }),
       timed("rename into another directory", {"d", "e", "d/f"}, [](Transcript& t) { t.rename("d/f", "e/f"); }),
       timed("rename of a directory", {".", "d", "e"}, [](Transcript& t) { t.rename("e", "d/e"); }),
       timed("rename over a file", {".", "d", "d/f"}, [](Transcript& t) { t.create("g"), t.rename("g", "d/f"); }),
       timed("exchange", {"d", "e", "d/f"},
             [](Transcript& t) { t.create("e/g"), t.rename("d/f", "e/g", RENAME_EXCHANGE); }),
       timed("refused create", {"d", "d/f"}, [](Transcript& t) { t.create("d/f"), t.mkdir("d/f"), t.rmdir("d"); }),
       timed("listing", {"d", "e"}, [](Transcript& t) { t.list("d"); }),
       timed("listing after a change", {"d"}, [](Transcript& t) { t.create("d/g"), t.list("d"); }),
       timed("listing before a change", {"d"}, [](Transcript& t) { t.list("d"), t.create("d/g"); }),
       timed("readlink", {"d"},
             [](Transcript& t) {
               t.symlink("x", "d/l"), t.watch({"d", "d/l"}), t.readlink("d/l"), t.stat("d/l");
             }),
       timed("walk through a directory", {"d", "e"},
             [](Transcript& t) { t.content("d/f"), t.chdir("e"), t.chdir(".."); }),
       timed("look-up", {"d", "d/f"}, [](Transcript& t) { t.stat("d/f"), t.stat("d/no"), t.access("d/f", R_OK); })}};
}

CaseGroup attribute_times() {
  return {"times_of_attributes",
          {timed("chmod", {"d", "d/f"}, [](Transcript& t) { t.chmod("d/f", 0600); }),
           timed("chmod to the same", {"d/f"}, [](Transcript& t) { t.chmod("d/f", 0644); }),
           timed("chmod of a directory", {".", "d"}, [](Transcript& t) { t.chmod("d", 0700); }),
           timed("chown", {"d", "d/f"}, [](Transcript& t) { t.chown("d/f", 1, 2); }),
           timed("setxattr", {"d", "d/f"}, [](Transcript& t) { t.set_xattr("d/f", "user.a", "1"); }),
           timed("removexattr", {"d/f"},
                 [](Transcript& t) { t.set_xattr("d/f", "user.a", "1"), t.remove_xattr("d/f", "user.a"); }),
           timed("utimens", {"d", "d/f"},
                 [](Transcript& t) {
                   t.set_times("d/f", {5, 5}, {6, 6});
                 }),
           timed("utimens of the modification time", {"d/f"},
                 [](Transcript& t) {
                   t.set_times("d/f", {0, UTIME_OMIT}, {6, 6});
                 }),
           timed("getxattr and listxattr", {"d/f"},
                 [](Transcript& t) { t.get_xattr("d/f", "user.a"), t.list_xattrs("d/f"); })}};
}

CaseGroup data_times() {
  return {"times_of_data",
          {timed("write", {"d", "d/f"}, [](Transcript& t) { t.write(t.open("d/f", O_WRONLY), "x"); }),
           timed("write of nothing", {"d/f"}, [](Transcript& t) { t.write(t.open("d/f", O_WRONLY), ""); }),
           timed("read", {"d", "d/f"}, [](Transcript& t) { t.content("d/f"); }),
           timed("open and close", {"d/f"}, [](Transcript& t) { t.close(t.open("d/f", O_RDWR)); }),
           timed("O_TRUNC", {"d/f"}, [](Transcript& t) { t.open("d/f", O_WRONLY | O_TRUNC); }),
           timed("O_CREAT of what is there", {"d", "d/f"}, [](Transcript& t) { t.open("d/f", O_WRONLY | O_CREAT); }),
           timed("truncate shorter", {"d/f"}, [](Transcript& t) { t.truncate("d/f", 1); }),
           timed("truncate to the same size", {"d/f"}, [](Transcript& t) { t.truncate("d/f", 3); }),
           timed("ftruncate to the same size", {"d/f"}, [](Transcript& t) { t.ftruncate(t.open("d/f", O_WRONLY), 3); }),
           timed("fallocate", {"d/f"}, [](Transcript& t) { t.fallocate(t.open("d/f", O_WRONLY), 0, 0, 100); }),
           timed("fallocate that keeps the size", {"d/f"},
                 [](Transcript& t) { t.fallocate(t.open("d/f", O_WRONLY), 1, 0, 100); }),
           timed("copy_file_range", {"e"},
                 [](Transcript& t) {
                   t.note("copied", ::copy_file_range(t.open("d/f", O_RDONLY), nullptr,
                                                      t.open("e/g", O_CREAT | O_WRONLY), nullptr, 3, 0));
                 }),
           timed("fsync", {"d/f"}, [](Transcript& t) { t.note("fsync", ::fsync(t.open("d/f", O_RDWR))); })}};
}

}  // namespace

std::vector<CaseGroup> time_cases() { return {name_times(), attribute_times(), data_times()}; }

}  // namespace reprieve::test
