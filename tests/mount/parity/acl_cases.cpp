// SPDX-License-Identifier: Apache-2.0
// POSIX access control lists: stored, honoured, inherited, in step with the mode.
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

#include "tests/mount/parity/matrix.h"

namespace reprieve::test {
namespace {

constexpr const char* kAccess = "system.posix_acl_access";
constexpr const char* kDefault = "system.posix_acl_default";
constexpr unsigned kNobody = ACL_UNDEFINED_ID;

struct Entry {
  int tag;
  int permissions;
  unsigned id = kNobody;
};

// In the machine's byte order, which the tests' machines have in common with the format.
std::string list_of(const std::vector<Entry>& entries, unsigned version = POSIX_ACL_XATTR_VERSION) {
  std::string bytes(sizeof(version) + entries.size() * sizeof(posix_acl_xattr_entry), '\0');
  std::memcpy(bytes.data(), &version, sizeof(version));
  char* at = bytes.data() + sizeof(version);
  for (const Entry& entry : entries) {
    const posix_acl_xattr_entry raw{static_cast<__le16>(entry.tag), static_cast<__le16>(entry.permissions), entry.id};
    std::memcpy(at, &raw, sizeof(raw));
    at += sizeof(raw);
  }
  return bytes;
}

// Owner, the user kStranger, the group, mask, others.
std::string with_user(int owner, int user, int group, int mask, int others) {
  return list_of({{ACL_USER_OBJ, owner},
                  {ACL_USER, user, kStranger},
                  {ACL_GROUP_OBJ, group},
                  {ACL_MASK, mask},
                  {ACL_OTHER, others}});
}

std::string minimal(int owner, int group, int others) {
  return list_of({{ACL_USER_OBJ, owner}, {ACL_GROUP_OBJ, group}, {ACL_OTHER, others}});
}

void look(Transcript& t, const std::string& path) {
  t.stat(path), t.list_xattrs(path), t.get_xattr(path, kAccess), t.get_xattr(path, kDefault);
}

struct Value {
  std::string name;
  std::string bytes;
};

std::vector<Value> values() {
  return {
      {"with a user", with_user(7, 6, 4, 7, 0)},
      {"with a tight mask", with_user(7, 7, 7, 1, 5)},
      {"with everything denied", with_user(0, 0, 0, 0, 0)},
      {"with a group",
       list_of({{ACL_USER_OBJ, 6}, {ACL_GROUP_OBJ, 4}, {ACL_GROUP, 5, 777}, {ACL_MASK, 7}, {ACL_OTHER, 0}})},
      {"with a mask alone", list_of({{ACL_USER_OBJ, 6}, {ACL_GROUP_OBJ, 7}, {ACL_MASK, 4}, {ACL_OTHER, 4}})},
      {"minimal", minimal(7, 5, 1)},
      {"like the mode", minimal(6, 4, 4)},
      {"of no entries", list_of({})},
      {"of no bytes", ""},
      {"cut off", with_user(7, 6, 4, 7, 0).substr(0, 17)},
      {"of another version", list_of({{ACL_USER_OBJ, 7}, {ACL_GROUP_OBJ, 5}, {ACL_OTHER, 5}}, 3)},
      {"without a mask", list_of({{ACL_USER_OBJ, 7}, {ACL_USER, 7, 1}, {ACL_GROUP_OBJ, 5}, {ACL_OTHER, 5}})},
      {"without an owner", list_of({{ACL_GROUP_OBJ, 5}, {ACL_OTHER, 5}})},
      {"out of order", list_of({{ACL_GROUP_OBJ, 5}, {ACL_USER_OBJ, 7}, {ACL_OTHER, 5}})},
      {"with a user twice",
       list_of(
           {{ACL_USER_OBJ, 7}, {ACL_USER, 7, 1}, {ACL_USER, 5, 1}, {ACL_GROUP_OBJ, 5}, {ACL_MASK, 7}, {ACL_OTHER, 5}})},
      {"with unknown bits", minimal(15, 5, 5)},
      {"with an unknown tag", list_of({{0x40, 7}})},
  };
}

struct Kind {
  std::string name;
  std::function<void(Transcript&)> make;
};

std::vector<Kind> kinds() {
  return {{"a file", [](Transcript& t) { t.create("x", "abc"); }},
          {"a directory", [](Transcript& t) { t.mkdir("x"); }},
          {"a fifo", [](Transcript& t) { t.mknod("x", S_IFIFO | 0644); }},
          {"a link", [](Transcript& t) { t.symlink("y", "x"); }}};
}

CaseGroup setting_cases() {
  CaseGroup group{"acl_setting", {}, Places::one};
  for (const Value& value : values()) {
    for (const Kind& kind : kinds()) {
      for (const char* name : {kAccess, kDefault}) {
        group.cases.push_back({std::string(name) + " " + value.name + " on " + kind.name, [=](Transcript& t) {
                                 kind.make(t), t.set_xattr("x", name, value.bytes), look(t, "x");
                                 t.set_xattr("x", name, value.bytes, XATTR_CREATE);
                                 t.set_xattr("x", name, with_user(6, 4, 4, 6, 4), XATTR_REPLACE), look(t, "x");
                                 t.remove_xattr("x", name), look(t, "x"), t.remove_xattr("x", name);
                               }});
      }
    }
  }
  return group;
}

CaseGroup inheritance_cases() {
  const std::vector<Kind> made{{"create", [](Transcript& t) { t.create("d/x", "", 0666); }},
                               {"create of a program", [](Transcript& t) { t.create("d/x", "", 0751); }},
                               {"create of a private file", [](Transcript& t) { t.create("d/x", "", 0600); }},
                               {"mkdir", [](Transcript& t) { t.mkdir("d/x", 0777); }},
                               {"mkdir of a private directory", [](Transcript& t) { t.mkdir("d/x", 0700); }},
                               {"mknod", [](Transcript& t) { t.mknod("d/x", S_IFREG | 0666); }},
                               {"mkfifo", [](Transcript& t) { t.mknod("d/x", S_IFIFO | 0666); }},
                               {"symlink", [](Transcript& t) { t.symlink("y", "d/x"); }},
                               {"unnamed file", [](Transcript& t) {
                                  const int file = t.open("d", O_TMPFILE | O_RDWR, 0666);
                                  t.note("link", ::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(file)).c_str(),
                                                          AT_FDCWD, "d/x", AT_SYMLINK_FOLLOW));
                                }}};
  CaseGroup group{"acl_inheritance", {}, Places::one};
  for (const Kind& kind : made) {
    for (const mode_t umask : {0, 022, 077, 0777}) {
      for (const Value& value : values()) {
        if (value.name == "of no bytes") break;  // from there on they are malformed
        group.cases.push_back(
            {kind.name + " under " + value.name + " and " + std::to_string(umask), [=](Transcript& t) {
               t.mkdir("d"), t.set_xattr("d", kDefault, value.bytes);
               const mode_t before = ::umask(umask);
               kind.make(t);
               ::umask(before);
               look(t, "d"), look(t, "d/x");
             }});
      }
      group.cases.push_back({kind.name + " without a list and " + std::to_string(umask), [=](Transcript& t) {
                               t.mkdir("d"), t.chmod("d", 02775);
                               const mode_t before = ::umask(umask);
                               kind.make(t);
                               ::umask(before);
                               look(t, "d/x");
                             }});
    }
  }
  return group;
}

CaseGroup honour_cases() {
  CaseGroup group{"acl_honour", {}, Places::one};
  for (const Value& value : values()) {
    if (value.name == "of no entries") break;
    for (const uid_t user : {kOwner, kStranger, uid_t{777}, uid_t{4}}) {
      group.cases.push_back({value.name + " for " + std::to_string(user), [=](Transcript& t) {
                               t.mkdir("d"), t.create("d/f", "abc");
                               for (const char* path : {"d/f", "d"}) {
                                 t.chown(path, kOwner, kOwner), t.set_xattr(path, kAccess, value.bytes);
                               }
                               t.as_user(user, [](Transcript& u) {
                                 for (const char* path : {"d", "d/f"}) {
                                   u.access(path, R_OK), u.access(path, W_OK), u.access(path, X_OK);
                                 }
                                 u.open("d/f", O_RDONLY), u.open("d/f", O_WRONLY), u.create("d/g"), u.list("d");
                                 u.get_xattr("d/f", kAccess), u.set_xattr("d/f", kAccess, minimal(7, 7, 7));
                                 u.remove_xattr("d/f", kAccess);
                               });
                               look(t, "d"), look(t, "d/f");
                             }});
    }
  }
  return group;
}

CaseGroup step_cases() {
  CaseGroup group{"acl_steps", {}, Places::one};
  for (const mode_t mode : {0, 0600, 0640, 0751, 02770, 07777}) {
    for (const Kind& kind : kinds()) {
      group.cases.push_back({"chmod to " + std::to_string(mode) + " of " + kind.name, [=](Transcript& t) {
                               kind.make(t), t.set_xattr("x", kAccess, with_user(6, 7, 4, 7, 4));
                               t.chmod("x", mode), look(t, "x");
                               t.set_xattr("x", kAccess, minimal(6, 6, 0)), look(t, "x");
                             }});
    }
  }
  group.cases.push_back({"a member of no group loses the bit", [](Transcript& t) {
                           t.create("f"), t.chown("f", kOwner, 4321), t.chmod("f", 02755);
                           t.as_user(kOwner,
                                     [](Transcript& u) { u.set_xattr("f", kAccess, with_user(7, 7, 5, 5, 5)); });
                           look(t, "f");
                         }});
  group.cases.push_back({"a member of the group keeps the bit", [](Transcript& t) {
                           t.create("f"), t.chown("f", kOwner, kOwner), t.chmod("f", 02755);
                           t.as_user(kOwner,
                                     [](Transcript& u) { u.set_xattr("f", kAccess, with_user(7, 7, 5, 5, 5)); });
                           look(t, "f");
                         }});
  group.cases.push_back({"goes along with a rename and a link", [](Transcript& t) {
                           t.create("f"), t.set_xattr("f", kAccess, with_user(6, 4, 4, 6, 4));
                           t.rename("f", "g"), t.link("g", "h"), look(t, "g"), look(t, "h");
                         }});
  group.cases.push_back({"of a deleted file is gone", [](Transcript& t) {
                           t.create("f"), t.set_xattr("f", kAccess, with_user(6, 4, 4, 6, 4));
                           t.unlink("f"), t.create("f"), look(t, "f");
                         }});
  group.cases.push_back({"changes ctime alone", [](Transcript& t) {
                           t.mkdir("d"), t.create("d/f"), t.watch({"d", "d/f"});
                           t.set_xattr("d/f", kAccess, with_user(6, 4, 4, 6, 4)), t.changes();
                         }});
  group.cases.push_back({"of the mode alone changes nothing", [](Transcript& t) {
                           t.create("f"), t.watch({"f"}), t.set_xattr("f", kAccess, minimal(6, 4, 4)), t.changes();
                         }});
  return group;
}

}  // namespace

std::vector<CaseGroup> acl_cases() { return {setting_cases(), inheritance_cases(), honour_cases(), step_cases()}; }

}  // namespace reprieve::test
