// SPDX-License-Identifier: Apache-2.0
// Every combination of the flags of open(2), and the flags of the calls that take some.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

struct Flag {
  char letter;
  int bits;
};

constexpr std::array kFlags{Flag{'c', O_CREAT},     Flag{'x', O_EXCL},     Flag{'t', O_TRUNC},
                            Flag{'d', O_DIRECTORY}, Flag{'n', O_NOFOLLOW}, Flag{'p', O_PATH},
                            Flag{'a', O_APPEND},    Flag{'i', O_DIRECT},   Flag{'u', O_TMPFILE & ~O_DIRECTORY}};

// Opens with these flags and looks.
void try_flags(Transcript& t, const Object& object, int access, unsigned combination) {
  int flags = access | O_NONBLOCK | O_CLOEXEC;
  std::string letters;
  for (std::size_t i = 0; i < kFlags.size(); ++i) {
    if ((combination >> i & 1U) == 0) continue;
    flags |= kFlags[i].bits;
    letters.push_back(kFlags[i].letter);
  }
  const FileDescriptor file(::open(object.path.c_str(), flags, 0640));
  t.note("open " + std::to_string(access) + letters, file ? 0 : -1);
  if (!file) return;
  t.note("  flags", ::fcntl(file.get(), F_GETFL));
  struct stat status {};
  t.note("  fstat", ::fstat(file.get(), &status));
  t.note("  mode", status.st_mode);
  if (!S_ISDIR(status.st_mode)) t.note("  size", status.st_size);
}

// Of all objects those that the flags treat differently. A link that leads nowhere leads to "d/no".
bool is_tried(const Object& object) {
  constexpr std::array<std::string_view, 7> kTried{
      "file", "directory", "fifo", "link to a file", "dangling link", "nothing", "link to a directory"};
  return std::ranges::find(kTried, object.name) != kTried.end();
}

CaseGroup combinations() {
  CaseGroup group{"open_flags", {}, Places::one};
  constexpr unsigned kCombinations = 1U << kFlags.size();
  for (const Object& object : all_objects()) {
    if (!is_tried(object)) continue;
    for (int access = 0; access <= O_ACCMODE; ++access) {
      group.cases.push_back({object.name + ", access " + std::to_string(access),
                             [=](Transcript& t) {
                               for (unsigned i = 0; i < kCombinations; ++i) {
                                 try_flags(t, object, access, i);
                                 ::unlink("d/no");
                               }
                               t.list("d");
                             },
                             [=](Transcript& t) { t.mkdir("d"), object.make(t); }});
    }
  }
  return group;
}

CaseGroup call_flags() {
  const auto path_of = [](Transcript& t, const std::string& path) { return t.open(path, O_PATH | O_NOFOLLOW); };
  return {"call_flags",
          {{"fchmodat of a link",
            [](Transcript& t) {
              t.create("f"), t.symlink("f", "l");
              t.note("link itself", ::syscall(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
              t.note("file itself", ::syscall(452, AT_FDCWD, "f", 0600, AT_SYMLINK_NOFOLLOW));
              t.note("unknown flag", ::syscall(452, AT_FDCWD, "f", 0640, 0x77)), t.stat("f"), t.stat("l");
            }},
           {"by the descriptor of a path",
            [=](Transcript& t) {
              t.create("f", "abc");
              const int f = path_of(t, "f");
              t.note("fchownat", ::fchownat(f, "", 5, 6, AT_EMPTY_PATH)), t.stat("f");
              t.note("linkat", ::linkat(f, "", AT_FDCWD, "g", AT_EMPTY_PATH)), t.stat("g");
              t.note("ftruncate", ::ftruncate(f, 0)), t.note("fchmod", ::fchmod(f, 0600)), t.stat("f");
              t.note("fsetxattr", ::syscall(SYS_fsetxattr, f, "user.a", "1", 1, 0));
            }},
           {"by the descriptor of a link's path",
            [=](Transcript& t) {
              t.symlink("no", "l");
              const int l = path_of(t, "l");
              t.note("fchownat", ::fchownat(l, "", 5, 6, AT_EMPTY_PATH)), t.stat("l"), t.fstat(l);
              t.note("linkat", ::linkat(l, "", AT_FDCWD, "m", AT_EMPTY_PATH)), t.stat("m");
            }},
           {"linking by descriptor is root's",
            [=](Transcript& t) {
              t.mkdir("d"), t.chown("d", kOwner, kOwner), t.create("d/f"), t.chown("d/f", kOwner, kOwner);
              t.as_user(kOwner, [&](Transcript& u) {
                u.note("linkat", ::linkat(path_of(u, "d/f"), "", AT_FDCWD, "d/g", AT_EMPTY_PATH)), u.list("d");
              });
            }},
           {"unknown flags",
            [](Transcript& t) {
              t.create("f", "abc");
              t.note("linkat", ::linkat(AT_FDCWD, "f", AT_FDCWD, "g", 0x77)), t.unlinkat("f", 0x77);
              t.note("utimensat", ::utimensat(AT_FDCWD, "f", nullptr, 0x77));
              t.note("fchownat", ::fchownat(AT_FDCWD, "f", 0, 0, 0x77)), t.rename("f", "g", 0x77), t.stat("f");
            }},
           {"openat2", [](Transcript& t) {
              t.mkdir("d"), t.create("d/f"), t.symlink("f", "d/l");
              const int d = t.open("d", O_PATH | O_DIRECTORY);
              const auto resolve = [&](const char* path, std::uint64_t how) {
                open_how ask{.flags = O_RDONLY | O_CLOEXEC, .mode = 0, .resolve = how};
                const FileDescriptor file(static_cast<int>(::syscall(SYS_openat2, d, path, &ask, sizeof ask)));
                t.note("openat2 " + std::string(path) + " " + std::to_string(how), file ? 0 : -1);
              };
              for (const char* path : {"f", "l", "../d/f", "/", "."}) {
                for (const std::uint64_t how : {RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV})
                  resolve(path, how);
              }
            }}}};
}

}  // namespace

std::vector<CaseGroup> flag_combination_cases() { return {combinations(), call_flags()}; }

}  // namespace reprieve::test
