// SPDX-License-Identifier: Apache-2.0
// What a user can lead somebody else's requests to who names a path that the user keeps changing: nothing but what is
// the user's own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/control/raw_client.h"
#include "tests/mount/sharing_test.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

namespace fs = std::filesystem;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::chrono::seconds kLong{3};

// A process of a user that exchanges the names of a folder, in turn, until it is destroyed.
class Exchanger {
 public:
  Exchanger(uid_t user, const fs::path& name, const std::vector<fs::path>& others) : pid_(::fork()) {
    if (pid_ != 0) return;
    if (::setgid(user) != 0 || ::setuid(user) != 0) ::_exit(1);
    for (;;) {
      for (const fs::path& other : others) {
        if (::renameat2(AT_FDCWD, name.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0) ::usleep(200);
      }
    }
  }
  ~Exchanger() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Exchanger(const Exchanger&) = delete;
  Exchanger& operator=(const Exchanger&) = delete;

 private:
  const pid_t pid_;
};

// ada has a project Q. bob has a project P in which `d` is by turns a folder, a link to Q, a link to a folder outside
// of all mounts, and a link to a folder outside that links back to Q. Root acts for both.
class PathRaces : public SharingTest {
 protected:
  void SetUp() override {
    SharingTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const std::string outside = (directory_.path() / "outside").string();
    run_as(kAda, "mkdir -p '" + (q() / "f").string() + "' && echo precious > '" + (q() / "f/bytes").string() + "'");
    fs::create_directories(outside + "/f");
    std::ofstream(outside + "/f/bytes") << "precious";
    fs::create_directory_symlink(q(), outside + "/back");
    fs::create_directory(outside + "/in");
    fs::create_directory_symlink(q() / "f", outside + "/in/f");
    run_as(kBob, "mkdir -p '" + (p() / "d/f").string() + "' && cd '" + p().string() + "' && ln -s '" + q().string() +
                     "' to_ada && ln -s '" + outside + "' out && ln -s '" + outside + "/back' back && ln -s '" +
                     outside + "/in' in && ln -s ../.. up");
    ada_before_ = view(kAda, projects(kAda));
    outside_before_ = run({"find", outside, "-printf", "%p %i %T@ %C@ %l\n"}).out;
  }

  void TearDown() override {
    if (!outside_before_.empty()) {
      EXPECT_EQ(view(kAda, projects(kAda)), ada_before_);
      EXPECT_EQ(run({"find", (directory_.path() / "outside").string(), "-printf", "%p %i %T@ %C@ %l\n"}).out,
                outside_before_);
      EXPECT_THAT(origins("ada"), IsEmpty());
      EXPECT_THAT(origins("bob"), Each(StartsWith("projects/P")));
    }
    SharingTest::TearDown();
  }

  [[nodiscard]] fs::path p() const { return projects(kBob) / "P"; }
  [[nodiscard]] fs::path q() const { return projects(kAda) / "Q"; }
  [[nodiscard]] std::vector<fs::path> changes() const {
    return {p() / "to_ada", p() / "out", p() / "back", p() / "in", p() / "up"};
  }

  // Where the items of a trash were, as root sees it.
  std::vector<std::string> origins(const std::string& account) const {
    std::vector<std::string> found;
    for (const auto& item : items(account)) found.emplace_back(item.as_object().at("origin").as_string());
    return found;
  }
  boost::json::array items(const std::string& account) const {
    RawClient client(daemon_->socket(), 0, 0);
    return client.ask("GET", "/v1/trash?limit=1000&account=" + account).json().at("items").as_array();
  }
  // As bob would, so that there is something to take.
  void replenish() const {
    static_cast<void>(as(kBob, "cd '" + p().string() + "' && for n in *; do [ -L $n ] || mkdir -p $n/f; done"));
  }

  template <typename Body>
  static int for_a_while(const Body& body) {
    int rounds = 0;
    for (const auto end = std::chrono::steady_clock::now() + kLong; std::chrono::steady_clock::now() < end; ++rounds)
      body();
    return rounds;
  }

  std::string ada_before_, outside_before_;
};

TEST_F(PathRaces, ReprievectlOfRootTakesNothingOfAnotherAccount) {
  const std::string path = p() / "d/f";
  int trashed = 0;
  int refused = 0;
  {
    const Exchanger bob(kBob, p() / "d", changes());
    const auto try_both = [&] {
      for (const bool named : {false, true}) {
        std::vector<std::string> arguments{"trash", path};
        if (named) arguments = {"--account", "bob", "trash", path};
        const CommandResult result = daemon_->ctl(arguments, {.directory = "/"});
        ++(result.exit_code == 0 ? trashed : refused);
        EXPECT_THAT(result.exit_code, ::testing::AnyOf(0, 1)) << result.describe();
        static_cast<void>(daemon_->ctl({"explain", path}, {.directory = "/"}));
        replenish();
      }
      return trashed > 0;
    };
    for_a_while(try_both);
    static_cast<void>(wait_until(try_both));
  }
  EXPECT_GT(trashed, 0);
  EXPECT_GT(refused, 0);
}

TEST_F(PathRaces, RestoringPutsNothingIntoAnotherAccount) {
  const std::string target = p() / "d/new";
  {
    const Exchanger bob(kBob, p() / "d", changes());
    for_a_while([&] {
      static_cast<void>(daemon_->ctl({"--account", "bob", "trash", "projects/P/d/f"}, {.directory = "/"}));
      for (const auto& item : items("bob")) {
        const std::string id = std::to_string(item.as_object().at("id").as_int64());
        static_cast<void>(daemon_->ctl({"--account", "bob", "restore", id, "--to", target}, {.directory = "/"}));
        static_cast<void>(daemon_->ctl({"--account", "bob", "restore", id, "--recreate-parents"}, {.directory = "/"}));
      }
      replenish();
    });
  }
  // What was taken away or put back is all bob's.
  EXPECT_THAT(run({"find", mount(kBob).string(), "-uid", "0"}).out, Not(HasSubstr("Q")));
}

TEST_F(PathRaces, TheSocketFollowsNoLink) {
  int trashed = 0;
  {
    const Exchanger bob(kBob, p() / "d", changes());
    RawClient root(daemon_->socket(), 0, 0);
    RawClient ada(daemon_->socket(), kAda, kAda);
    for_a_while([&] {
      for (const char* const way : {"d/f", "d/f/bytes", "to_ada/f", "d/projects/Q/f", "out/back/f", "in/f"}) {
        const std::string body =
            boost::json::serialize(boost::json::object{{"paths", boost::json::array{(p() / way).string()}}});
        trashed += root.ask("POST", "/v1/trash", body).status == 200 ? 1 : 0;
        EXPECT_NE(root.ask("POST", "/v1/explain", body).status, 500);
        // With her own rights ada reaches nothing of bob's, wherever it leads.
        EXPECT_EQ(ada.ask("POST", "/v1/trash", body).json().at("results").as_array().at(0).at("state"), "failed");
      }
      replenish();
    });
  }
  EXPECT_GT(trashed, 0);
}

}  // namespace
}  // namespace reprieve::test
