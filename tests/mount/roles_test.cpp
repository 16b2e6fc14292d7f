// SPDX-License-Identifier: Apache-2.0
// Each operation as each role, on real mounts of three Unix users: the tables of reprieve(7).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <regex>
#include <set>
#include <span>
#include <sstream>

#include "tests/mount/role_table.h"
#include "tests/mount/role_test.h"
#include "tests/support/tree_snapshot.h"

namespace reprieve::test {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

// With mounts for all users, and with such as only the account's user may enter.
class Roles : public RoleTest, public ::testing::WithParamInterface<bool> {
 protected:
  [[nodiscard]] bool allow_other() const override { return GetParam(); }

  std::string outcome(const Scene& scene, const SystemCall& operation, std::string_view name) {
    if (operation.prepared_by_owner != nullptr) {
      EXPECT_EQ(errno_as(kAda, [&] { return operation.prepared_by_owner(scene); }), 0) << name;
    }
    const std::string before = view(kAda, scene.home);
    const int error = errno_as(scene.actor.user, [&] { return operation.call(scene); });
    if (error != 0) {
      EXPECT_EQ(view(kAda, scene.home), before) << name;
      return ::strerrorname_np(error);
    }
    // It is not enough that the call says so.
    if (operation.changes == SystemCall::Changes::home) {
      EXPECT_NE(view(kAda, scene.home), before) << name;
    }
    return "yes";
  }
  std::string outcome(const Scene& scene, Attempt attempt, std::string_view /*name*/) { return attempt(*this, scene); }

  template <typename Operations>
  void expect(std::span<const RoleRow> rows, const Operations& operations) {
    for (const RoleRow& row : rows) {
      const auto operation = operations.find(row.operation);
      ASSERT_NE(operation, operations.end()) << row.operation << " is not tried";
      const std::array expected{row.owner, row.editor, row.viewer, row.none};
      for (std::size_t i = 0; i < kActors.size(); ++i) {
        SCOPED_TRACE(std::string(row.operation) + " as " + std::string(kActors[i].role));
        EXPECT_EQ(outcome(scene(kActors[i]), operation->second, row.operation), expected[i]);
      }
    }
    EXPECT_EQ(operations.size(), rows.size());
  }
};

TEST_P(Roles, FilesAndDirectories) { expect(kFileRows, file_calls()); }
TEST_P(Roles, Deleting) { expect(kDeletingRows, deleting_attempts()); }
TEST_P(Roles, Socket) { expect(kSocketRows, socket_attempts()); }

// Without allow_other the kernel lets the account's user in and nobody else, not even root (fuse_allow_current_process,
// fs/fuse/dir.c). With it, a stranger has what the modes give to others.
TEST_P(Roles, StrangersAtAMount) {
  const Scene made = scene(kActors[0]);
  const auto open_as = [](uid_t user, const fs::path& path, int flags) {
    return errno_as(user, [&] { return failure_of(::open(path.c_str(), flags | O_CLOEXEC, 0644)); });
  };
  for (const uid_t user : {kAda, kBob, kEve}) {
    for (const uid_t stranger : {kAda, kBob, kEve, uid_t{0}}) {
      SCOPED_TRACE(std::to_string(stranger) + " in the mount of " + name_of(user));
      const bool may_enter = stranger == user || allow_other();
      EXPECT_EQ(open_as(stranger, mount(user), O_RDONLY), may_enter ? 0 : EACCES);
      EXPECT_EQ(open_as(stranger, projects(user), O_RDONLY), may_enter ? 0 : EACCES);
    }
  }
  EXPECT_EQ(open_as(kEve, made.home / "f", O_RDONLY), allow_other() ? 0 : EACCES);
  EXPECT_EQ(open_as(kEve, made.home / "f", O_RDWR), EACCES);
  EXPECT_EQ(open_as(kEve, made.home / "new", O_CREAT | O_WRONLY), EACCES);
  EXPECT_EQ(open_as(kEve, trash(kAda), O_RDONLY), EACCES);
}

INSTANTIATE_TEST_SUITE_P(AllowOther, Roles, ::testing::Bool(),
                         [](const auto& mode) { return std::string(mode.param ? "On" : "Off"); });

// --- what the table is to hold

std::set<std::string> matches_in(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

// FUSE operations that change nothing; ioctl knows no call that would.
const std::set<std::string> kReading{"lookup",    "forget",  "forget_multi", "readlink",    "getattr", "getxattr",
                                     "listxattr", "statfs",  "ioctl",        "release",     "read",    "fsync",
                                     "lseek",     "opendir", "readdir",      "readdirplus", "fsyncdir"};

std::set<std::string> fuse_operations() {
  return matches_in(read_file(SOURCE "/fs/operations.cpp"), std::regex(R"(serve<"(\w+)\")"));
}

// Method and resource of each request that the socket takes.
std::set<std::string> requests() {
  const std::string names = read_file(SOURCE "/daemon/control/protocol/resources.h");
  const std::string routes = read_file(SOURCE "/daemon/control/routes.cpp");
  std::map<std::string, std::string> resources;
  const std::regex resource(R"re((k\w+Resource) = "([^"]+)")re");
  for (std::sregex_iterator at(names.begin(), names.end(), resource), end; at != end; ++at)
    resources[(*at)[1]] = (*at)[2];
  std::set<std::string> found;
  const std::regex route(R"re(Route\{k(\w+), protocol::(k\w+),)re");
  for (std::sregex_iterator at(routes.begin(), routes.end(), route), end; at != end; ++at) {
    std::string method = (*at)[1];
    for (char& letter : method) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    found.insert(method + " " + resources.at((*at)[2]));
  }
  return found;
}

TEST(RoleTable, HasEveryOperationThatChangesSomething) {
  std::set<std::string> covered;
  for (const auto& rows : {std::span<const RoleRow>(kFileRows), std::span<const RoleRow>(kDeletingRows)}) {
    for (const RoleRow& row : rows) {
      std::istringstream words{std::string(row.covers)};
      for (std::string word; words >> word;) covered.insert(word);
    }
  }
  const std::set<std::string> served = fuse_operations();
  EXPECT_GT(served.size(), 20U);
  for (const std::string& operation : served) {
    EXPECT_TRUE(covered.contains(operation) || kReading.contains(operation)) << operation << " is in no row";
  }
  for (const std::string& operation : covered) EXPECT_TRUE(served.contains(operation)) << operation;
}

TEST(RoleTable, HasEveryRequestOfTheSocket) {
  std::set<std::string> covered;
  for (const RoleRow& row : kSocketRows) covered.insert(std::string(row.covers));
  EXPECT_EQ(covered, requests());
}

// The rows as they stand in reprieve(7).
std::string page_of(std::span<const RoleRow> rows) {
  const auto cell = [](std::string_view text) { return (text.front() == 'E' ? "Er " : "") + std::string(text); };
  std::string page;
  for (const RoleRow& row : rows) {
    page += ".It " + std::string(row.operation) + " Ta " + cell(row.owner) + " Ta " + cell(row.editor) + " Ta " +
            cell(row.viewer) + " Ta " + cell(row.none) + "\n";
  }
  return ".It Sy operation Ta Sy owner Ta Sy editor Ta Sy viewer Ta Sy others\n" + page + ".El\n";
}

TEST(RoleTable, IsInTheManual) {
  const std::string page = read_file(SOURCE "/man/reprieve.7");
  EXPECT_THAT(page, HasSubstr(page_of(kFileRows)));
  EXPECT_THAT(page, HasSubstr(page_of(kDeletingRows)));
  EXPECT_THAT(page, HasSubstr(page_of(kSocketRows)));
}

}  // namespace

}  // namespace reprieve::test
