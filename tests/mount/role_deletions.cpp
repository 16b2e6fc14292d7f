// SPDX-License-Identifier: Apache-2.0
// The rows of the table that delete with stock programs.
#include <sys/xattr.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tests/mount/role_test.h"

namespace reprieve::test {
namespace {

// Programs say it in words.
std::string errno_in(const CommandResult& result) {
  for (const int number : {ENOENT, EBUSY, EACCES, EPERM, EIO}) {
    if (result.err.find(std::strerror(number)) != std::string::npos) return ::strerrorname_np(number);
  }
  return result.describe();
}

// What a line of shell in the project's directory makes of `subject`.
std::string by_line(RoleTest& test, const Scene& scene, const std::string& subject, const std::string& line) {
  return test.fate(scene, subject, [&] {
    const std::string there = "cd '" + test.projects(scene.actor.user).string() + "' && ITEM=" + scene.name + " && ";
    const CommandResult result = test.as(scene.actor.user, there + line);
    return result.exit_code == 0 ? std::string() : errno_in(result);
  });
}

std::string delete_running(RoleTest& test, const Scene& scene) {
  const std::filesystem::path analysis = scene.home / "analyses/a";
  EXPECT_EQ(errno_as(kAda,
                     [&] {
                       return failure_of(
                           ::setxattr(analysis.c_str(), "user.reprieve.status", "running", std::strlen("running"), 0));
                     }),
            0);
  EXPECT_EQ(errno_as(kAda, [&] { return failure_of(::unlink((analysis / "x").c_str())); }), 0);
  return by_line(test, scene, "analyses/a", "rmdir $ITEM/analyses/a");
}

std::string move_back(RoleTest& test, const Scene& scene) {
  test.trash_for_owner(scene);
  const int error = errno_as(scene.actor.user, [&] {
    return failure_of(::rename((scene.own_trash / "f").c_str(), (scene.item / "f").c_str()));
  });
  EXPECT_EQ(sees(kAda, scene.home / "f"), error == 0);
  return error == 0 ? "yes" : ::strerrorname_np(error);
}

using T = RoleTest&;
using S = const Scene&;

}  // namespace

const std::map<std::string_view, Attempt>& deleting_attempts() {
  static const std::map<std::string_view, Attempt> all{
      {"delete a file of the owner", [](T t, S s) { return by_line(t, s, "f", "rm $ITEM/f"); }},
      {"delete a file that it made", [](T t, S s) { return by_line(t, s, "made", "rm $ITEM/made"); }},
      {"delete an empty directory", [](T t, S s) { return by_line(t, s, "empty", "rmdir $ITEM/empty"); }},
      {"rm -r a directory", [](T t, S s) { return by_line(t, s, "d", "rm -r $ITEM/d"); }},
      {"mv a directory .trash/", [](T t, S s) { return by_line(t, s, "d", "mv $ITEM/d ../.trash/"); }},
      {"rm -r the project", [](T t, S s) { return by_line(t, s, "", "rm -r $ITEM"); }},
      {"mv the project .trash/", [](T t, S s) { return by_line(t, s, "", "mv $ITEM ../.trash/"); }},
      {"mv back what the owner deleted", move_back},
      {"rm a running analysis", delete_running},
  };
  return all;
}

}  // namespace reprieve::test
