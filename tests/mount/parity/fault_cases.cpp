// SPDX-License-Identifier: Apache-2.0
// What goes wrong outside of names and permissions: memory, programs that run, mounts, and limits.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

// Where nothing is mapped. A number, because the compiler knows better than to take a null pointer.
const char* nowhere() { return reinterpret_cast<const char*>(std::uintptr_t{0xdead00000000}); }  // NOLINT
void* nowhere_to_write() { return reinterpret_cast<void*>(std::uintptr_t{0xdead00000000}); }     // NOLINT

CaseGroup memory_faults() {
  return {"memory_faults",
          {{"one path",
            [](Transcript& t) {
              const char* path = nowhere();
              t.note("open", ::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0));
              t.note("create", ::syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0644));
              t.note("mkdir", ::syscall(SYS_mkdirat, AT_FDCWD, path, 0755));
              t.note("mknod", ::syscall(SYS_mknodat, AT_FDCWD, path, S_IFIFO | 0644, 0));
              t.note("unlink", ::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
              t.note("rmdir", ::syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
              t.note("chmod", ::syscall(SYS_fchmodat, AT_FDCWD, path, 0644));
              t.note("chown", ::syscall(SYS_fchownat, AT_FDCWD, path, 0, 0, 0));
              t.note("lchown", ::syscall(SYS_fchownat, AT_FDCWD, path, 0, 0, AT_SYMLINK_NOFOLLOW));
              t.note("truncate", ::syscall(SYS_truncate, path, 0));
              t.note("utimensat", ::syscall(SYS_utimensat, AT_FDCWD, path, nullptr, 0));
              t.note("access", ::syscall(SYS_faccessat, AT_FDCWD, path, 0));
              t.note("removexattr", ::syscall(SYS_removexattr, path, "user.a"));
            }},
           {"two paths",
            [](Transcript& t) {
              t.create("f");
              t.note("rename from", ::syscall(SYS_renameat2, AT_FDCWD, nowhere(), AT_FDCWD, "g", 0));
              t.note("rename to", ::syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, nowhere(), 0));
              t.note("link from", ::syscall(SYS_linkat, AT_FDCWD, nowhere(), AT_FDCWD, "g", 0));
              t.note("link to", ::syscall(SYS_linkat, AT_FDCWD, "f", AT_FDCWD, nowhere(), 0));
              t.note("symlink of", ::syscall(SYS_symlinkat, nowhere(), AT_FDCWD, "g"));
              t.note("symlink to", ::syscall(SYS_symlinkat, "f", AT_FDCWD, nowhere())), t.list(".");
            }},
           {"buffers", [](Transcript& t) {
              t.create("f", "abc"), t.symlink("f", "l"), t.set_xattr("f", "user.a", "1");
              const int f = t.open("f", O_RDWR);
              t.note("read", ::syscall(SYS_read, f, nowhere_to_write(), 3));
              t.note("write", ::syscall(SYS_write, f, nowhere(), 3));
              t.note("pread", ::syscall(SYS_pread64, f, nowhere_to_write(), 3, 0));
              t.note("pwrite", ::syscall(SYS_pwrite64, f, nowhere(), 3, 0)), t.fstat(f), t.content("f");
              t.note("stat", ::syscall(SYS_newfstatat, AT_FDCWD, "f", nowhere_to_write(), 0));
              t.note("statx", ::syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, nowhere_to_write()));
              t.note("statfs", ::syscall(SYS_statfs, "f", nowhere_to_write()));
              t.note("readlink", ::syscall(SYS_readlinkat, AT_FDCWD, "l", nowhere_to_write(), 10));
              t.note("readlink of no bytes", ::syscall(SYS_readlinkat, AT_FDCWD, "l", nowhere_to_write(), 0));
              t.note("utimensat", ::syscall(SYS_utimensat, AT_FDCWD, "f", nowhere(), 0));
              t.note("setxattr", ::syscall(SYS_setxattr, "f", "user.b", nowhere(), 3, 0));
              t.note("getxattr", ::syscall(SYS_getxattr, "f", "user.a", nowhere_to_write(), 10));
              t.note("listxattr", ::syscall(SYS_listxattr, "f", nowhere_to_write(), 10) < 0 ? -1 : 0);
              const int d = t.open(".", O_RDONLY | O_DIRECTORY);
              t.note("getdents", ::syscall(SYS_getdents64, d, nowhere_to_write(), 1000));
            }}}};
}

// A copy of a program that waits until it is killed, and what is done while it runs.
Case running(const std::string& name, const std::function<void(Transcript&)>& calls) {
  return {name, [=](Transcript& t) {
            std::filesystem::copy_file("/bin/sleep", "p");
            t.chmod("p", 0755);
            int started[2];
            if (::pipe2(started, O_CLOEXEC) != 0) return;
            const pid_t child = ::fork();
            if (child == 0) {
              ::execl("./p", "./p", "60", nullptr);
              ::_exit(127);
            }
            ::close(started[1]);
            char end = 0;
            // Ends when the program's image is in place, which closes the other end.
            static_cast<void>(::read(started[0], &end, 1));
            ::close(started[0]);
            calls(t);
            ::kill(child, SIGKILL), ::waitpid(child, nullptr, 0);
          }};
}

CaseGroup running_programs() {
  return {
      "running_program",
      {running("is not written",
               [](Transcript& t) {
                 t.open("p", O_WRONLY), t.open("p", O_RDWR), t.open("p", O_WRONLY | O_APPEND), t.truncate("p", 0);
               }),
       running("is not truncated by an open for reading",
               [](Transcript& t) { t.open("p", O_RDONLY | O_TRUNC), t.open("p", O_RDONLY | O_CREAT), t.stat("p"); }),
       running("is not truncated by an open for writing",
               [](Transcript& t) {
                 t.open("p", O_WRONLY | O_TRUNC), t.open("p", O_CREAT | O_TRUNC | O_RDWR), t.stat("p");
               }),
       running("can be read, changed and removed",
               [](Transcript& t) {
                 t.open("p", O_RDONLY), t.chmod("p", 0700), t.chown("p", 5, 6), t.set_xattr("p", "user.a", "1");
                 t.link("p", "q"), t.rename("p", "r"), t.unlink("r"), t.stat("q"), t.unlink("q"), t.list(".");
               }),
       {"what is open for writing does not run", [](Transcript& t) {
          std::filesystem::copy_file("/bin/true", "p");
          t.chmod("p", 0755);
          const int writer = t.open("p", O_WRONLY);
          const auto exec = [&t] {
            const pid_t child = ::fork();
            if (child == 0) {
              ::execl("./p", "./p", nullptr);
              ::_exit(errno);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            t.note("exit", WEXITSTATUS(status));
          };
          exec(), t.close(writer), exec(), t.chmod("p", 0644), exec();
        }}}};
}

// With something mounted on the directory "m".
Case with_mount(const std::string& name, const std::function<void(Transcript&)>& calls) {
  return {name, [=](Transcript& t) {
            t.mkdir("m");
            if (::mount("none", "m", "tmpfs", 0, nullptr) != 0) return void(t.note("mount", -1));
            calls(t);
            ::umount2("m", MNT_DETACH);
            t.rmdir("m");
          }};
}

// In a directory "d" that holds a file "f", a directory "e" and a link "l", and is mounted read-only.
Case read_only(const std::string& name, const std::function<void(Transcript&)>& calls) {
  return {name, [=](Transcript& t) {
            t.mkdir("d"), t.create("d/f", "abc"), t.mkdir("d/e"), t.symlink("f", "d/l"), t.mknod("d/p", S_IFIFO | 0644);
            if (::mount("d", "d", nullptr, MS_BIND, nullptr) != 0) return void(t.note("mount", -1));
            t.note("read-only", ::mount(nullptr, "d", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr));
            calls(t);
            ::umount2("d", MNT_DETACH);
            t.list("d"), t.stat("d/f"), t.stat("d/e");
          }};
}

CaseGroup mounts() {
  return {"mounts",
          {with_mount("a mount point stays",
                      [](Transcript& t) {
                        t.mkdir("e"), t.create("f"), t.rmdir("m"), t.unlink("m"), t.rename("m", "n"),
                            t.rename("e", "m"), t.rename("f", "m"), t.rename("m", "e", RENAME_EXCHANGE), t.list(".");
                      }),
           with_mount("nothing moves to another mount",
                      [](Transcript& t) {
                        t.create("f", "abc"), t.create("m/g"), t.rename("f", "m/f"), t.link("f", "m/f"),
                            t.rename("m/g", "g"), t.link("m/g", "g"), t.rename("f", "m/g", RENAME_EXCHANGE),
                            t.stat("f");
                      }),
           read_only("nothing is made",
                     [](Transcript& t) {
                       t.create("d/g"), t.mkdir("d/g"), t.mknod("d/g", S_IFIFO | 0644), t.symlink("x", "d/g");
                       t.link("d/f", "d/g"), t.open("d", O_TMPFILE | O_RDWR), t.open("d/g", O_RDONLY | O_CREAT);
                     }),
           read_only("what is there already is",
                     [](Transcript& t) {
                       t.create("d/f"), t.mkdir("d/e"), t.symlink("x", "d/l"), t.mknod("d/p", S_IFIFO | 0644),
                           t.open("d/f", O_RDONLY | O_CREAT), t.open("d/f", O_RDONLY | O_CREAT | O_EXCL);
                     }),
           read_only("nothing goes",
                     [](Transcript& t) {
                       t.unlink("d/f"), t.rmdir("d/e"), t.unlink("d/no"), t.rmdir("d/no"), t.unlink("d/e"),
                           t.rename("d/f", "d/g"), t.rename("d/no", "d/g"), t.rename("d/f", "d/e");
                     }),
           read_only("nothing is opened for writing",
                     [](Transcript& t) {
                       t.open("d/f", O_WRONLY), t.open("d/f", O_RDWR), t.open("d/f", O_RDONLY | O_TRUNC),
                           t.open("d/p", O_RDWR | O_NONBLOCK), t.open("d/e", O_WRONLY), t.open("d/no", O_WRONLY),
                           t.content("d/f");
                     }),
           read_only("no attribute changes", [](Transcript& t) {
             t.chmod("d/f", 0600), t.chown("d/f", 1, 2), t.chown("d/l", 1, 2, AT_SYMLINK_NOFOLLOW),
                 t.truncate("d/f", 0), t.truncate("d/f", -1), t.set_times("d/f", {1, 1}, {2, 2}),
                 t.set_times("d/f", {0, UTIME_OMIT}, {0, UTIME_OMIT}), t.set_xattr("d/f", "user.a", "1"),
                 t.remove_xattr("d/f", "user.a"), t.access("d/f", W_OK), t.access("d/p", W_OK), t.access("d", W_OK);
           })}};
}

// The limit holds for the calls alone, and its signal is ignored.
void within_file_size(rlim_t most, const std::function<void()>& calls) {
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit less{.rlim_cur = most, .rlim_max = before.rlim_max};
  auto* const handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &less);
  calls();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
}

CaseGroup limits() {
  constexpr off_t kExt4Most = (off_t{1} << 44) - 4096;  // of a file of blocks of 4096 bytes
  return {"limits",
          {{"of the process",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              within_file_size(100'000, [&] {
                t.pwrite(f, "0123456789", 99'995), t.pwrite(f, "x", 100'000), t.ftruncate(f, 100'001),
                    t.truncate("f", 200'000), t.fallocate(f, 0, 0, 100'001), t.fallocate(f, 1, 0, 100'001), t.fstat(f);
              });
            }},
           {"of a file",
            [](Transcript& t) {
              const int f = t.open("f", O_CREAT | O_RDWR);
              t.pwrite(f, "0123456789", kExt4Most - 5), t.pwrite(f, "x", kExt4Most), t.pwrite(f, "x", INT64_MAX),
                  t.ftruncate(f, kExt4Most), t.ftruncate(f, kExt4Most + 1), t.truncate("f", off_t{1} << 50), t.fstat(f);
              t.fallocate(f, 0, kExt4Most, 10), t.fallocate(f, 0, -1, 10), t.fallocate(f, 0, 0, -1), t.fstat(f);
              t.lseek(f, off_t{1} << 44, SEEK_DATA), t.pread(f, 10, off_t{1} << 45);
            }},
           {"of the caller's descriptors", [](Transcript& t) {
              t.create("f", "abc");
              rlimit before{};
              ::getrlimit(RLIMIT_NOFILE, &before);
              const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
              ::setrlimit(RLIMIT_NOFILE, &none);
              t.open("f", O_RDONLY), t.open("g", O_CREAT | O_WRONLY), t.open(".", O_TMPFILE | O_RDWR);
              ::setrlimit(RLIMIT_NOFILE, &before);
              t.list(".");
            }}}};
}

}  // namespace

std::vector<CaseGroup> fault_cases() { return {memory_faults(), running_programs(), mounts(), limits()}; }

}  // namespace reprieve::test
