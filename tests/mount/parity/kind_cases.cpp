// SPDX-License-Identifier: Apache-2.0
// The same calls on an object of every kind: owners and groups, link counts, times, names.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

constexpr uid_t kSameUser = static_cast<uid_t>(-1);
constexpr gid_t kSameGroup = static_cast<gid_t>(-1);

struct Kind {
  std::string name;
  std::function<void(Transcript&, const std::string&)> make;
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"file", [](Transcript& t, const std::string& p) { t.create(p, p); }},
      {"directory", [](Transcript& t, const std::string& p) { t.mkdir(p); }},
      {"full directory", [](Transcript& t, const std::string& p) { t.mkdir(p), t.mkdir(p + "/in"); }},
      {"link", [](Transcript& t, const std::string& p) { t.symlink("to", p); }},
      {"fifo", [](Transcript& t, const std::string& p) { t.mknod(p, S_IFIFO | 0644); }},
      {"socket", [](Transcript& t, const std::string& p) { t.mknod(p, S_IFSOCK | 0644); }},
      {"character device", [](Transcript& t, const std::string& p) { t.mknod(p, S_IFCHR | 0644, makedev(1, 3)); }},
      {"block device", [](Transcript& t, const std::string& p) { t.mknod(p, S_IFBLK | 0644, makedev(300, 70000)); }},
  };
  return all;
}

// A case for each kind. `x` lies in the directory "d"; "e" is empty.
CaseGroup for_each_kind(const std::string& name, const std::vector<std::string>& watched,
                        const std::function<void(Transcript&)>& calls) {
  CaseGroup group{name, {}, Places::one};
  for (const Kind& kind : kinds()) {
    group.cases.push_back(
        {kind.name, [=](Transcript& t) { t.watch(watched), calls(t), t.changes(); },
         [=](Transcript& t) { t.mkdir("d"), t.mkdir("e"), kind.make(t, "d/x"), Transcript::age(watched); }});
  }
  return group;
}

CaseGroup owners() {
  return for_each_kind("owners_of_kinds", {"d/x", "d"}, [](Transcript& t) {
    const auto change = [&t](uid_t user, gid_t group) {
      t.chown("d/x", user, group, AT_SYMLINK_NOFOLLOW), t.stat("d/x");
    };
    change(kOwner, 4000), t.chmod("d/x", 06555), t.stat("d/x");
    t.as_user(kOwner,
              [&](Transcript& u) {
                u.chown("d/x", kSameUser, 777, AT_SYMLINK_NOFOLLOW), u.stat("d/x");
                u.chown("d/x", kOwner, 888, AT_SYMLINK_NOFOLLOW), u.stat("d/x");
                u.chown("d/x", kSameUser, 999, AT_SYMLINK_NOFOLLOW),
                    u.chown("d/x", kStranger, 888, AT_SYMLINK_NOFOLLOW);
                u.chown("d/x", kSameUser, kSameGroup, AT_SYMLINK_NOFOLLOW), u.stat("d/x");
              },
              {777, 888});
    t.chmod("d/x", 06644), t.as_user(kStranger, [&](Transcript& u) {
      u.chown("d/x", kSameUser, kSameGroup, AT_SYMLINK_NOFOLLOW), u.chown("d/x", kStranger, kSameGroup),
          u.chmod("d/x", 0), u.stat("d/x");
    });
    change(0, 0), change(kSameUser, kSameGroup);
  });
}

CaseGroup link_counts() {
  return for_each_kind("links_of_kinds", {"d/x", "d", "e"}, [](Transcript& t) {
    t.link("d/x", "e/y"), t.stat("d/x"), t.stat("e/y"), t.stat("e"), t.same_inode("d/x", "e/y");
    t.link("d/x", "e/y"), t.link("e/y", "e/z"), t.stat("d/x"), t.unlink("d/x"), t.stat("e/y"), t.stat("d");
    t.rename("e/y", "e/z"), t.unlink("e/y"), t.stat("e/z"), t.list("e"), t.list("d");
  });
}

CaseGroup one_link_goes() {
  CaseGroup group = for_each_kind("one_link_goes", {"d/x", "d", "e"}, [](Transcript& t) {
    t.link("d/x", "e/y"), t.watch({"d/x", "e/y", "d", "e"}), t.unlink("e/y"), t.changes(), t.stat("d/x");
    t.link("d/x", "e/y"), t.create("e/n"), t.watch({"d/x", "e", "e/n"}), t.rename("e/n", "e/y"), t.changes();
    t.stat("d/x"), t.stat("e/y");
  });
  // Directories have one name.
  std::erase_if(group.cases, [](const Case& played) { return played.name.ends_with("directory"); });
  return group;
}

CaseGroup renames() {
  return for_each_kind("renames_of_kinds", {"d/x", "d", "e"}, [](Transcript& t) {
    t.rename("d/x", "d/y"), t.stat("d/y"), t.stat("d"), t.rename("d/y", "e/x"), t.stat("e"), t.stat("d"),
        t.stat("e/x/.."), t.rename("e/x", "d/x", RENAME_NOREPLACE), t.create("e/f"),
        t.rename("e/f", "d/x", RENAME_EXCHANGE), t.stat("d/x"), t.stat("e/f"), t.list("d"), t.list("e");
  });
}

// What a rename over an object of each kind by one of each other leaves, also of another name of what is replaced.
CaseGroup replacements() {
  CaseGroup group{"replacements_of_kinds", {}, Places::one};
  for (const Kind& from : kinds()) {
    for (const Kind& to : kinds()) {
      group.cases.push_back({from.name + " over " + to.name,
                             [](Transcript& t) {
                               t.watch({"d", "e", "d/x", "e/y"}), t.rename("d/x", "e/y"), t.changes();
                               t.stat("d"), t.stat("e"), t.stat("d/x"), t.stat("e/y"), t.stat("second"), t.list("e");
                             },
                             [=](Transcript& t) {
                               t.mkdir("d"), t.mkdir("e"), from.make(t, "d/x"), to.make(t, "e/y");
                               t.link("e/y", "second"), Transcript::age({"d", "e", "d/x", "e/y"});
                             }});
    }
  }
  return group;
}

void times(Transcript& t, const std::string& path) {
  struct stat status {};
  t.note("times", ::lstat(path.c_str(), &status));
  for (const timespec& time : {status.st_atim, status.st_mtim})
    t.note("  at", std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec));
}

CaseGroup time_ranges() {
  return for_each_kind("times_of_kinds", {"d/x"}, [](Transcript& t) {
    const auto set = [&t](timespec accessed, timespec modified) {
      t.set_times("d/x", accessed, modified, AT_SYMLINK_NOFOLLOW), times(t, "d/x");
    };
    set({1LL << 33, 999'999'999}, {-1, 1}), set({2147483647, 1}, {2147483648, 2}), set({4294967296, 3}, {0, 0});
    set({-2147483648, 0}, {9'000'000'000, 999'999'999}), set({-86400, 999'999'999}, {1, 2});
    set({0, UTIME_OMIT}, {7, 8}), set({9, 10}, {0, UTIME_OMIT}), set({0, 1'000'000'000}, {0, 0}), set({0, 0}, {0, -1});
    t.watch({"d/x"}), t.set_times("d/x", {0, UTIME_NOW}, {0, UTIME_OMIT}, AT_SYMLINK_NOFOLLOW), t.changes();
    t.watch({"d/x"}), t.set_times("d/x", {0, UTIME_OMIT}, {0, UTIME_NOW}, AT_SYMLINK_NOFOLLOW), t.changes();
    t.watch({"d/x"}), t.set_times("d/x", {0, UTIME_NOW}, {5, 5}, AT_SYMLINK_NOFOLLOW), t.changes();
  });
}

// Who may take what out of a sticky directory, by who owns the directory and the object.
CaseGroup sticky_directories() {
  struct Owners {
    std::string name;
    uid_t of_directory;
    uid_t of_object;
  };
  CaseGroup group{"sticky_directories", {}, Places::one};
  for (const Owners& owner : {Owners{"neither", 0, 0}, Owners{"the directory", kOwner, 0},
                              Owners{"the object", 0, kOwner}, Owners{"both", kOwner, kOwner}}) {
    for (const Kind& kind : kinds()) {
      group.cases.push_back(
          {kind.name + ", owning " + owner.name,
           [](Transcript& t) {
             t.watch({"d", "d/x", "e"});
             t.as_user(kOwner, [](Transcript& u) {
               u.unlink("d/x"), u.rmdir("d/x"), u.rename("e/f", "d/x"), u.rename("e/g", "d/x"), u.rename("d/x", "d/y"),
                   u.rename("d/y", "e/x"), u.rename("e/h", "e/x", RENAME_EXCHANGE), u.link("d/x", "e/l");
             });
             t.changes(), t.list("d"), t.list("e"), t.stat("d"), t.stat("d/x");
           },
           [=](Transcript& t) {
             for (const char* directory : {"d", "e"})
               t.mkdir(directory), t.chown(directory, owner.of_directory, 0), t.chmod(directory, 01777);
             kind.make(t, "d/x"), t.chown("d/x", owner.of_object, owner.of_object, AT_SYMLINK_NOFOLLOW);
             t.create("e/f"), t.chown("e/f", kOwner, kOwner), t.mkdir("e/g"), t.chown("e/g", kOwner, kOwner);
             t.create("e/h"), Transcript::age({"d", "d/x", "e"});
           }});
    }
  }
  return group;
}

CaseGroup device_numbers() {
  CaseGroup group{"device_numbers", {}, Places::one};
  for (const auto& [high, low] :
       {std::pair(0U, 0U), {1U, 3U}, {255U, 255U}, {256U, 256U}, {4095U, 1048575U}, {4096U, 1U}, {1U, 1048576U}}) {
    group.cases.push_back({std::to_string(high) + ":" + std::to_string(low), [high = high, low = low](Transcript& t) {
                             t.mknod("c", S_IFCHR | 0600, makedev(high, low)), t.stat("c");
                             t.mknod("b", S_IFBLK | 0600, makedev(high, low)), t.stat("b"), t.rename("b", "d"),
                                 t.stat("d");
                           }});
  }
  return group;
}

CaseGroup sockets() {
  const auto address = [](const char* path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    return name;
  };
  const auto bind = [=](Transcript& t, const char* path) {
    const sockaddr_un name = address(path);
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    t.note("bind", ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name));
    return socket;
  };
  const auto connect = [=](Transcript& t, const char* path) {
    const sockaddr_un name = address(path);
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    t.note("connect", ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name));
  };
  return {"sockets",
          {{"bind and connect",
            [=](Transcript& t) {
              const FileDescriptor socket = bind(t, "s");
              t.stat("s"), connect(t, "s"), t.note("listen", ::listen(socket.get(), 1)), connect(t, "s"), bind(t, "s");
              t.as_user(kStranger, [&](Transcript& u) { connect(u, "s"), bind(u, "r"); });
              t.open("s", O_RDONLY), t.rename("s", "r"), connect(t, "r"), t.unlink("r"), connect(t, "r"), t.list(".");
            }},
           {"where nothing can be made", [=](Transcript& t) {
              t.create("f"), t.symlink("no", "l"), bind(t, "f"), bind(t, "l"), bind(t, "f/s"), bind(t, "no/s"),
                  connect(t, "f"), connect(t, "no"), t.list(".");
            }}}};
}

}  // namespace

std::vector<CaseGroup> kind_cases() {
  return {owners(),      link_counts(),        one_link_goes(),  renames(), replacements(),
          time_ranges(), sticky_directories(), device_numbers(), sockets()};
}

}  // namespace reprieve::test
