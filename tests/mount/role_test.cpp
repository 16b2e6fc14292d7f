// SPDX-License-Identifier: Apache-2.0
#include "tests/mount/role_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>

#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;

// Large enough for a hole.
constexpr std::size_t kSize = 16384;

// Runs in a process of the user.
int make_tree(const std::function<void()>& make) {
  try {
    make();
  } catch (const std::system_error& failure) {
    return failure.code().value();
  }
  return 0;
}

void make_home(const fs::path& home) {
  for (const char* folder : {"", "d", "empty", "samples/s", "analyses/a"}) fs::create_directories(home / folder);
  write_file(home / "f", std::string(kSize, 'f'));
  write_file(home / "g", "g");
  write_file(home / "d/x", "x");
  write_file(home / "samples/s/x", "x");
  write_file(home / "analyses/a/x", "x");
  if (::setxattr((home / "f").c_str(), "user.a", "1", 1, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "setxattr");
}

void make_guests(const fs::path& item) {
  write_file(item / "made", "made");
  write_file(item / "d/made", "made");
}

void make_own(const fs::path& own) {
  fs::create_directories(own / "folder");
  fs::create_directories(own / "samples/mine");
  write_file(own / "mine", "mine");
}

}  // namespace

int failure_of(long result) { return result < 0 ? errno : 0; }

bool sees(uid_t user, const fs::path& path) {
  return errno_as(user, [&] {
           struct stat status {};
           return failure_of(::lstat(path.c_str(), &status));
         }) == 0;
}

Scene RoleTest::scene(const Actor& actor) {
  const std::string name = "P" + std::to_string(++made_);
  Scene scene{.actor = actor,
              .name = name,
              .item = projects(actor.user) / name,
              .home = projects(kAda) / name,
              .own = projects(actor.user) / ("own " + name),
              .own_trash = trash(actor.user)};
  EXPECT_EQ(errno_as(kAda, [&] { return make_tree([&] { make_home(scene.home); }); }), 0);
  EXPECT_EQ(errno_as(actor.user, [&] { return make_tree([&] { make_own(scene.own); }); }), 0);
  const boost::json::object as_editor{{"path", scene.home.native()}, {"with", "bob"}, {"role", "editor"}};
  EXPECT_EQ(status_of(kAda, "POST", "/v1/share", as_editor), "yes");
  if (actor.role == "none") return scene;
  EXPECT_EQ(errno_as(actor.user, [&] { return make_tree([&] { make_guests(scene.item); }); }), 0);
  if (actor.role != "viewer") return scene;
  const boost::json::object as_viewer{{"path", scene.home.native()}, {"with", "bob"}, {"role", "viewer"}};
  EXPECT_EQ(status_of(kAda, "POST", "/v1/share", as_viewer), "yes");
  return scene;
}

RawResponse RoleTest::ask(uid_t user, std::string_view method, std::string_view target,
                          const boost::json::object& body) {
  RawClient client(daemon_->socket(), user, user);
  return client.ask(method, target, method == "POST" ? boost::json::serialize(body) : std::string());
}

std::string RoleTest::status_of(uid_t user, std::string_view method, std::string_view target,
                                const boost::json::object& body) {
  const RawResponse answer = ask(user, method, target, body);
  if (answer.status == 200 || answer.status == 201) return "yes";
  return std::to_string(answer.status);
}

boost::json::object RoleTest::newest_item(uid_t user) {
  const RawResponse listed = ask(user, "GET", "/v1/trash?limit=1");
  EXPECT_EQ(listed.status, 200) << listed.body;
  const auto items = listed.json().at("items").as_array();
  EXPECT_EQ(items.size(), 1U);
  return items.empty() ? boost::json::object() : items.front().as_object();
}

std::int64_t RoleTest::trash_for_owner(const Scene& scene) {
  EXPECT_EQ(errno_as(kAda, [&] { return failure_of(::unlink((scene.home / "f").c_str())); }), 0);
  const auto item = newest_item(kAda);
  EXPECT_EQ(item.at("origin").as_string(), "projects/" + scene.name + "/f");
  return item.at("id").as_int64();
}

std::size_t RoleTest::items_of(uid_t user) {
  const RawResponse listed = ask(user, "GET", "/v1/trash?limit=1");
  return listed.json().at("paging").at("totalCount").to_number<std::size_t>();
}

std::string RoleTest::fate(const Scene& scene, const std::string& subject, const std::function<std::string()>& act) {
  const auto below = [&](const fs::path& top) { return subject.empty() ? top : top / subject; };
  const uid_t user = scene.actor.user;
  const bool was_there = sees(user, below(scene.item));
  const std::size_t items = items_of(user);
  const std::string before = view(kAda, scene.home, Changes::of_tree);
  const std::string refusal = act();
  const bool is_item = items_of(user) > items;
  if (!refusal.empty() || !was_there) {
    EXPECT_EQ(view(kAda, scene.home, Changes::of_tree), before);
    EXPECT_EQ(sees(user, below(scene.item)), was_there);
    EXPECT_FALSE(is_item);
    return refusal.empty() ? "nothing" : refusal;
  }
  EXPECT_FALSE(sees(user, below(scene.item)));
  EXPECT_EQ(sees(kAda, below(scene.home)), !is_item);
  // Who shares it beside the actor.
  EXPECT_TRUE(user == kBob || sees(kBob, below(projects(kBob) / scene.name)) == !is_item);
  if (is_item) return "trash";
  EXPECT_EQ(view(kAda, scene.home, Changes::of_tree), before);
  return subject.empty() ? "leave" : "hide";
}

}  // namespace reprieve::test
