// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mount/parity/cases.h"

namespace reprieve::test {
namespace {

void flock(Transcript& t, int file, int how) { t.note("flock " + std::to_string(how), ::flock(file, how | LOCK_NB)); }

void lock(Transcript& t, int file, int command, short type, off_t start, off_t length) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = start;
  range.l_len = length;
  t.note("fcntl " + std::to_string(command) + " type " + std::to_string(type), ::fcntl(file, command, &range));
  if (command != F_GETLK) return;
  t.note("  type", range.l_type);
  if (range.l_type != F_UNLCK) t.note("  start", range.l_start), t.note("  length", range.l_len);
}

CaseGroup flock_cases() {
  return {
      "flock",
      {{"exclusive against another open",
        [](Transcript& t) {
          t.create("f");
          const int a = t.open("f", O_RDONLY), b = t.open("f", O_RDONLY);
          flock(t, a, LOCK_EX), flock(t, b, LOCK_EX), flock(t, b, LOCK_SH), flock(t, a, LOCK_UN), flock(t, b, LOCK_EX);
        }},
       {"shared with shared",
        [](Transcript& t) {
          t.create("f");
          const int a = t.open("f", O_RDONLY), b = t.open("f", O_RDONLY);
          flock(t, a, LOCK_SH), flock(t, b, LOCK_SH), flock(t, a, LOCK_EX), flock(t, b, LOCK_UN), flock(t, a, LOCK_EX);
        }},
       {"another process",
        [](Transcript& t) {
          t.create("f");
          flock(t, t.open("f", O_RDONLY), LOCK_EX),
              t.in_child([](Transcript& c) { flock(c, c.open("f", O_RDONLY), LOCK_EX); });
        }},
       {"close unlocks",
        [](Transcript& t) {
          t.create("f");
          const int a = t.open("f", O_RDONLY), b = t.open("f", O_RDONLY);
          flock(t, a, LOCK_EX), t.close(a), flock(t, b, LOCK_EX);
        }},
       {"end of a process unlocks",
        [](Transcript& t) {
          t.create("f"), t.in_child([](Transcript& c) { flock(c, c.open("f", O_RDONLY), LOCK_EX); });
          flock(t, t.open("f", O_RDONLY), LOCK_EX);
        }},
       {"different files",
        [](Transcript& t) {
          t.create("f"), t.create("g"), flock(t, t.open("f", O_RDONLY), LOCK_EX),
              flock(t, t.open("g", O_RDONLY), LOCK_EX);
        }},
       {"directory",
        [](Transcript& t) {
          t.mkdir("d"), flock(t, t.open("d", O_RDONLY), LOCK_EX), flock(t, t.open("d", O_RDONLY), LOCK_EX);
        }},
       {"after a rename it is the same file",
        [](Transcript& t) {
          t.create("f"), flock(t, t.open("f", O_RDONLY), LOCK_EX), t.rename("f", "g"),
              flock(t, t.open("g", O_RDONLY), LOCK_EX);
        }},
       {"hard links share it",
        [](Transcript& t) {
          t.create("f"), t.link("f", "g"), flock(t, t.open("f", O_RDONLY), LOCK_EX),
              flock(t, t.open("g", O_RDONLY), LOCK_EX);
        }},
       {"nonsense", [](Transcript& t) { t.create("f"), flock(t, t.open("f", O_RDONLY), 64); }}}};
}

CaseGroup record_lock_cases() {
  return {
      "record_locks",
      {{"write lock against another process",
        [](Transcript& t) {
          t.create("f", "abcdef"), lock(t, t.open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 3);
          t.in_child([](Transcript& c) {
            const int f = c.open("f", O_RDWR);
            lock(c, f, F_GETLK, F_WRLCK, 0, 10), lock(c, f, F_SETLK, F_WRLCK, 2, 2), lock(c, f, F_SETLK, F_RDLCK, 0, 1);
            lock(c, f, F_SETLK, F_WRLCK, 3, 3), lock(c, f, F_GETLK, F_WRLCK, 3, 3);
          });
        }},
       {"read locks share",
        [](Transcript& t) {
          t.create("f", "abcdef"), lock(t, t.open("f", O_RDWR), F_SETLK, F_RDLCK, 0, 0);
          t.in_child([](Transcript& c) {
            const int f = c.open("f", O_RDWR);
            lock(c, f, F_SETLK, F_RDLCK, 0, 0), lock(c, f, F_SETLK, F_WRLCK, 0, 0);
          });
        }},
       {"own locks never conflict",
        [](Transcript& t) {
          t.create("f");
          lock(t, t.open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 10), lock(t, t.open("f", O_RDWR), F_SETLK, F_WRLCK, 5, 10);
        }},
       {"closing any descriptor unlocks",
        [](Transcript& t) {
          t.create("f");
          const int a = t.open("f", O_RDWR), b = t.open("f", O_RDWR);
          lock(t, a, F_SETLK, F_WRLCK, 0, 0), t.close(b),
              t.in_child([](Transcript& c) { lock(c, c.open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 0); });
        }},
       {"unlocking the middle splits",
        [](Transcript& t) {
          t.create("f");
          const int f = t.open("f", O_RDWR);
          lock(t, f, F_SETLK, F_WRLCK, 0, 30), lock(t, f, F_SETLK, F_UNLCK, 10, 10);
          t.in_child([](Transcript& c) {
            const int g = c.open("f", O_RDWR);
            lock(c, g, F_GETLK, F_WRLCK, 0, 5), lock(c, g, F_SETLK, F_WRLCK, 10, 10),
                lock(c, g, F_GETLK, F_WRLCK, 15, 15);
          });
        }},
       {"end of a process unlocks",
        [](Transcript& t) {
          t.create("f"), t.in_child([](Transcript& c) { lock(c, c.open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 0); });
          lock(t, t.open("f", O_RDWR), F_SETLK, F_WRLCK, 0, 0);
        }},
       {"write lock needs a writable descriptor",
        [](Transcript& t) {
          t.create("f"), lock(t, t.open("f", O_RDONLY), F_SETLK, F_WRLCK, 0, 0),
              lock(t, t.open("f", O_WRONLY), F_SETLK, F_RDLCK, 0, 0);
        }},
       {"open file description locks",
        [](Transcript& t) {
          t.create("f");
          const int a = t.open("f", O_RDWR), b = t.open("f", O_RDWR);
          lock(t, a, F_OFD_SETLK, F_WRLCK, 0, 0), lock(t, b, F_OFD_SETLK, F_WRLCK, 0, 0), t.close(a),
              lock(t, b, F_OFD_SETLK, F_WRLCK, 0, 0);
        }},
       {"waiting lock is granted when the holder ends", [](Transcript& t) {
          t.create("f");
          int locked[2];
          if (::pipe2(locked, O_CLOEXEC) != 0) return;
          const pid_t child = ::fork();
          if (child == 0) {
            struct flock range {};
            range.l_type = F_WRLCK;
            const int f = ::open("f", O_RDWR | O_CLOEXEC);
            const char byte = ::fcntl(f, F_SETLK, &range) == 0 ? 'y' : 'n';
            if (::write(locked[1], &byte, 1) != 1) ::_exit(1);
            ::_exit(0);
          }
          char byte = 0;
          t.note("answer", ::read(locked[0], &byte, 1)), t.note("locked", byte);
          lock(t, t.open("f", O_RDWR), F_SETLKW, F_WRLCK, 0, 0);
          ::waitpid(child, nullptr, 0);
          ::close(locked[0]), ::close(locked[1]);
        }}}};
}

}  // namespace

std::vector<CaseGroup> lock_cases() { return {flock_cases(), record_lock_cases()}; }

}  // namespace reprieve::test
