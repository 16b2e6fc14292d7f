// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <boost/json/object.hpp>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tests/control/raw_client.h"
#include "tests/mount/sharing_test.h"

namespace reprieve::test {

struct Actor {
  std::string_view role;  // as the columns of the table are called
  uid_t user;
};

inline constexpr std::array kActors{Actor{"owner", kAda}, Actor{"editor", kBob}, Actor{"viewer", kBob},
                                    Actor{"none", kEve}};

// One project of ada's with the same things in it, seen from the actor's mount.
struct Scene {
  Actor actor;
  std::string name;
  std::filesystem::path item;       // the actor's path, which of "none" leads nowhere
  std::filesystem::path home;       // ada's
  std::filesystem::path own;        // a project of the actor's own
  std::filesystem::path own_trash;  // the actor's
};

// Scenes, and what rows of the table are tried with.
class RoleTest : public SharingTest {
 public:
  // A fresh one, shared with bob in the actor's role; as editor where that is no matter.
  Scene scene(const Actor& actor);
  // One request on the control socket.
  RawResponse ask(uid_t user, std::string_view method, std::string_view target, const boost::json::object& body = {});
  // "yes", or the status of a refusal.
  std::string status_of(uid_t user, std::string_view method, std::string_view target,
                        const boost::json::object& body = {});
  // What a deletion of `subject`, a path below the item, came to: told from what is left in whose view. `act` returns
  // nothing, or how it was refused.
  std::string fate(const Scene& scene, const std::string& subject, const std::function<std::string()>& act);
  // The newest item in the trash of that user's account.
  boost::json::object newest_item(uid_t user);
  // The owner deletes the file f in a process of its own. Its item.
  std::int64_t trash_for_owner(const Scene& scene);

  using SharingTest::as;
  using SharingTest::mount;
  using SharingTest::name_of;
  using SharingTest::projects;
  using SharingTest::run_as;
  using SharingTest::view;

 private:
  std::size_t items_of(uid_t user);
  int made_ = 0;
};

// 0, or the errno of a call that returned below zero.
int failure_of(long result);
// Whether the user finds anything at `path`.
bool sees(uid_t user, const std::filesystem::path& path);

// An operation that either succeeds or gives an errno, in a process of the actor.
struct SystemCall {
  int (*call)(const Scene& scene);
  enum class Changes { home, nothing_at_home } changes = Changes::home;
  int (*prepared_by_owner)(const Scene& scene) = nullptr;
};

// How each row of the table is tried. Those of the last two give the cell.
using Attempt = std::string (*)(RoleTest& test, const Scene& scene);
const std::map<std::string_view, SystemCall>& file_calls();
const std::map<std::string_view, Attempt>& deleting_attempts();
const std::map<std::string_view, Attempt>& socket_attempts();

}  // namespace reprieve::test
