// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/xattr.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

CaseGroup set_cases() {
  return {
      "setxattr",
      {{"and get",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "value"), t.get_xattr("f", "user.a"), t.list_xattrs("f");
        }},
       {"over another value",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "one"), t.set_xattr("f", "user.a", "other"),
              t.get_xattr("f", "user.a");
        }},
       {"empty value",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", ""), t.get_xattr("f", "user.a"), t.list_xattrs("f");
        }},
       {"binary value",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", std::string("\0\xff\n\0", 4)), t.get_xattr("f", "user.a");
        }},
       {"CREATE",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "1", XATTR_CREATE), t.set_xattr("f", "user.a", "2", XATTR_CREATE),
              t.get_xattr("f", "user.a");
        }},
       {"REPLACE",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "1", XATTR_REPLACE), t.set_xattr("f", "user.a", "1"),
              t.set_xattr("f", "user.a", "2", XATTR_REPLACE), t.get_xattr("f", "user.a");
        }},
       {"directory",
        [](Transcript& t) {
          t.mkdir("d"), t.set_xattr("d", "user.a", "1"), t.get_xattr("d", "user.a"), t.list_xattrs("d");
        }},
       {"link itself",
        [](Transcript& t) {
          t.symlink("x", "l"), t.set_xattr("l", "user.a", "1"), t.get_xattr("l", "user.a"), t.list_xattrs("l");
        }},
       {"trusted on a link",
        [](Transcript& t) { t.symlink("x", "l"), t.set_xattr("l", "trusted.a", "1"), t.get_xattr("l", "trusted.a"); }},
       {"fifo",
        [](Transcript& t) {
          t.mknod("p", S_IFIFO | 0644), t.set_xattr("p", "user.a", "1"), t.get_xattr("p", "user.a");
        }},
       {"trusted",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "trusted.a", "1"), t.get_xattr("f", "trusted.a"), t.list_xattrs("f");
        }},
       {"security",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "security.a", "1"), t.get_xattr("f", "security.a"), t.list_xattrs("f");
        }},
       {"unknown prefix",
        [](Transcript& t) { t.create("f"), t.set_xattr("f", "nonsense.a", "1"), t.set_xattr("f", "nothing", "1"); }},
       {"prefix alone", [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.", "1"); }},
       {"empty name", [](Transcript& t) { t.create("f"), t.set_xattr("f", "", "1"), t.get_xattr("f", ""); }},
       {"name of 255 bytes",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user." + std::string(250, 'n'), "1"),
              t.get_xattr("f", "user." + std::string(250, 'n')), t.list_xattrs("f");
        }},
       {"name of 256 bytes",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user." + std::string(251, 'n'), "1"), t.list_xattrs("f");
        }},
       {"value of 3000 bytes",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", std::string(3000, 'v')), t.get_xattr("f", "user.a");
        }},
       {"value over 64 KiB",
        [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.a", std::string(65537, 'v')), t.list_xattrs("f"); }},
       {"not there", [](Transcript& t) { t.set_xattr("f", "user.a", "1"); }},
       {"by descriptor",
        [](Transcript& t) {
          const int f = t.open("f", O_CREAT | O_RDWR);
          t.note("fsetxattr", ::fsetxattr(f, "user.a", "1", 1, 0)), t.get_xattr("f", "user.a");
        }},
       {"shared by hard links",
        [](Transcript& t) {
          t.create("f"), t.link("f", "g"), t.set_xattr("f", "user.a", "1"), t.get_xattr("g", "user.a");
        }},
       {"goes along with a rename",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "1"), t.rename("f", "g"), t.get_xattr("g", "user.a");
        }},
       {"does not stick to a name",
        [](Transcript& t) {
          t.create("f"), t.set_xattr("f", "user.a", "1"), t.unlink("f"), t.create("f"), t.get_xattr("f", "user.a"),
              t.list_xattrs("f");
        }},
       {"file capability", [](Transcript& t) {
          t.create("f", "", 0755);
          t.set_xattr("f", "security.capability", std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
          t.get_xattr("f", "security.capability"), t.write(t.open("f", O_WRONLY), "x"),
              t.get_xattr("f", "security.capability");
        }}}};
}

CaseGroup get_cases() {
  return {"getxattr",
          {{"not set", [](Transcript& t) { t.create("f"), t.get_xattr("f", "user.a"), t.get_xattr("f", "trusted.a"); }},
           {"not there", [](Transcript& t) { t.get_xattr("f", "user.a"); }},
           {"size only",
            [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.a", "abc"), t.get_xattr("f", "user.a", 0); }},
           {"exact buffer",
            [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.a", "abc"), t.get_xattr("f", "user.a", 3); }},
           {"short buffer",
            [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.a", "abc"), t.get_xattr("f", "user.a", 2); }},
           {"unknown prefix", [](Transcript& t) { t.create("f"), t.get_xattr("f", "nonsense.a"); }}}};
}

CaseGroup list_cases() {
  return {"listxattr",
          {{"none", [](Transcript& t) { t.create("f"), t.list_xattrs("f"); }},
           {"several",
            [](Transcript& t) {
              t.create("f");
              for (const char* name : {"user.c", "user.a", "trusted.b", "user.b"}) t.set_xattr("f", name, "1");
              t.list_xattrs("f"), t.remove_xattr("f", "user.a"), t.list_xattrs("f");
            }},
           {"short buffer",
            [](Transcript& t) { t.create("f"), t.set_xattr("f", "user.abcdef", "1"), t.list_xattrs("f", 5); }},
           {"not there", [](Transcript& t) { t.list_xattrs("f"); }},
           {"50 names", [](Transcript& t) {
              t.create("f");
              for (int i = 0; i < 50; ++i) ::setxattr("f", ("user.name" + std::to_string(i)).c_str(), "12345", 5, 0);
              t.list_xattrs("f");
            }}}};
}

CaseGroup remove_cases() {
  return {"removexattr",
          {{"set",
            [](Transcript& t) {
              t.create("f"), t.set_xattr("f", "user.a", "1"), t.remove_xattr("f", "user.a"), t.get_xattr("f", "user.a"),
                  t.list_xattrs("f");
            }},
           {"not set", [](Transcript& t) { t.create("f"), t.remove_xattr("f", "user.a"); }},
           {"twice",
            [](Transcript& t) {
              t.create("f"), t.set_xattr("f", "user.a", "1"), t.remove_xattr("f", "user.a"),
                  t.remove_xattr("f", "user.a");
            }},
           {"and set again",
            [](Transcript& t) {
              t.create("f"), t.set_xattr("f", "user.a", "1"), t.remove_xattr("f", "user.a"),
                  t.set_xattr("f", "user.a", "2", XATTR_CREATE), t.get_xattr("f", "user.a");
            }},
           {"not there", [](Transcript& t) { t.remove_xattr("f", "user.a"); }},
           {"directory", [](Transcript& t) {
              t.mkdir("d"), t.set_xattr("d", "user.a", "1"), t.remove_xattr("d", "user.a"), t.list_xattrs("d");
            }}}};
}

}  // namespace

std::vector<CaseGroup> xattr_cases() { return {set_cases(), get_cases(), list_cases(), remove_cases()}; }

}  // namespace reprieve::test
