// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

CaseGroup file_cases() {
  return {"rename",
          {{"file",
            [](Transcript& t) {
              t.create("a", "abc"), t.rename("a", "b"), t.stat("a"), t.stat("b"), t.content("b"), t.list(".");
            }},
           {"not there",
            [](Transcript& t) { t.rename("a", "b"), t.rename("no/a", "b"), t.create("a"), t.rename("a", "no/b"); }},
           {"to itself", [](Transcript& t) { t.create("a", "abc"), t.rename("a", "a"), t.stat("a"), t.content("a"); }},
           {"over a file",
            [](Transcript& t) {
              t.create("a", "new", 0600), t.create("b", "old"), t.rename("a", "b"), t.stat("b"), t.content("b"),
                  t.list(".");
            }},
           {"over another link of the same file",
            [](Transcript& t) {
              t.create("a"), t.link("a", "b"), t.rename("a", "b"), t.list("."), t.stat("a"), t.stat("b");
            }},
           {"over one of two links",
            [](Transcript& t) {
              t.create("a", "new"), t.create("b", "old"), t.link("b", "c"), t.rename("a", "b"), t.stat("b"),
                  t.stat("c"), t.content("c");
            }},
           {"over a link, not its target",
            [](Transcript& t) {
              t.create("a", "new"), t.create("f", "old"), t.symlink("f", "l"), t.rename("a", "l"), t.stat("l"),
                  t.content("f");
            }},
           {"link", [](Transcript& t) { t.symlink("x", "l"), t.rename("l", "m"), t.readlink("m"), t.stat("l"); }},
           {"fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0644), t.rename("p", "q"), t.stat("q"); }},
           {"file over a directory",
            [](Transcript& t) { t.create("a"), t.mkdir("d"), t.rename("a", "d"), t.stat("a"), t.stat("d"); }},
           {"into another directory",
            [](Transcript& t) {
              t.mkdir("d"), t.mkdir("e"), t.create("d/a"), t.rename("d/a", "e/b"), t.list("d"), t.list("e"),
                  t.stat("e/b");
            }},
           {"below a file",
            [](Transcript& t) { t.create("a"), t.create("f"), t.rename("a", "f/b"), t.rename("f/x", "b"); }},
           {"file to a name with a slash", [](Transcript& t) { t.create("a"), t.rename("a", "b/"), t.stat("a"); }},
           {"keeps an open descriptor",
            [](Transcript& t) {
              const int f = t.open("a", O_CREAT | O_RDWR);
              t.rename("a", "b"), t.write(f, "abc"), t.content("b"), t.fstat(f);
            }},
           {"dot",
            [](Transcript& t) {
              t.mkdir("d"), t.rename("d/.", "e"), t.rename(".", "e"), t.rename("d", "."), t.rename("d", "d/..");
            }},
           {"back and forth",
            [](Transcript& t) {
              t.create("a", "abc");
              for (int i = 0; i < 5; ++i) t.rename("a", "b"), t.rename("b", "a");
              t.content("a"), t.list(".");
            }},
           {"hard link keeps its count",
            [](Transcript& t) {
              t.create("a"), t.link("a", "b"), t.mkdir("d"), t.rename("b", "d/c"), t.stat("a"), t.stat("d/c");
            }},
           {"the way editors save", [](Transcript& t) {
              t.create("f", "one"), t.create("f.tmp", "two"), t.rename("f.tmp", "f"), t.create("f.tmp", "three"),
                  t.rename("f.tmp", "f");
              t.content("f"), t.list(".");
            }}}};
}

CaseGroup directory_rename_cases() {
  return {
      "rename_directory",
      {{"empty", [](Transcript& t) { t.mkdir("a", 0700), t.rename("a", "b"), t.stat("b"), t.stat("a"), t.stat("."); }},
       {"full",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("a/b"), t.create("a/b/f", "abc"), t.rename("a", "c"), t.content("c/b/f"), t.list("c"),
              t.stat("c");
        }},
       {"into another, which changes both link counts",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("b"), t.mkdir("a/x"), t.rename("a/x", "b/x"), t.stat("a"), t.stat("b"), t.stat("b/x"),
              t.list("a");
        }},
       {"over an empty directory",
        [](Transcript& t) {
          t.mkdir("a"), t.create("a/f"), t.mkdir("b"), t.rename("a", "b"), t.list("b"), t.stat("b"), t.stat(".");
        }},
       {"over a full directory",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("b"), t.create("b/f"), t.rename("a", "b"), t.list("."), t.list("b");
        }},
       {"over a file",
        [](Transcript& t) { t.mkdir("a"), t.create("f"), t.rename("a", "f"), t.stat("a"), t.stat("f"); }},
       {"into itself",
        [](Transcript& t) { t.mkdir("a"), t.rename("a", "a/b"), t.mkdir("a/b"), t.rename("a", "a/b/c"), t.list("a"); }},
       {"over its own parent", [](Transcript& t) { t.mkdir("a"), t.mkdir("a/b"), t.rename("a/b", "a"), t.list("a"); }},
       {"trailing slashes", [](Transcript& t) { t.mkdir("a"), t.rename("a/", "b/"), t.stat("b"); }},
       {"through a link", [](Transcript& t) { t.mkdir("a"), t.symlink("a", "l"), t.rename("l/", "b"), t.list("."); }},
       {"parent is followed",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("b"), t.mkdir("a/x"), t.create("b/mark"), t.rename("a/x", "b/x"), t.stat("b/x/../mark");
        }},
       {"as the current directory",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("b"), t.chdir("a"), t.rename("../a", "../b/a"), t.create("f"), t.stat("../a/f"),
              t.chdir("../.."), t.list("b");
        }},
       {"over the current directory of another",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("b"), t.chdir("b"), t.rename("../a", "../b"), t.create("f"), t.chdir("..");
        }},
       {"deep", [](Transcript& t) {
          t.mkdir("a"), t.mkdir("a/b"), t.mkdir("a/b/c"), t.mkdir("a/b/c/d"), t.rename("a/b/c/d", "top"),
              t.rename("a", "top/a"), t.stat("top/a/b/c"), t.stat("top");
        }}}};
}

CaseGroup rename2_cases() {
  return {
      "rename_flags",
      {{"NOREPLACE, free",
        [](Transcript& t) { t.create("a", "abc"), t.rename("a", "b", RENAME_NOREPLACE), t.content("b"), t.stat("a"); }},
       {"NOREPLACE, taken by a file",
        [](Transcript& t) {
          t.create("a", "a"), t.create("b", "b"), t.rename("a", "b", RENAME_NOREPLACE), t.content("a"), t.content("b");
        }},
       {"NOREPLACE, taken by a directory",
        [](Transcript& t) { t.mkdir("a"), t.mkdir("b"), t.rename("a", "b", RENAME_NOREPLACE), t.list("."); }},
       {"NOREPLACE, taken by a dangling link",
        [](Transcript& t) {
          t.create("a"), t.symlink("no", "b"), t.rename("a", "b", RENAME_NOREPLACE), t.readlink("b");
        }},
       {"NOREPLACE, to itself",
        [](Transcript& t) { t.create("a"), t.rename("a", "a", RENAME_NOREPLACE), t.stat("a"); }},
       {"NOREPLACE, not there", [](Transcript& t) { t.rename("a", "b", RENAME_NOREPLACE); }},
       {"EXCHANGE, files",
        [](Transcript& t) {
          t.create("a", "aa"), t.create("b", "bbb", 0600), t.rename("a", "b", RENAME_EXCHANGE), t.content("a"),
              t.content("b"), t.stat("a"), t.stat("b");
        }},
       {"EXCHANGE, file and directory",
        [](Transcript& t) {
          t.create("a", "aa"), t.mkdir("d"), t.create("d/f"), t.rename("a", "d", RENAME_EXCHANGE), t.content("d"),
              t.list("a"), t.stat(".");
        }},
       {"EXCHANGE, full directories",
        [](Transcript& t) {
          t.mkdir("a"), t.create("a/x"), t.mkdir("b"), t.create("b/y"), t.rename("a", "b", RENAME_EXCHANGE),
              t.list("a"), t.list("b");
        }},
       {"EXCHANGE across directories",
        [](Transcript& t) {
          t.mkdir("d"), t.mkdir("e"), t.create("d/f", "f"), t.mkdir("e/g"), t.rename("d/f", "e/g", RENAME_EXCHANGE);
          t.list("d"), t.list("e"), t.stat("d"), t.stat("e"), t.stat("d/f"), t.stat("e/g");
        }},
       {"EXCHANGE, not there",
        [](Transcript& t) {
          t.create("a"), t.rename("a", "b", RENAME_EXCHANGE), t.rename("b", "a", RENAME_EXCHANGE), t.stat("a");
        }},
       {"EXCHANGE with itself",
        [](Transcript& t) { t.create("a", "abc"), t.rename("a", "a", RENAME_EXCHANGE), t.content("a"); }},
       {"EXCHANGE of links of one file",
        [](Transcript& t) {
          t.create("a", "abc"), t.link("a", "b"), t.rename("a", "b", RENAME_EXCHANGE), t.stat("a"), t.stat("b");
        }},
       {"EXCHANGE into itself",
        [](Transcript& t) {
          t.mkdir("a"), t.mkdir("a/b"), t.rename("a", "a/b", RENAME_EXCHANGE), t.rename("a/b", "a", RENAME_EXCHANGE);
        }},
       {"both flags",
        [](Transcript& t) { t.create("a"), t.create("b"), t.rename("a", "b", RENAME_EXCHANGE | RENAME_NOREPLACE); }},
       {"unknown flag", [](Transcript& t) { t.create("a"), t.rename("a", "b", 1U << 20); }}}};
}

}  // namespace

std::vector<CaseGroup> rename_cases() { return {file_cases(), directory_rename_cases(), rename2_cases()}; }

}  // namespace reprieve::test
