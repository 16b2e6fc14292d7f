// SPDX-License-Identifier: Apache-2.0
// A request on the socket with a key, whose daemon is killed at any of its commits, just before or just after, and that
// is asked again of the next one: answer and store are those of a daemon that nobody killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstring>
#include <ostream>
#include <set>

#include "daemon/control/routes.h"
#include "tests/crash/disk_calls.h"
#include "tests/support/store_invariants.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/volume.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";
constexpr int kKilled = 137;

class NoMounts final : public control::MountTable {
 public:
  std::vector<control::MountInfo> mounts() override { return {}; }
};

// A daemon's core and its routes on a store, without a socket. The peer is root, and the same process whichever daemon
// it asks.
class Daemon {
 public:
  explicit Daemon(const fs::path& store) {
    Settings settings;
    settings.store.path = store;
    files_ = must(FileSystem::open(settings, clock_));
    services_.emplace(control::Services{*files_, mounts_, clock_, "1", {}, {}});
    router_.emplace(*services_);
  }
  FileSystem& files() { return *files_; }
  json::value ask(const std::string& method, const std::string& target, const std::string& body = {},
                  std::optional<std::string> key = {}) {
    const control::Peer peer{.uid = 0, .gid = 0, .pid = asker(), .groups = {}};
    const auto reply = router_->answer({method, target, body, peer, std::move(key)});
    return {{"status", reply.status}, {"body", json::parse(reply.body)}};
  }
  json::value get(const std::string& target) { return ask("GET", target).at("body"); }

 private:
  // Before any fork.
  static pid_t asker() {
    static const pid_t asker = ::getpid();
    return asker;
  }
  KernelClock clock_;
  NoMounts mounts_;
  std::unique_ptr<FileSystem> files_;
  std::optional<control::Services> services_;
  std::optional<control::Router> router_;
};

struct Request {
  std::string method, target, body;
};

struct Case {
  std::string name;
  // Makes what it is about, and says what is asked then.
  Request (*prepare)(Daemon&);
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }

// Numbers and times that another daemon gives out otherwise.
void blur(json::value& value) {
  static const std::set<std::string_view> kNumbers{"id",       "item",        "seq", "session", "operation", "at",
                                                   "together", "dateDeleted", "pid", "process", "born"};
  if (auto* array = value.if_array()) {
    for (json::value& each : *array) blur(each);
  } else if (auto* object = value.if_object()) {
    for (auto& [name, each] : *object) {
      if (kNumbers.contains(std::string_view(name.data(), name.size())) && !each.is_null()) {
        each = "?";
      } else {
        blur(each);
      }
    }
  }
}

void list_tree(FileSystem& files, const Account& account, InodeId directory, const std::string& path,
               std::string& text) {
  for (EntryId after{};;) {
    const auto entries = files.names().list(account, directory, after, 1000, Detail::attributes);
    if (!entries || entries->empty()) return;
    for (const ListedEntry& entry : *entries) {
      after = entry.id;
      const std::string name = path + "/" + entry.name.bytes();
      const Attributes& a = entry.attributes;
      text += name + " " + std::to_string(a.mode) + " " + std::to_string(a.links) + "\n";
      if (S_ISDIR(a.mode) && name != "/.trash") list_tree(files, account, a.inode, name, text);
    }
  }
}

// Everything that users see of the store: trees, trash, shares, accounts, status and history of each account.
std::string view(Daemon& daemon) {
  std::string text;
  for (const Account& account : must(daemon.files().accounts().all())) {
    text += account.name + ":\n";
    list_tree(daemon.files(), account, account.root, "", text);
    for (const char* resource : {"/v1/trash?limit=1000&", "/v1/shares?", "/v1/account?", "/v1/history?limit=1000&"}) {
      json::value body = daemon.get(resource + std::string("account=") + account.name);
      blur(body);
      text += json::serialize(body) + "\n";
    }
  }
  json::value all = daemon.get("/v1/history?limit=1000");
  blur(all);
  return text + json::serialize(all) + "\n";
}

// Ends the process at a commit of the thread that made it.
class Killer final : public DiskObserver {
 public:
  enum class When : std::uint8_t { before, after };
  Killer(int commit, When when) : left_(commit), when_(when), thread_(::gettid()) {}
  std::int64_t around(const DiskRequest& request, const std::function<std::int64_t()>& real) override {
    const bool is_commit = request.call == DiskCall::statement && request.sql != nullptr &&
                           std::strcmp(request.sql, "COMMIT") == 0 && ::gettid() == thread_;
    if (!is_commit || --left_ > 0) return real();
    if (when_ == When::after) real();
    ::_exit(kKilled);
  }

 private:
  int left_;
  const When when_;
  const pid_t thread_;
};

// What a process said, and its exit status.
struct Said {
  int status = -1;
  std::string text;
};

template <typename Body>
Said in_a_process(const Body& body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 1;
    try {
      const std::string text = body();
      for (std::size_t at = 0; at < text.size();)
        at += static_cast<std::size_t>(std::max<ssize_t>(0, ::write(ends[1], text.data() + at, text.size() - at)));
      status = 0;
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "%s\n", failure.what());
    }
    ::_exit(status);
  }
  ::close(ends[1]);
  Said said;
  std::array<char, 65536> bytes{};
  for (ssize_t size = 0; (size = ::read(ends[0], bytes.data(), bytes.size())) > 0;)
    said.text.append(bytes.data(), static_cast<std::size_t>(size));
  ::close(ends[0]);
  ::waitpid(child, &said.status, 0);
  said.status = WIFEXITED(said.status) ? WEXITSTATUS(said.status) : -1;
  return said;
}

std::string asked(Daemon& daemon, const Request& request) {
  json::value answer = daemon.ask(request.method, request.target, request.body, std::string(kKey));
  blur(answer);
  return json::serialize(answer);
}

// Answer and view, of a daemon that nobody kills.
Said ask_to_the_end(const fs::path& store, const Request& request) {
  return in_a_process([&] {
    Daemon daemon(store);
    std::string text = asked(daemon, request) + "\n";
    return text += view(daemon);
  });
}

Said ask_and_be_killed(const fs::path& store, const Request& request, int commit, Killer::When when) {
  return in_a_process([&] {
    Daemon daemon(store);
    Killer killer(commit, when);
    observe_disk(store, &killer);
    const std::string text = asked(daemon, request);
    // It has not come to so many commits. Nobody else may be inside a call when the observer goes.
    ::_exit(0);
    return text;
  });
}

class RepeatTest : public ::testing::TestWithParam<Case> {
 protected:
  fs::path copy(const fs::path& store) {
    const fs::path to = directory_.path() / "copy";
    fs::remove_all(to);
    fs::copy(store, to, fs::copy_options::recursive);
    return to;
  }
  TemporaryDirectory directory_;
};

TEST_P(RepeatTest, IsCarriedOutOnceWhereverItsDaemonIsKilled) {
  const fs::path store = directory_.path() / "store";
  Request request;
  {
    Daemon daemon(store);
    request = GetParam().prepare(daemon);
  }
  const Said right = ask_to_the_end(copy(store), request);
  ASSERT_EQ(right.status, 0);
  ASSERT_THAT(right.text, ::testing::Not(::testing::HasSubstr("\"error\""))) << "it is not carried out at all";
  int kills = 0;
  for (const Killer::When when : {Killer::When::before, Killer::When::after}) {
    for (int commit = 1;; ++commit) {
      SCOPED_TRACE(std::string(when == Killer::When::before ? "before" : "after") + " commit " +
                   std::to_string(commit));
      const fs::path here = copy(store);
      if (ask_and_be_killed(here, request, commit, when).status != kKilled) break;
      ++kills;
      const Said again = ask_to_the_end(here, request);
      ASSERT_EQ(again.status, 0);
      ASSERT_EQ(again.text, right.text);
      ASSERT_EQ(broken_invariants(here), "");
    }
  }
  EXPECT_GE(kills, 4) << "the key and the change";
}

// ---- What is asked. ----

Account lab(Daemon& daemon) { return must(daemon.files().accounts().ensure("lab", 0, 0)); }
Account bob(Daemon& daemon) { return must(daemon.files().accounts().ensure("bob", 1001, 1001)); }

void make(Daemon& daemon, const Account& account, const std::string& path, mode_t type = S_IFDIR) {
  const std::size_t slash = path.rfind('/');
  const auto parent = must(daemon.files().names().resolve(account, path.substr(0, slash)));
  const NewNode node{.mode = type | 0755, .device = 0, .symlink_target = {}};
  must(daemon.files().names().create(account, parent.inode, must(EntryName::parse(path.substr(slash + 1))), node,
                                     {.uid = account.uid, .gid = account.gid}));
}

void make_all(Daemon& daemon, std::initializer_list<const char*> paths) {
  for (const char* path : paths) make(daemon, lab(daemon), path);
}

// By another process, long ago.
std::int64_t trashed(Daemon& daemon, const std::string& path, TrashMode mode = TrashMode::item) {
  const auto outcomes = daemon.files().trash().trash_paths(lab(daemon), {path}, {}, {.mode = mode});
  if (outcomes.at(0).state != BatchState::done) throw std::runtime_error(path + ": " + outcomes[0].reason);
  return outcomes[0].id.number();
}

std::string lab_body(const std::string& fields) { return R"({"account":"lab",)" + fields + "}"; }

// A sample of two runs, with analyses.
void make_group(Daemon& daemon, int analyses) {
  make_all(daemon, {"projects/P", "projects/P/samples/S", "runs/R"});
  must(daemon.files().items().associate(lab(daemon), "projects/P/samples/S", {"runs/R"}, {}));
  for (int i = 0; i < analyses; ++i) {
    const std::string path = "projects/P/analyses/A" + std::to_string(i);
    make(daemon, lab(daemon), path);
    must(daemon.files().items().associate(lab(daemon), path, {"projects/P/samples/S"}, {}));
  }
}

void make_shared(Daemon& daemon) {
  make_all(daemon, {"projects/P", "projects/P/d"});
  bob(daemon);
  must(daemon.files().sharing().share(lab(daemon), "projects/P", "bob", Role::editor, {}));
}

const std::array kCases{
    Case{"TrashOne",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a"});
           return Request{"POST", "/v1/trash", lab_body(R"("paths":["projects/P/a"])")};
         }},
    Case{"TrashSeveral",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b", "projects/P/c"});
           return Request{"POST", "/v1/trash", lab_body(R"("paths":["projects/P/a","projects/P/b","projects/P/c"])")};
         }},
    Case{
        "TrashGroup",
        [](Daemon& d) {
          make_group(d, 3);
          return Request{"POST", "/v1/trash", lab_body(R"("paths":["projects/P/samples/S"],"mode":"with-associated")")};
        }},
    Case{"TrashGroupInSeveralTransactions",
         [](Daemon& d) {
           make_group(d, 300);
           return Request{"POST", "/v1/trash", lab_body(R"("paths":["runs/R"],"mode":"with-associated")")};
         }},
    Case{"TrashFilesOnly",
         [](Daemon& d) {
           make_all(d, {"runs/R", "runs/R/a", "runs/R/b"});
           return Request{"POST", "/v1/trash", lab_body(R"("paths":["runs/R"],"mode":"files-only")")};
         }},
    Case{"Leave",
         [](Daemon& d) {
           make_shared(d);
           return Request{"POST", "/v1/trash", R"({"account":"bob","paths":["projects/P"]})"};
         }},
    Case{"Hide",
         [](Daemon& d) {
           make_shared(d);
           return Request{"POST", "/v1/trash", R"({"account":"bob","paths":["projects/P/d"]})"};
         }},
    Case{"RestoreOne",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a"});
           return Request{"POST", "/v1/trash/" + std::to_string(trashed(d, "projects/P/a")) + "/restore",
                          lab_body(R"("together":false)")};
         }},
    Case{"RestoreReplacing",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a"});
           const auto id = trashed(d, "projects/P/a");
           make_all(d, {"projects/P/a"});
           return Request{"POST", "/v1/restore",
                          lab_body("\"ids\":[" + std::to_string(id) + R"(],"onCollision":"replace")")};
         }},
    Case{"RestoreAll",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b", "projects/P/c"});
           for (const char* path : {"projects/P/a", "projects/P/b", "projects/P/c", "projects/P"}) trashed(d, path);
           return Request{"POST", "/v1/restore", lab_body(R"("all":true)")};
         }},
    Case{"RestoreGroup",
         [](Daemon& d) {
           make_group(d, 2);
           const auto id = trashed(d, "projects/P/samples/S", TrashMode::with_associated);
           return Request{"POST", "/v1/restore", lab_body("\"ids\":[" + std::to_string(id) + "]")};
         }},
    Case{"RestoreOneByFilter",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a"});
           trashed(d, "projects/P/a");
           return Request{"POST", "/v1/restore", lab_body(R"("filter":{"name":"a*"})")};
         }},
    Case{"Empty",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b"});
           for (const char* path : {"projects/P/a", "projects/P/b"}) trashed(d, path);
           const json::value plan = d.ask("POST", "/v1/empty/plan", R"({"account":"lab"})");
           const std::string token(plan.at("body").at("token").as_string());
           return Request{"POST", "/v1/empty", lab_body("\"token\":\"" + token + "\"")};
         }},
    Case{"Purge",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b"});
           const std::string a = std::to_string(trashed(d, "projects/P/a"));
           const std::string b = std::to_string(trashed(d, "projects/P/b"));
           return Request{"POST", "/v1/purge",
                          lab_body(std::string("\"ids\":[").append(a).append(",").append(b).append("]"))};
         }},
    Case{"PurgeOne",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a"});
           return Request{"DELETE", "/v1/trash/" + std::to_string(trashed(d, "projects/P/a")) + "?account=lab", {}};
         }},
    Case{"Status",
         [](Daemon& d) {
           make_all(d, {"runs/R"});
           return Request{"POST", "/v1/status", lab_body(R"("path":"runs/R","status":"complete")")};
         }},
    Case{"Associate",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/samples/S", "runs/R"});
           return Request{"POST", "/v1/associate", lab_body(R"("path":"projects/P/samples/S","sources":["runs/R"])")};
         }},
    Case{"Dissociate",
         [](Daemon& d) {
           make_group(d, 1);
           return Request{"POST", "/v1/dissociate", lab_body(R"("path":"projects/P/samples/S","sources":["runs/R"])")};
         }},
    Case{"AddTo",
         [](Daemon& d) {
           make_group(d, 1);
           make_all(d, {"projects/Q"});
           return Request{"POST", "/v1/add-to", lab_body(R"("project":"projects/Q","path":"projects/P/samples/S")")};
         }},
    Case{"Share",
         [](Daemon& d) {
           make_all(d, {"projects/P"});
           bob(d);
           return Request{"POST", "/v1/share", lab_body(R"("path":"projects/P","with":"bob","role":"editor")")};
         }},
    Case{"Unshare",
         [](Daemon& d) {
           make_shared(d);
           return Request{"POST", "/v1/unshare", lab_body(R"("path":"projects/P","with":"bob")")};
         }},
    Case{"UndoOfATrash",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b", "projects/P/c"});
           // An earlier session, which must not be taken back as well.
           must(d.files().names().rmdir(lab(d), must(d.files().names().resolve(lab(d), "projects/P")).inode,
                                        must(EntryName::parse("c")), {}));
           d.ask("POST", "/v1/trash", lab_body(R"("paths":["projects/P/a","projects/P/b"])"));
           return Request{"POST", "/v1/undo", R"({"account":"lab"})"};
         }},
    Case{"UndoOfARestore",
         [](Daemon& d) {
           make_all(d, {"projects/P", "projects/P/a", "projects/P/b"});
           const std::string a = std::to_string(trashed(d, "projects/P/a"));
           const std::string b = std::to_string(trashed(d, "projects/P/b"));
           d.ask("POST", "/v1/restore", lab_body(std::string("\"ids\":[").append(a).append(",").append(b).append("]")));
           return Request{"POST", "/v1/undo", R"({"account":"lab"})"};
         }},
    Case{"AccountAdd",
         [](Daemon& d) {
           lab(d);
           return Request{"POST", "/v1/accounts", R"({"name":"carl","uid":1003,"gid":1003,"quota":5000})"};
         }},
    Case{"AccountSet",
         [](Daemon& d) {
           bob(d);
           return Request{"POST", "/v1/account", R"({"account":"bob","uid":1004,"quota":7000})"};
         }},
    Case{"AccountRemove",
         [](Daemon& d) {
           lab(d);
           bob(d);
           return Request{"DELETE", "/v1/account?account=bob", {}};
         }},
};

INSTANTIATE_TEST_SUITE_P(Requests, RepeatTest, ::testing::ValuesIn(kCases),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace reprieve::test
