// SPDX-License-Identifier: Apache-2.0
// What came late to FUSE: files without a name, handles, the time of birth, flags of inodes.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tests/mount/file_handle.h"
#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

std::string through_proc(int file) { return "/proc/self/fd/" + std::to_string(file); }

void give_name(Transcript& t, int file, const std::string& path) {
  t.note("linkat", ::linkat(AT_FDCWD, through_proc(file).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW));
}

CaseGroup unnamed_cases() {
  return {"unnamed_file",
          {{"read and write",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR, 0666);
              t.fstat(f), t.write(f, "abc"), t.pread(f, 10, 0), t.ftruncate(f, 2), t.fstat(f), t.list("."), t.stat(".");
            }},
           {"gets a name",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR, 0604);
              t.write(f, "abc"), give_name(t, f, "x"), t.stat("x"), t.fstat(f), t.content("x"), t.write(f, "d");
              t.close(f), t.content("x"), t.list(".");
            }},
           {"gets two names and loses them",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR);
              give_name(t, f, "x"), give_name(t, f, "y"), t.fstat(f), t.same_inode("x", "y");
              t.unlink("x"), t.fstat(f), t.unlink("y"), t.fstat(f), give_name(t, f, "z"), t.list(".");
            }},
           {"name is taken",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR);
              t.create("x"), give_name(t, f, "x"), t.fstat(f), t.list(".");
            }},
           {"exclusive", [](Transcript& t) { give_name(t, t.open(".", O_TMPFILE | O_RDWR | O_EXCL), "x"); }},
           {"opened again",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR);
              t.write(f, "abc");
              const int again = t.open(through_proc(f), O_RDWR);
              t.read(again, 5), t.write(again, "d"), t.close(f), t.pread(again, 5, 0), t.fstat(again);
            }},
           {"mode and owner change",
            [](Transcript& t) {
              const int f = t.open(".", O_TMPFILE | O_RDWR);
              t.note("fchmod", ::fchmod(f, 0701)), t.note("fchown", ::fchown(f, 5, 6)), t.fstat(f);
              give_name(t, f, "x"), t.stat("x");
            }},
           {"the directory does not change",
            [](Transcript& t) { t.mkdir("d"), t.watch({"d"}), t.open("d", O_TMPFILE | O_RDWR), t.changes(); }},
           {"in a set-group-id directory",
            [](Transcript& t) {
              t.mkdir("d"), t.chown("d", 0, 4321), t.chmod("d", 02777);
              t.fstat(t.open("d", O_TMPFILE | O_RDWR, 0666));
              t.as_user(kOwner, [](Transcript& u) { u.fstat(u.open("d", O_TMPFILE | O_RDWR, 02777)); });
            }},
           {"outlives its directory", [](Transcript& t) {
              t.mkdir("d");
              const int f = t.open("d", O_TMPFILE | O_RDWR);
              t.rmdir("d"), t.write(f, "abc"), t.pread(f, 5, 0), give_name(t, f, "x"), t.content("x");
            }}}};
}

Handle handle_of(Transcript& t, const std::string& path) {
  Handle handle;
  handle.head()->handle_bytes = MAX_HANDLE_SZ;
  int mount = 0;
  t.note("name_to_handle_at " + path, ::name_to_handle_at(AT_FDCWD, path.c_str(), handle.head(), &mount, 0));
  return handle;
}

void open_handle(Transcript& t, Handle handle) {
  const FileDescriptor here(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto open = [&] {
    return FileDescriptor(::open_by_handle_at(here.get(), handle.head(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  };
  FileDescriptor file = open();
  // ext4 has answered so, once in hundreds of runs, for a directory that was removed just before.
  for (int tries = 0; !file && errno == ENOMEM && tries < 100; ++tries) file = open();
  t.note("open_by_handle_at", file ? 0 : -1);
  if (file) t.fstat(file.get());
}

CaseGroup handle_cases() {
  return {"handles",
          {{"file", [](Transcript& t) { t.create("f", "abc"), open_handle(t, handle_of(t, "f")); }},
           {"directory", [](Transcript& t) { t.mkdir("d"), open_handle(t, handle_of(t, "d")); }},
           {"fifo", [](Transcript& t) { t.mknod("p", S_IFIFO | 0644), open_handle(t, handle_of(t, "p")); }},
           {"renamed",
            [](Transcript& t) {
              t.mkdir("d"), t.create("f", "abc");
              const Handle handle = handle_of(t, "f");
              t.rename("f", "d/g"), open_handle(t, handle);
            }},
           {"removed directory",
            [](Transcript& t) {
              t.mkdir("d");
              const Handle handle = handle_of(t, "d");
              t.rmdir("d"), open_handle(t, handle), t.mkdir("d"), open_handle(t, handle);
            }},
           {"not for a plain user",
            [](Transcript& t) {
              t.create("f", "abc"), t.as_user(kOwner, [](Transcript& u) { open_handle(u, handle_of(u, "f")); });
            }},
           {"nonsense", [](Transcript& t) {
              t.create("f");
              Handle handle = handle_of(t, "f");
              std::fill(handle.bytes.begin() + sizeof(file_handle), handle.bytes.end(), 0xee), open_handle(t, handle);
            }}}};
}

void note_birth(Transcript& t, const std::string& path, std::int64_t since) {
  struct statx status {};
  t.note("statx", ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status));
  t.note("has a birth", (status.stx_mask & STATX_BTIME) != 0 ? 1 : 0);
  t.note("born since", status.stx_btime.tv_sec >= since ? 1 : 0);
  t.note("before it changed", status.stx_btime.tv_sec <= status.stx_ctime.tv_sec ? 1 : 0);
  t.note("links", status.stx_nlink);
  t.note("type and mode", status.stx_mode);
}

CaseGroup birth_cases() {
  const auto born = [](const std::string& name, const std::function<void(Transcript&)>& make) -> Case {
    return {name, [=](Transcript& t) {
              const std::int64_t now = ::time(nullptr) - 1;
              make(t), t.set_times("x", {1, 1}, {2, 2}, AT_SYMLINK_NOFOLLOW), note_birth(t, "x", now);
            }};
  };
  return {"birth",
          {born("file", [](Transcript& t) { t.create("x", "abc"); }),
           born("directory", [](Transcript& t) { t.mkdir("x"); }),
           born("fifo", [](Transcript& t) { t.mknod("x", S_IFIFO | 0644); }),
           born("link", [](Transcript& t) { t.symlink("y", "x"); }),
           born("renamed file", [](Transcript& t) { t.create("y"), t.rename("y", "x"); })}};
}

// The flags that a file has are the file system's own affair; what is asked for and refused is not.
CaseGroup flag_cases() {
  const auto flags = [](Transcript& t, const std::string& path, unsigned change) {
    const int file = t.open(path, O_RDONLY | O_NONBLOCK);
    int now = 0;
    t.note("FS_IOC_GETFLAGS", ::ioctl(file, FS_IOC_GETFLAGS, &now));
    now |= static_cast<int>(change);
    t.note("FS_IOC_SETFLAGS", ::ioctl(file, FS_IOC_SETFLAGS, &now));
    int version = 0;
    t.note("FS_IOC_GETVERSION", ::ioctl(file, FS_IOC_GETVERSION, &version));
    fsxattr extended{};
    t.note("FS_IOC_FSGETXATTR", ::ioctl(file, FS_IOC_FSGETXATTR, &extended));
  };
  constexpr unsigned kUnknownFlag = 0x40000000 & ~FS_FL_USER_MODIFIABLE;
  return {"inode_flags",
          {{"of a file", [=](Transcript& t) { t.create("f"), flags(t, "f", 0); }},
           {"of a directory", [=](Transcript& t) { t.mkdir("d"), flags(t, "d", 0); }},
           {"by another",
            [=](Transcript& t) { t.create("f"), t.as_user(kOwner, [&](Transcript& u) { flags(u, "f", 0); }); }},
           {"that nobody knows", [=](Transcript& t) { t.create("f"), flags(t, "f", kUnknownFlag); }},
           {"unknown command",
            [](Transcript& t) { t.create("f"), t.note("ioctl", ::ioctl(t.open("f", O_RDONLY), _IO('?', 77), 0)); }}}};
}

}  // namespace

std::vector<CaseGroup> late_cases() { return {unnamed_cases(), handle_cases(), birth_cases(), flag_cases()}; }

}  // namespace reprieve::test
