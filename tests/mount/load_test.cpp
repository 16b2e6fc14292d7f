// SPDX-License-Identifier: Apache-2.0
// Programs that were made to try file systems, and servers that trust theirs, in the mount with both data paths.
//
// REPRIEVE_LONG=1 makes them try longer and more: minutes instead of seconds each, and with every stressor of stress-ng
// for file systems. REPRIEVE_STRESSORS chooses other stressors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/mount/mount_test.h"
#include "tests/mount/random/choices.h"

namespace reprieve::test {
namespace {

constexpr uid_t kNobody = 65534;

class Load : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    return {.configuration = std::string("[fuse]\npassthrough = \"") + GetParam() + "\"\n", .allow_other = true};
  }

  // Everybody may walk to the mount.
  void SetUp() override {
    MountTest::SetUp();
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
  }

  [[nodiscard]] std::filesystem::path native() const { return directory_.path() / "native"; }

  // A directory that `user` owns.
  static std::filesystem::path fresh(const std::filesystem::path& path, uid_t user = 0) {
    std::filesystem::create_directories(path);
    EXPECT_EQ(::chown(path.c_str(), user, user), 0);
    return path;
  }

  // One of the scripts in applications/.
  static CommandResult script(const std::string& interpreter, const std::string& name,
                              const std::vector<std::string>& arguments, CommandOptions options = {}) {
    std::vector<std::string> line{interpreter, std::string(APPLICATION_SCRIPTS) + "/" + name};
    line.insert(line.end(), arguments.begin(), arguments.end());
    options.limit = kPatience;
    CommandResult result = run(line, std::move(options));
    EXPECT_EQ(result.exit_code, 0) << name << "\n" << result.describe();
    return result;
  }

  static std::string often(int few, int many) { return std::to_string(kLong ? many : few); }

  static constexpr std::chrono::seconds kPatience{3600};
  static inline const bool kLong = from_environment("REPRIEVE_LONG", 0) != 0;
};

// What stress-ng says of a stressor, without what is another one each time.
class Verdict {
 public:
  static Verdict of(const std::string& stressor, const std::filesystem::path& folder, int seconds) {
    CommandOptions options{.directory = folder, .limit = std::chrono::seconds(seconds + 120)};
    const CommandResult result = run({"stress-ng", "--" + stressor, "2", "--timeout", std::to_string(seconds),
                                      "--verify", "--oomable", "--temp-path", folder, "--log-brief"},
                                     std::move(options));
    return {result.exit_code, complaints(result.out + result.err)};
  }

  [[nodiscard]] int exit_code() const { return exit_code_; }
  // What `other` does not say.
  [[nodiscard]] std::string more_than(const Verdict& other) const {
    std::string text;
    for (const std::string& line : complaints_) {
      if (!other.complaints_.contains(line)) text += line + "\n";
    }
    return text;
  }

 private:
  Verdict(int exit_code, std::set<std::string> complaints)
      : exit_code_(exit_code), complaints_(std::move(complaints)) {}

  static std::set<std::string> complaints(const std::string& output) {
    static const std::regex complaint("fail|skipp|unimplemented|error|corrupt|mismatch");
    static const std::regex changing(R"(\[[0-9]+\]|\(instance [0-9]+\))");
    std::set<std::string> found;
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);) {
      if (std::regex_search(line, complaint)) found.insert(std::regex_replace(line, changing, ""));
    }
    return found;
  }

  int exit_code_;
  std::set<std::string> complaints_;
};

std::vector<std::string> stressors() {
  const char* chosen = std::getenv("REPRIEVE_STRESSORS");
  std::string names = chosen == nullptr ? "dentry link rename fallocate iomix lockofd" : chosen;
  if (chosen == nullptr && from_environment("REPRIEVE_LONG", 0) != 0) {
    const CommandResult listed = run({"stress-ng", "--class", "filesystem?"});
    names = (listed.out + listed.err).substr((listed.out + listed.err).find(':') + 1);
  }
  std::istringstream words(names);
  return {std::istream_iterator<std::string>(words), {}};
}

TEST_P(Load, StressNg) {
  if (!has_program("stress-ng")) GTEST_SKIP() << "stress-ng is not installed";
  // Flags of inodes are refused, and extents the kernel's FUSE client does not pass on: reprieve(7) says so.
  const std::set<std::string> refused{"chattr", "fiemap"};
  const int seconds = kLong ? 10 : 2;
  for (const std::string& stressor : stressors()) {
    const Verdict expected = Verdict::of(stressor, fresh(native() / stressor), seconds);
    const Verdict actual = Verdict::of(stressor, fresh(project() / stressor), seconds);
    std::cout << stressor << ": exit " << actual.exit_code() << std::endl;
    EXPECT_EQ(actual.exit_code(), expected.exit_code()) << stressor;
    if (refused.contains(stressor)) continue;
    EXPECT_EQ(actual.more_than(expected), "") << stressor;
  }
}

TEST_P(Load, Dbench) {
  if (!has_program("dbench")) GTEST_SKIP() << "dbench is not installed";
  script("sh", "dbench.sh", {fresh(project() / "d"), often(2, 60)});
}

TEST_P(Load, Bonnie) {
  if (!has_program("bonnie++")) GTEST_SKIP() << "bonnie++ is not installed";
  script("sh", "bonnie.sh", {fresh(project() / "d"), often(1, 16)});
}

TEST_P(Load, FioVerifies) {
  if (!has_program("fio")) GTEST_SKIP() << "fio is not installed";
  script("sh", "fio_verify.sh", {fresh(project() / "d"), often(2, 64)});
}

TEST_P(Load, GitWorktrees) {
  if (!has_program("git")) GTEST_SKIP() << "git is not installed";
  script("sh", "git_worktrees.sh", {project(), native(), often(40, 400), often(400, 6000)});
}

TEST_P(Load, SqliteKilled) {
  if (!has_program("python3")) GTEST_SKIP() << "python3 is not installed";
  script("python3", "sqlite_killed.py", {fresh(project() / "d"), often(1, 20)});
}

// By the user that the package made, whose group may have another number.
TEST_P(Load, Postgres) {
  const passwd* const user = ::getpwnam("postgres");
  if (user == nullptr || shell("ls /usr/lib/postgresql/*/bin/pg_amcheck").exit_code != 0)
    GTEST_SKIP() << "PostgreSQL's server is not installed";
  const std::filesystem::path folder = fresh(project() / "d", user->pw_uid);
  script("sh", "postgres.sh", {folder, often(1, 60)}, {.user = user->pw_uid});
}

// The lines of `text` that `other` does not have.
std::string only_in(const std::string& text, const std::string& other) {
  std::string more;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (("\n" + other).find("\n" + line + "\n") == std::string::npos) more += line + "\n";
  }
  return more;
}

// Python's own tests of what it offers of a file system, by root and by a plain user: each case ends as on a disk.
TEST_P(Load, PythonsOwnTests) {
  for (const uid_t user : {uid_t{0}, kNobody}) {
    if (run({"python3", "-c", "import test.test_shutil"}, {.user = user}).exit_code != 0)
      GTEST_SKIP() << "Python's tests are not installed for user " << user;
  }
  std::vector<std::string> tests{"test_shutil", "test_tempfile", "test_fcntl", "test_dbm"};
  if (kLong) {
    for (const char* more :
         {"test_os", "test_mmap", "test_largefile", "test_posix", "test_pathlib", "test_zipfile", "test_tarfile",
          "test_sqlite3", "test_glob", "test_io", "test_fileio", "test_mailbox", "test_sendfile"})
      tests.emplace_back(more);
  }
  for (const uid_t user : {uid_t{0}, kNobody}) {
    SCOPED_TRACE(user);
    const std::string name = std::to_string(user);
    const auto outcomes = [&](const std::filesystem::path& place) {
      std::vector<std::string> arguments{fresh(place / name, user)};
      arguments.insert(arguments.end(), tests.begin(), tests.end());
      return script("python3", "python_tests.py", arguments, {.user = user}).out;
    };
    const std::string expected = outcomes(native());
    EXPECT_THAT(expected, ::testing::HasSubstr("test_copytree_simple")) << "no test ran";
    EXPECT_EQ(only_in(outcomes(project()), expected), "");
  }
}

INSTANTIATE_TEST_SUITE_P(DataPath, Load, ::testing::Values("auto", "off"), [](const auto& parameters) {
  return std::string(parameters.param) == "off" ? "Splice" : "Passthrough";
});

}  // namespace
}  // namespace reprieve::test
