// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

constexpr uid_t kUser = 12345;
constexpr uid_t kOther = 12346;

CaseGroup denied_cases() {
  return {"permissions",
          {{"nothing in another's directory",
            [](Transcript& t) {
              t.mkdir("d"), t.create("d/f", "abc");
              t.as_user(kUser, [](Transcript& u) {
                u.create("d/g"), u.mkdir("d/e"), u.symlink("x", "d/l"), u.unlink("d/f"), u.rename("d/f", "d/g"),
                    u.rename("d/f", "g");
                u.link("d/f", "d/h"), u.mknod("d/p", S_IFIFO | 0644), u.stat("d/f"), u.content("d/f"), u.list("d");
              });
            }},
           {"unreadable file",
            [](Transcript& t) {
              t.create("f", "abc", 0600);
              t.as_user(kUser, [](Transcript& u) {
                u.open("f", O_RDONLY), u.open("f", O_WRONLY), u.truncate("f", 0), u.stat("f"), u.access("f", R_OK);
              });
            }},
           {"directory without search",
            [](Transcript& t) {
              t.mkdir("d"), t.create("d/f"), t.chmod("d", 0644);
              t.as_user(kUser, [](Transcript& u) { u.stat("d/f"), u.open("d/f", O_RDONLY), u.stat("d/no"); });
            }},
           {"directory without reading",
            [](Transcript& t) {
              t.mkdir("d"), t.create("d/f", "abc"), t.chmod("d", 0711);
              t.as_user(kUser, [](Transcript& u) { u.list("d"), u.content("d/f"); });
            }},
           {"attributes of another's file",
            [](Transcript& t) {
              t.create("f"), t.chmod("f", 0666);
              t.as_user(kUser, [](Transcript& u) {
                u.chmod("f", 0600), u.chown("f", kUser, kUser), u.set_times("f", {1, 0}, {2, 0}),
                    u.set_times("f", {0, UTIME_NOW}, {0, UTIME_NOW});
                u.set_xattr("f", "user.a", "1"), u.set_xattr("f", "trusted.a", "1"), u.truncate("f", 5), u.stat("f");
              });
            }},
           {"group counts", [](Transcript& t) {
              t.create("f", "abc"), t.chown("f", 0, kUser), t.chmod("f", 0640);
              t.as_user(kUser, [](Transcript& u) { u.content("f"), u.open("f", O_WRONLY); });
              t.as_user(kOther, [](Transcript& u) { u.content("f"); });
            }}}};
}

CaseGroup allowed_cases() {
  return {"plain_user",
          {{"own directory",
            [](Transcript& t) {
              t.mkdir("d"), t.chown("d", kUser, kUser);
              t.as_user(kUser, [](Transcript& u) {
                u.create("d/f", "abc"), u.mkdir("d/e"), u.symlink("f", "d/l"), u.link("d/f", "d/g"),
                    u.rename("d/g", "d/e/g");
                u.chmod("d/f", 0600), u.set_times("d/f", {1, 0}, {2, 0}), u.stat("d/f"), u.stat("d/e"), u.stat("d/l"),
                    u.list("d");
                u.set_xattr("d/f", "user.a", "1"), u.get_xattr("d/f", "user.a"), u.unlink("d/f"), u.list("d");
              });
              t.list("d"), t.stat("d/e/g");
            }},
           {"owner of what it makes",
            [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 0777);
              t.as_user(kUser, [](Transcript& u) {
                u.create("d/f"), u.mkdir("d/e"), u.mknod("d/p", S_IFIFO | 0644), u.symlink("x", "d/l");
              });
              t.stat("d/f"), t.stat("d/e"), t.stat("d/p"), t.stat("d/l");
            }},
           {"cannot give away",
            [](Transcript& t) {
              t.create("f"), t.chown("f", kUser, kUser);
              t.as_user(kUser, [](Transcript& u) {
                u.chown("f", kOther, static_cast<gid_t>(-1)), u.chown("f", static_cast<uid_t>(-1), kOther),
                    u.chown("f", kUser, kUser), u.stat("f");
              });
            }},
           {"read-only file that it created",
            [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 0777);
              t.as_user(kUser, [](Transcript& u) {
                const int f = u.open("d/f", O_CREAT | O_WRONLY, 0400);
                u.write(f, "abc"), u.open("d/f", O_WRONLY), u.content("d/f"), u.unlink("d/f");
              });
            }},
           {"no device nodes",
            [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 0777);
              t.as_user(kUser,
                        [](Transcript& u) { u.mknod("d/c", S_IFCHR | 0600, 259), u.mknod("d/p", S_IFIFO | 0600); });
            }},
           {"set-gid directory", [](Transcript& t) {
              t.mkdir("d"), t.chown("d", 0, 4321), t.chmod("d", 02777);
              t.as_user(kUser, [](Transcript& u) { u.create("d/f", "", 0644), u.mkdir("d/e"); });
              t.stat("d/f"), t.stat("d/e");
            }}}};
}

CaseGroup sticky_cases() {
  return {"sticky_directory",
          {{"another's file",
            [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 01777), t.create("d/f", "abc");
              t.as_user(kUser, [](Transcript& u) {
                u.unlink("d/f"), u.rename("d/f", "d/g"), u.create("d/h"), u.rename("d/h", "d/f"), u.list("d");
              });
            }},
           {"own file",
            [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 01777);
              t.as_user(kUser,
                        [](Transcript& u) { u.create("d/f"), u.rename("d/f", "d/g"), u.unlink("d/g"), u.list("d"); });
            }},
           {"another's directory", [](Transcript& t) {
              t.mkdir("d"), t.chmod("d", 01777), t.mkdir("d/e");
              t.as_user(kUser, [](Transcript& u) { u.rmdir("d/e"), u.rename("d/e", "d/x"); });
            }}}};
}

CaseGroup set_id_cases() {
  // The bits go when a plain user writes, and stay when root does.
  const auto writable = [](Transcript& t, mode_t mode) { t.create("f", "abc"), t.chmod("f", mode); };
  return {
      "set_id_bits",
      {{"write by a plain user",
        [=](Transcript& t) {
          writable(t, 06777), t.as_user(kUser, [](Transcript& u) { u.write(u.open("f", O_WRONLY), "x"), u.stat("f"); }),
              t.stat("f");
        }},
       {"write by root", [=](Transcript& t) { writable(t, 06777), t.write(t.open("f", O_WRONLY), "x"), t.stat("f"); }},
       {"truncate by a plain user",
        [=](Transcript& t) {
          writable(t, 06777), t.as_user(kUser, [](Transcript& u) { u.truncate("f", 1); }), t.stat("f");
        }},
       {"O_TRUNC by a plain user",
        [=](Transcript& t) {
          writable(t, 06777), t.as_user(kUser, [](Transcript& u) { u.open("f", O_WRONLY | O_TRUNC); }), t.stat("f");
        }},
       {"write to a file with capabilities",
        [=](Transcript& t) {
          for (const uid_t user : {uid_t{0}, kUser}) {
            writable(t, 06777);
            const std::string_view capabilities("\1\0\0\2\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", 20);
            t.set_xattr("f", "security.capability", capabilities);
            t.as_user(user, [](Transcript& u) { u.write(u.open("f", O_WRONLY), "x"); });
            t.stat("f"), t.list_xattrs("f"), t.unlink("f");
          }
        }},
       {"chmod by an owner outside the group", [](Transcript& t) {
          t.create("f"), t.chown("f", kUser, kOther), t.as_user(kUser, [](Transcript& u) { u.chmod("f", 02755); }),
              t.stat("f");
        }}}};
}

}  // namespace

std::vector<CaseGroup> permission_cases() { return {denied_cases(), allowed_cases(), sticky_cases(), set_id_cases()}; }

}  // namespace reprieve::test
