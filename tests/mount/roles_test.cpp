// SPDX-License-Identifier: Apache-2.0
// Each operation as each role, on real mounts: the table of reprieve(7).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include "tests/mount/role_table.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/tree_snapshot.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

struct Actor {
  std::string_view role;  // as the columns are called
  uid_t user;
};

constexpr std::array kActors{Actor{"owner", kAda}, Actor{"editor", kBob}, Actor{"viewer", kBob}, Actor{"none", kEve}};

// One project of ada's with the same things in it, seen from the actor's mount.
struct Scene {
  Actor actor;
  fs::path item;       // the actor's path
  fs::path home;       // ada's
  fs::path own;        // a project of the actor's own
  fs::path own_trash;  // the actor's
};

int done(int result) { return result < 0 ? errno : 0; }

int open_and_close(const fs::path& path, int flags) {
  const FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  return file ? 0 : errno;
}

int exchange(const fs::path& a, const fs::path& b) {
  return done(::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE));
}

using SystemCall = int (*)(const Scene&);

// Operations that either succeed or give an errno.
const std::map<std::string_view, SystemCall> kSystemCalls{
    {"read a file", [](const Scene& s) { return open_and_close(s.item / "f", O_RDONLY); }},
    {"open a file for writing", [](const Scene& s) { return open_and_close(s.item / "f", O_RDWR); }},
    {"truncate a file", [](const Scene& s) { return done(::truncate((s.item / "f").c_str(), 0)); }},
    {"create a file", [](const Scene& s) { return open_and_close(s.item / "new", O_CREAT | O_EXCL | O_WRONLY); }},
    {"make a directory", [](const Scene& s) { return done(::mkdir((s.item / "new").c_str(), 0755)); }},
    {"make a symbolic link", [](const Scene& s) { return done(::symlink("x", (s.item / "new").c_str())); }},
    {"make a fifo", [](const Scene& s) { return done(::mkfifo((s.item / "new").c_str(), 0644)); }},
    {"make a hard link", [](const Scene& s) { return done(::link((s.item / "f").c_str(), (s.item / "new").c_str())); }},
    {"change a mode", [](const Scene& s) { return done(::chmod((s.item / "f").c_str(), 0600)); }},
    {"change times", [](const Scene& s) { return done(::utimensat(AT_FDCWD, (s.item / "f").c_str(), nullptr, 0)); }},
    {"set an extended attribute",
     [](const Scene& s) { return done(::setxattr((s.item / "f").c_str(), "user.b", "1", 1, 0)); }},
    {"remove an extended attribute",
     [](const Scene& s) { return done(::removexattr((s.item / "f").c_str(), "user.a")); }},
    {"rename a file", [](const Scene& s) { return done(::rename((s.item / "f").c_str(), (s.item / "new").c_str())); }},
    {"exchange two files", [](const Scene& s) { return exchange(s.item / "f", s.item / "g"); }},
    {"replace a file", [](const Scene& s) { return done(::rename((s.item / "f").c_str(), (s.item / "g").c_str())); }},
    {"move a file of the owner out",
     [](const Scene& s) { return done(::rename((s.item / "f").c_str(), (s.own / "f").c_str())); }},
    {"move an own file in",
     [](const Scene& s) { return done(::rename((s.own / "mine").c_str(), (s.item / "mine").c_str())); }},
    {"rename the project",
     [](const Scene& s) { return done(::rename(s.item.c_str(), (s.item.string() + " renamed").c_str())); }},
};

// Operations that delete, as a line of shell, and what of the item they are about.
struct Deletion {
  std::string line;  // ITEM stands for the item
  std::string what;  // below the item; empty: itself
};

const std::map<std::string_view, Deletion> kDeletions{
    {"delete a file of the owner", {"rm -f 'ITEM/f'", "f"}},
    {"delete an empty directory", {"rmdir 'ITEM/empty'", "empty"}},
    {"rm -r a directory", {"rm -rf 'ITEM/d'", "d"}},
    {"mv a directory .trash/", {"mv 'ITEM/d' TRASH/", "d"}},
    {"rm -r the project", {"rm -rf 'ITEM'", ""}},
    {"mv the project .trash/", {"mv 'ITEM' TRASH/", ""}},
    {"reprievectl trash a directory", {"CTL trash -y 'ITEM/d'", "d"}},
    {"reprievectl trash the project", {"CTL trash -y 'ITEM'", ""}},
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

class Roles : public SharingTest {
 protected:
  Scene scene(const Actor& actor) {
    const std::string name = "P" + std::to_string(++made_);
    const std::string home = projects(kAda) / name;
    run_as(kAda, "mkdir '" + home + "' '" + home + "/d' '" + home + "/empty'; cd '" + home +
                     "'; echo f > f; echo g > g; echo x > d/x");
    EXPECT_EQ(errno_as(kAda, [&] { return done(::setxattr((home + "/f").c_str(), "user.a", "1", 1, 0)); }), 0);
    if (actor.role == "editor" || actor.role == "viewer") share(name, std::string(actor.role));
    Scene scene{.actor = actor,
                .item = projects(actor.user) / name,
                .home = home,
                .own = projects(actor.user) / ("own " + name),
                .own_trash = trash(actor.user)};
    run_as(actor.user, "mkdir '" + scene.own.string() + "'; echo m > '" + scene.own.string() + "/mine'");
    return scene;
  }

  std::size_t items_of(uid_t user) {
    const CommandResult listed = ctl_as(user, {"list", "--json"});
    return static_cast<std::size_t>(std::count(listed.out.begin(), listed.out.end(), '{'));
  }

  // What a deletion came to, told from what is left in whose view.
  std::string fate(const Scene& scene, const Deletion& deletion) {
    const std::string socket = daemon_->socket();
    std::string line = replaced(deletion.line, "ITEM", scene.item);
    line = replaced(line, "TRASH", scene.own_trash);
    line = replaced(line, "CTL", std::string(REPRIEVECTL_PATH) + " --socket '" + socket + "'");
    const std::string subject = deletion.what.empty() ? "" : "/" + deletion.what;
    // `rm -f` is content with what is not there.
    if (as(scene.actor.user, "test -e '" + scene.item.string() + "'").exit_code != 0 && !line.starts_with("/"))
      return "ENOENT";
    const std::size_t items = items_of(scene.actor.user);
    const CommandResult result = as(scene.actor.user, line);
    if (result.exit_code != 0)
      return result.err.find("does not exist") != std::string::npos ? "404" : result.describe();
    EXPECT_NE(as(scene.actor.user, "ls -d '" + scene.item.string() + subject + "'").exit_code, 0) << line;
    const bool gone_for_owner = as(kAda, "ls -d '" + scene.home.string() + subject + "'").exit_code != 0;
    const bool is_item = items_of(scene.actor.user) > items;
    EXPECT_EQ(gone_for_owner, is_item) << line;
    if (is_item) return "trash";
    return deletion.what.empty() ? "leave" : "hide";
  }

  std::string http_status(const CommandResult& result, const std::string& refusal) {
    if (result.exit_code == 0) return "yes";
    if (result.err.find("does not exist") != std::string::npos) return "404";
    return result.err.find(refusal) != std::string::npos ? "403" : result.describe();
  }

  std::string answer(const Scene& scene, std::string_view operation) {
    const auto ctl = [&](std::vector<std::string> arguments) { return ctl_as(scene.actor.user, std::move(arguments)); };
    if (operation == "reprievectl share") return http_status(ctl({"share", scene.item, "eve"}), "only the owner");
    if (operation == "reprievectl unshare") {
      // There has to be something to take back.
      EXPECT_EQ(ctl_as(kAda, {"share", scene.home, "bob", "--role", scene.actor.role == "editor" ? "editor" : "viewer"})
                    .exit_code,
                0);
      return http_status(ctl({"unshare", scene.item, "bob"}), "only the owner");
    }
    if (operation == "reprievectl list the owner's trash")
      return http_status(ctl({"list", "--account", "ada"}), "does not belong");
    return http_status(ctl({"empty", "--yes", "--account", "ada"}), "does not belong");
  }

  std::string outcome(const Actor& actor, std::string_view operation) {
    const Scene made = scene(actor);
    if (const auto call = kSystemCalls.find(operation); call != kSystemCalls.end()) {
      const std::string before = view(kAda, made.home);
      const int error = errno_as(actor.user, [&] { return call->second(made); });
      if (error == 0) return "yes";
      EXPECT_EQ(view(kAda, made.home), before) << operation;
      return ::strerrorname_np(error);
    }
    if (const auto deletion = kDeletions.find(operation); deletion != kDeletions.end())
      return fate(made, deletion->second);
    return answer(made, operation);
  }

  int made_ = 0;
};

TEST_F(Roles, TheTableHolds) {
  for (const RoleRow& row : kRoleTable) {
    const std::array expected{row.owner, row.editor, row.viewer, row.none};
    for (std::size_t i = 0; i < kActors.size(); ++i) {
      EXPECT_EQ(outcome(kActors[i], row.operation), expected[i]) << row.operation << " as " << kActors[i].role;
    }
  }
}

class RolesPrivate : public Roles {
 protected:
  bool allow_other() const override { return false; }
};

// Where nobody else may enter a mount, its own user still can, and finds the same.
TEST_F(RolesPrivate, TheSameWithoutAllowOther) {
  for (const std::string_view operation : {"read a file", "create a file", "replace a file", "rm -r a directory"}) {
    const auto* row = std::find_if(kRoleTable.begin(), kRoleTable.end(),
                                   [&](const RoleRow& each) { return each.operation == operation; });
    EXPECT_EQ(outcome(kActors[1], operation), row->editor) << operation;
    EXPECT_EQ(outcome(kActors[2], operation), row->viewer) << operation;
  }
}

TEST(RolesPage, TheTableIsInTheManual) { EXPECT_THAT(read_file(MANUAL "/reprieve.7"), HasSubstr(role_table_page())); }

}  // namespace
}  // namespace reprieve::test
