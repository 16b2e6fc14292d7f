// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/parity/matrix.h"

#include <limits.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <iterator>

namespace reprieve::test {
namespace {

struct Who {
  std::string name;
  uid_t uid;
  std::vector<gid_t> groups;
};

const std::vector<Who> kAll{
    {"root", 0, {}}, {"owner", kOwner, {}}, {"member", kMember, {kOwner, kOtherGroup}}, {"stranger", kStranger, {}}};

void play_as(Transcript& t, const Who& who, const std::function<void(Transcript&)>& calls) {
  if (who.uid == 0) return calls(t);
  t.as_user(who.uid, calls, who.groups);
}

void own(Transcript& t, const std::string& path) { t.chown(path, kOwner, kOwner, AT_SYMLINK_NOFOLLOW); }

Object file(const std::string& name, const std::string& path, mode_t mode, std::string_view content = "abc") {
  return {name, path, [=, content = std::string(content)](Transcript& t) {
            t.create(path, content), own(t, path), t.chmod(path, mode);
          }};
}

Object directory(const std::string& name, const std::string& path, mode_t mode) {
  return {name, path, [=](Transcript& t) { t.mkdir(path), own(t, path), t.chmod(path, mode); }};
}

Object node(const std::string& name, const std::string& path, mode_t type, dev_t device = 0) {
  return {name, path, [=](Transcript& t) { t.mknod(path, type | 0644, device), own(t, path); }};
}

Object symlink(const std::string& name, const std::string& path, const std::string& target) {
  return {name, path, [=](Transcript& t) { t.symlink(target, path), own(t, path); }};
}

// A path that is used as it is; "d/f" and the directory "d/e" are there.
Object plain_path(const std::string& name, const std::string& path) {
  return {name, path, [](Transcript& t) { t.create("d/f", "abc"), own(t, "d/f"), t.mkdir("d/e"), own(t, "d/e"); },
          true};
}

// A directory in which somebody else's rules hold, with a file in it.
Object file_in(const std::string& name, uid_t owner, gid_t group, mode_t mode, uid_t of_file) {
  return {name, "d/in/f", [=](Transcript& t) {
            t.mkdir("d/in"), t.create("d/in/f", "abc"), t.chown("d/in/f", of_file, of_file);
            t.chown("d/in", owner, group), t.chmod("d/in", mode);
          }};
}

std::string path_of_length(std::size_t length) {
  std::string path = "d/f";
  while (path.size() + 2 <= length) path.insert(0, "./");
  return path;
}

void look(Transcript& t, const std::string& path) {
  t.stat(path), t.stat(path, 0), t.stat("d");
  t.list("d");
}

// What there is, of paths that may lead nowhere.
std::vector<std::string> existing(const std::vector<std::string>& paths) {
  std::vector<std::string> found;
  std::ranges::copy_if(paths, std::back_inserter(found), [](const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
  });
  return found;
}

// Calls on what `prepare` makes, with a look at the times of `watched`.
Case timed(const std::string& name, const std::vector<std::string>& watched, std::function<void(Transcript&)> prepare,
           std::function<void(Transcript&)> calls) {
  return {name, [=, calls = std::move(calls)](Transcript& t) { t.watch(existing(watched)), calls(t), t.changes(); },
          [=, prepare = std::move(prepare)](Transcript& t) { prepare(t), Transcript::age(existing(watched)); }};
}

}  // namespace

const std::vector<Object>& all_objects() {
  static const std::vector<Object> objects{
      file("file", "d/f", 0644),
      file("unreadable", "d/f", 0),
      file("set-id", "d/f", 06755),
      file("open to all", "d/f", 0666),
      file("set-id and open to all", "d/f", 06777),
      file("set-id without execution", "d/f", 06666),
      {"of another group", "d/f",
       [](Transcript& t) { t.create("d/f", "abc"), t.chown("d/f", kOwner, kOtherGroup), t.chmod("d/f", 02664); }},
      {"of root, set-id", "d/f", [](Transcript& t) { t.create("d/f", "abc"), t.chmod("d/f", 06777); }},
      file("longest name", "d/" + std::string(NAME_MAX, 'n'), 0644),
      directory("directory", "d/e", 0755),
      directory("sticky directory", "d/e", 01777),
      directory("set-id directory", "d/e", 06775),
      {"full directory", "d/e", [](Transcript& t) { t.mkdir("d/e"), t.create("d/e/f", "abc"), own(t, "d/e"); }},
      node("fifo", "d/p", S_IFIFO),
      node("device", "d/c", S_IFCHR, makedev(1, 3)),
      node("block device", "d/b", S_IFBLK, makedev(4095, 1048575)),
      node("socket", "d/s", S_IFSOCK),
      {"set-id fifo", "d/p",
       [](Transcript& t) { t.mknod("d/p", S_IFIFO | 0644), own(t, "d/p"), t.chmod("d/p", 06777); }},
      {"link to a file", "d/l", [](Transcript& t) { t.create("d/f", "abc"), own(t, "d/f"), t.symlink("f", "d/l"); }},
      {"link to a directory", "d/l", [](Transcript& t) { t.mkdir("d/e"), own(t, "d/e"), t.symlink("e", "d/l"); }},
      symlink("dangling link", "d/l", "no"),
      symlink("looping link", "d/l", "l"),
      {"loop on the way", "d/l/f", [](Transcript& t) { t.symlink("l", "d/l"); }, true},
      {"second name", "d/g", [](Transcript& t) { t.create("d/f", "abc"), own(t, "d/f"), t.link("d/f", "d/g"); }},
      {"nothing", "d/no", [](Transcript&) {}},
      plain_path("nowhere", "d/no/no"),
      plain_path("below a file", "d/f/x"),
      plain_path("file with a slash", "d/f/"),
      plain_path("directory with a slash", "d/e/"),
      plain_path("nothing with a slash", "d/no/"),
      plain_path("name too long", "d/" + std::string(NAME_MAX + 1, 'n')),
      plain_path("longest path", path_of_length(PATH_MAX - 1)),
      plain_path("path too long", path_of_length(PATH_MAX + 1)),
      plain_path("name too long on the way", "d/" + std::string(NAME_MAX + 1, 'n') + "/f"),
      plain_path("empty path", ""),
      plain_path("dot", "d/e/."),
      plain_path("dot dot", "d/e/.."),
      file_in("in another's directory", 0, 0, 0755, kOwner),
      file_in("in a sticky directory", 0, 0, 01777, kStranger),
      file_in("in an own sticky directory", kOwner, kOwner, 01777, kStranger),
      file_in("in a sticky directory of members", 0, kOwner, 01770, kMember),
      file_in("in a set-group-id directory", 0, 4321, 02777, kOwner),
      file_in("in an unsearchable directory", 0, 0, 0644, kOwner),
      file_in("in an unreadable directory", 0, 0, 0733, kOwner),
  };
  return objects;
}

std::vector<Object> pair_objects(const std::string& path) {
  const auto with = [&path](const std::string& name, const std::string& suffix,
                            std::function<void(Transcript&)> make) -> Object {
    return {name, path + suffix, std::move(make)};
  };
  const auto make_file = [path](Transcript& t) { t.create(path, path), own(t, path); };
  const auto make_directory = [path](Transcript& t) { t.mkdir(path), own(t, path); };
  return {
      with("file", "", make_file),
      with("directory", "", make_directory),
      with("full directory", "", [path](Transcript& t) { t.mkdir(path), t.create(path + "/f"), own(t, path); }),
      with("link", "", [path](Transcript& t) { t.symlink("nowhere", path), own(t, path); }),
      with("fifo", "", [path](Transcript& t) { t.mknod(path, S_IFIFO | 0644), own(t, path); }),
      with("device", "", [path](Transcript& t) { t.mknod(path, S_IFCHR | 0644, makedev(1, 3)), own(t, path); }),
      with("socket", "", [path](Transcript& t) { t.mknod(path, S_IFSOCK | 0644), own(t, path); }),
      with("one of two names", "",
           [path](Transcript& t) { t.create(path, path), own(t, path), t.link(path, path + "2"); }),
      with("nothing", "", [](Transcript&) {}),
      with("file with a slash", "/", make_file),
      with("directory with a slash", "/", make_directory),
      with("nothing with a slash", "/", [](Transcript&) {}),
      with("dot", "/.", make_directory),
      with("below a file", "/x", make_file),
      with("in a directory", "/x", [path](Transcript& t) { t.mkdir(path), t.create(path + "/x", "x"), own(t, path); }),
      with("in a sticky directory", "/x",
           [path](Transcript& t) { t.mkdir(path), t.create(path + "/x", "x"), t.chmod(path, 01777); }),
      with("own in a sticky directory", "/x",
           [path](Transcript& t) {
             t.mkdir(path), t.create(path + "/x", "x"), own(t, path + "/x"), t.chmod(path, 01777);
           }),
      with("in an own sticky directory", "/x",
           [path](Transcript& t) { t.mkdir(path), t.create(path + "/x", "x"), own(t, path), t.chmod(path, 01777); }),
      with("directory in a sticky directory", "/x",
           [path](Transcript& t) { t.mkdir(path), t.mkdir(path + "/x"), t.chmod(path, 01777); }),
      with("in an unwritable directory", "/x",
           [path](Transcript& t) { t.mkdir(path), t.create(path + "/x", "x"), own(t, path), t.chmod(path, 0555); }),
      with("name too long", "/" + std::string(NAME_MAX + 1, 'n'), make_directory),
      with("below a loop", "/x", [path](Transcript& t) { t.symlink(path.substr(2), path); }),
  };
}

CaseGroup matrix(const std::string& name, const std::vector<PathCall>& calls) {
  CaseGroup group{name, {}, Places::one};
  for (const PathCall& call : calls) {
    for (const Object& object : all_objects()) {
      for (const Who& who : kAll) {
        if (object.malformed && who.uid != kOwner) continue;
        group.cases.push_back(timed(
            call.name + " of " + object.name + " by " + who.name, {"d", object.path},
            [=](Transcript& t) { t.mkdir("d"), own(t, "d"), object.make(t); },
            [=](Transcript& t) {
              play_as(t, who, [&](Transcript& u) { call.call(u, object.path); });
              look(t, object.path);
            }));
      }
    }
  }
  return group;
}

CaseGroup pair_matrix(const std::string& name, const std::vector<PairCall>& calls) {
  CaseGroup group{name, {}, Places::one};
  for (const PairCall& call : calls) {
    for (const Object& from : pair_objects("d/a")) {
      for (const Object& to : pair_objects("d/b")) {
        group.cases.push_back(timed(
            call.name + " of " + from.name + " to " + to.name, {"d", "d/a", "d/b", "d/a/x", "d/b/x"},
            [=](Transcript& t) { t.mkdir("d"), own(t, "d"), from.make(t), to.make(t); },
            [=](Transcript& t) {
              t.as_user(kOwner, [&](Transcript& u) { call.call(u, from.path, to.path); });
              look(t, from.path), look(t, to.path);
            }));
      }
    }
  }
  return group;
}

}  // namespace reprieve::test
