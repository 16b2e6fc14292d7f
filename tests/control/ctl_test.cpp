// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "tests/control/control_fixture.h"
#include "tests/support/wait.h"

namespace reprieve::test {
namespace {

// The program as scripts run it: without a terminal.
class Ctl : public ControlTest {
 protected:
  static std::string text(std::int64_t id) { return std::to_string(id); }
};

CommandResult ctl_alone(std::vector<std::string> arguments, CommandOptions options = {}) {
  arguments.insert(arguments.begin(), REPRIEVECTL);
  return run(arguments, std::move(options));
}

TEST(CtlProgram, HelpsWithoutADaemon) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"--help"}, {"help"}, {"-h"}, {"list", "--help"}, {"help", "restore"}, {"rm", "--help"}, {"help", "rm"}}) {
    const auto result = ctl_alone(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.describe();
    EXPECT_FALSE(result.out.empty());
    EXPECT_TRUE(result.err.empty()) << result.describe();
  }
  EXPECT_EQ(ctl_alone({"help"}).out, ctl_alone({"--help"}).out);
  EXPECT_EQ(ctl_alone({"help", "restore"}).out, ctl_alone({"restore", "--help"}).out);
  const auto version = ctl_alone({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_TRUE(version.out.starts_with("reprievectl ")) << version.out;
  const auto nothing = ctl_alone({});
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_NE(nothing.err.find("restore"), std::string::npos);
}

TEST(CtlProgram, WrongUsageExitsWith2) {
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"fly"},
                                                                     {"list", "--colour"},
                                                                     {"list", "extra"},
                                                                     {"show"},
                                                                     {"show", "x"},
                                                                     {"show", "0"},
                                                                     {"purge", "--yes"},
                                                                     {"trash"},
                                                                     {"restore"},
                                                                     {"restore", "1", "--all"},
                                                                     {"restore", "1", "--on-collision", "explode"},
                                                                     {"list", "--sort", "colour"},
                                                                     {"list", "--min-bytes", "many"},
                                                                     {"list", "--min-bytes", "-1"},
                                                                     {"list", "--kind", "banana"},
                                                                     {"list", "--since", "junk"},
                                                                     {"empty", "--until", "junk"},
                                                                     {"history", "--event", "junk"},
                                                                     {"list", "--limit", "0"},
                                                                     {"list", "--asc", "--reverse"},
                                                                     {"help", "fly"},
                                                                     {"list", "show"}}) {
    const auto result = ctl_alone(arguments);
    EXPECT_EQ(result.exit_code, 2) << ::testing::PrintToString(arguments) << result.describe();
    EXPECT_TRUE(result.err.starts_with("reprievectl: ")) << result.describe();
    EXPECT_TRUE(result.out.empty()) << result.describe();
  }
}

TEST(CtlProgram, WrongUsageIsToldInItsOwnWords) {
  const auto told = [](std::vector<std::string> arguments) { return ctl_alone(std::move(arguments)).err; };
  EXPECT_EQ(told({"lst"}), "reprievectl: there is no command \"lst\"\nTry 'reprievectl --help'.\n");
  EXPECT_EQ(told({"list", "--colour"}), "reprievectl: there is no option --colour\nTry 'reprievectl list --help'.\n");
  EXPECT_EQ(told({"list", "extra"}), "reprievectl: list does not take \"extra\"\nTry 'reprievectl list --help'.\n");
  EXPECT_EQ(told({"account", "list", "x"}), "reprievectl: account list does not take \"x\"\n");
  EXPECT_EQ(told({"account", "show", "x", "--quota", "5G"}), "reprievectl: account show does not take --quota\n");
  EXPECT_EQ(told({"list", "--sort", "colour"}),
            "reprievectl: --sort: must be one of date, size, name, not \"colour\"\nTry 'reprievectl list --help'.\n");
  EXPECT_EQ(told({"list", "--min-bytes", "5X"}),
            "reprievectl: --min-bytes: must be a number of bytes, which may end in K, M, G or T, not \"5X\"\n"
            "Try 'reprievectl list --help'.\n");
  EXPECT_EQ(told({"show", "abc"}),
            "reprievectl: ID: must be a positive whole number, not \"abc\"\nTry 'reprievectl show --help'.\n");
  EXPECT_EQ(told({"list", "--kind", "banana"}),
            "reprievectl: --kind: must be one of project, run, sample, analysis, folder, file, not \"banana\"\n"
            "Try 'reprievectl list --help'.\n");
}

TEST(CtlProgram, AnUnreachableDaemonExitsWith3) {
  const TemporaryDirectory directory;
  const std::string none = directory.path() / "none.sock";
  for (const char* command : {"list", "stats", "mounts", "ping", "version"}) {
    const auto result = ctl_alone({"--socket", none, command});
    EXPECT_EQ(result.exit_code, 3) << result.describe();
    EXPECT_NE(result.err.find(none), std::string::npos) << result.describe();
  }
  EXPECT_EQ(ctl_alone({"purge", "1", "--yes", "--socket", none}).exit_code, 3);
  const auto from_environment = ctl_alone({"ping"}, {.directory = {}, .environment = {{"REPRIEVE_SOCKET", none}}});
  EXPECT_EQ(from_environment.exit_code, 3);
  EXPECT_NE(from_environment.err.find(none), std::string::npos);
}

TEST_F(Ctl, FindsTheSocket) {
  options_.socket = directory_.path() / "reprieve" / "control.sock";
  std::filesystem::create_directory(options_.socket.parent_path());
  start();
  EXPECT_EQ(ctl_alone({"ping"}, {.directory = {}, .environment = {{"REPRIEVE_SOCKET", socket().native()}}}).exit_code,
            0);
  if (std::filesystem::exists("/run/reprieve/control.sock")) GTEST_SKIP() << "a daemon runs on this machine";
  EXPECT_EQ(ctl_alone({"ping"}, {.directory = {}, .environment = {{"XDG_RUNTIME_DIR", directory_.path()}}}).exit_code,
            0);
}

TEST_F(Ctl, PingStatsMountsVersion) {
  mounts_.list = {{.account = "lab", .path = "/mnt/lab", .data_path = "passthrough", .allow_other = true}};
  start();
  for (const char* command : {"ping", "stats", "mounts", "version"}) {
    const auto table = ctl({command});
    EXPECT_EQ(table.exit_code, 0) << table.describe();
    EXPECT_EQ(table.out.find('\033'), std::string::npos) << "no colours without a terminal";
    const auto json = ctl({command, "--json"});
    EXPECT_EQ(json.exit_code, 0) << json.describe();
    EXPECT_TRUE(boost::json::parse(json.out).is_object());
  }
  EXPECT_NE(ctl({"version"}).out.find("9.8.7"), std::string::npos);
  EXPECT_NE(ctl({"mounts"}).out.find("/mnt/lab"), std::string::npos);
}

TEST_F(Ctl, Lists) {
  trashed_file("projects/P/small", "1");
  trashed_file("projects/P/large", std::string(2000, 'x'));
  start();
  const auto table = ctl({"list"});
  EXPECT_EQ(table.exit_code, 0) << table.describe();
  EXPECT_NE(table.out.find("projects/P/large"), std::string::npos);
  EXPECT_NE(table.out.find("2.0 KiB"), std::string::npos) << table.out;
  const auto json = ctl({"--json", "list", "--sort", "name"});
  const auto items = boost::json::parse(json.out).as_array();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items.at(0).at("name").as_string(), "large");
  const auto count = [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"list", "--json"});
    const auto result = ctl(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.describe();
    return boost::json::parse(result.out).as_array().size();
  };
  EXPECT_EQ(count({"--min-bytes", "1K"}), 1U);
  EXPECT_EQ(count({"--name", "s*"}), 1U);
  EXPECT_EQ(count({"--origin", "projects/P/*"}), 2U);
  EXPECT_EQ(count({"--origin", "*/large"}), 1U);
  EXPECT_EQ(count({"--kind", "project"}), 0U);
  EXPECT_EQ(count({"--since", "1h", "--deleted-by", "lab"}), 2U);
  EXPECT_EQ(ctl({"list", "--deleted-by", "nobody"}).err, "reprievectl: there is no account \"nobody\"\n");
  EXPECT_EQ(count({"--until", "1h"}), 0U);
  EXPECT_EQ(count({"--limit", "1"}), 1U);
  EXPECT_EQ(count({"--offset", "1"}), 1U);
  EXPECT_EQ(count({"--sort", "size", "--reverse"}), 2U);
  EXPECT_EQ(ctl({"list", "--offset", "2"}).err, "no more items\n");
  EXPECT_EQ(table.out.find("SESSION"), std::string::npos);
  EXPECT_NE(ctl({"list", "--long"}).out.find("SESSION"), std::string::npos);
  EXPECT_EQ(ctl({"list", "--name", "none"}).exit_code, 0);
}

TEST_F(Ctl, ListsMoreThanAPage) {
  for (int i = 0; i < 1203; ++i) trashed_file("projects/P/" + std::to_string(i));
  start();
  EXPECT_EQ(boost::json::parse(ctl({"list", "--json"}).out).as_array().size(), 1203U);
  EXPECT_EQ(boost::json::parse(ctl({"list", "--json", "--limit", "1100"}).out).as_array().size(), 1100U);
}

TEST_F(Ctl, EscapesNames) {
  trashed_file("projects/P/\033[31mred\n\xFF");
  start();
  const auto result = ctl({"list"});
  EXPECT_EQ(result.out.find('\033'), std::string::npos);
  EXPECT_NE(result.out.find("\\x1b[31mred\\n\\xff"), std::string::npos) << result.out;
}

TEST_F(Ctl, Shows) {
  const auto id = trashed_file("projects/P/a");
  start();
  const auto shown = ctl({"show", text(id)});
  EXPECT_EQ(shown.exit_code, 0) << shown.describe();
  EXPECT_NE(shown.out.find("projects/P/a"), std::string::npos);
  EXPECT_NE(shown.out.find("root (uid 0), account lab"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find(" 1 B\n"), std::string::npos) << shown.out;
  EXPECT_EQ(boost::json::parse(ctl({"show", text(id), "--json"}).out).at("id").as_int64(), id);
  const auto missing = ctl({"show", "999"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_NE(missing.err.find("999"), std::string::npos);
  EXPECT_EQ(ctl({"show", text(id), "999"}).exit_code, 4);
}

TEST_F(Ctl, TrashesWithoutATerminalWithoutAsking) {
  for (const char* name : {"a", "b", "c", "d"}) make_file(std::string("projects/P/") + name);
  start();
  const auto one = ctl({"trash", "projects/P/a"});
  EXPECT_EQ(one.exit_code, 0) << one.describe();
  EXPECT_NE(one.out.find("projects/P/a"), std::string::npos);
  EXPECT_EQ(ctl({"rm", "projects/P/b"}).exit_code, 0);
  EXPECT_EQ(ctl({"move-to-trash", "projects/P/c"}).exit_code, 0);
  EXPECT_EQ(trash_count(), 3U);
  const auto partly = ctl({"trash", "projects/P/d", "projects/P/none"});
  EXPECT_EQ(partly.exit_code, 4) << partly.describe();
  EXPECT_NE(partly.err.find("projects/P/none"), std::string::npos);
  EXPECT_EQ(ctl({"trash", "projects/P/none"}).exit_code, 1);
  EXPECT_EQ(ctl({"trash", "projects/none", "projects/never"}).exit_code, 1);
  const auto json = ctl({"trash", "--json", "projects/P"});
  EXPECT_EQ(boost::json::parse(json.out).at("results").at(0).at("name").as_string(), "P");
}

TEST_F(Ctl, PathsInAMountCountFromTheWorkingDirectory) {
  // The way the daemon and the command see the mount point; that nothing is mounted there does not matter to either.
  const auto mount = directory_.path() / "mnt";
  std::filesystem::create_directories(mount / "projects" / "P");
  mounts_.list = {{.account = "lab", .path = mount, .data_path = "splice", .allow_other = false}};
  make_file("projects/P/a");
  make_file("projects/P/b");
  start();
  EXPECT_EQ(ctl({"trash", "a"}, {.directory = mount / "projects" / "P"}).exit_code, 0);
  EXPECT_EQ(ctl({"trash", mount / "projects" / "P" / "b"}).exit_code, 0);
  EXPECT_EQ(trash_count(), 2U);
  EXPECT_EQ(ctl({"restore", "--all", "--to", ".."}, {.directory = mount / "projects" / "P"}).exit_code, 1);
}

TEST_F(Ctl, PathsThatLeadIntoAMountCountFromTheWorkingDirectory) {
  const auto mount = directory_.path() / "mnt";
  std::filesystem::create_directories(mount / "projects" / "P");
  mounts_.list = {{.account = "lab", .path = mount, .data_path = "splice", .allow_other = false}};
  make_file("projects/P/a");
  start();
  EXPECT_EQ(ctl({"trash", "mnt/projects/P/a"}, {.directory = directory_.path()}).exit_code, 0);
  const auto elsewhere = ctl({"trash", "P/a"}, {.directory = directory_.path()});
  EXPECT_EQ(elsewhere.exit_code, 1);
  EXPECT_NE(elsewhere.err.find("paths count from the account's root"), std::string::npos) << elsewhere.describe();
}

TEST_F(Ctl, TheWorkingDirectoryNamesTheAccount) {
  const auto mount = directory_.path() / "bob";
  std::filesystem::create_directories(mount / "projects");
  mounts_.list = {{.account = "bob", .path = mount, .data_path = "splice", .allow_other = false}};
  const Account bob = files_->accounts().ensure("bob", 0, 0).value();
  const auto id = text(trashed_file("projects/P/a"));
  make_file(bob, "projects/P/b", "x");
  start();
  // Root has both accounts, and neither more than the other.
  const auto which = ctl({"list"});
  EXPECT_EQ(which.exit_code, 2) << which.describe();
  EXPECT_NE(which.err.find("lab, bob (--account NAME)"), std::string::npos) << which.describe();
  EXPECT_EQ(ctl({"trash", "projects/P/b"}).exit_code, 2);
  EXPECT_EQ(ctl({"explain", "projects/P/b"}).exit_code, 2);
  const auto here = ctl({"show", id}, {.directory = mount / "projects"});
  EXPECT_EQ(here.exit_code, 1);
  EXPECT_NE(here.err.find("in the trash of the account bob"), std::string::npos) << here.describe();
  EXPECT_EQ(ctl({"show", id, "--account", "lab"}, {.directory = mount / "projects"}).exit_code, 0);
}

TEST_F(Ctl, Restores) {
  const auto a = trashed_file("projects/P/a");
  const auto b = trashed_file("projects/P/b");
  trashed_file("projects/P/c");
  start();
  const auto one = ctl({"restore", text(a)});
  EXPECT_EQ(one.exit_code, 0) << one.describe();
  EXPECT_NE(one.out.find("projects/P/a"), std::string::npos);
  EXPECT_EQ(ctl({"restore", text(a)}).exit_code, 1);
  EXPECT_EQ(ctl({"restore", text(a), text(b)}).exit_code, 4);
  EXPECT_EQ(ctl({"restore", "--name", "c"}).exit_code, 0);
  EXPECT_EQ(trash_count(), 0U);
  EXPECT_EQ(ctl({"restore", "--all"}).exit_code, 0);
  EXPECT_EQ(ctl({"restore", "--session", "9999"}).exit_code, 1);
}

TEST_F(Ctl, ADryRunShowsAndRestoresNothing) {
  const auto id = text(trashed_file("projects/P/a"));
  start();
  const auto result = ctl({"restore", "--dry-run", id});
  EXPECT_EQ(result.exit_code, 0) << result.describe();
  EXPECT_EQ(result.out, "would restore " + id + " (a) to projects/P/a\n");
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(Ctl, APathIsNamedOnce) {
  const auto mount = directory_.path() / "mnt";
  mounts_.list = {{.account = "lab", .path = mount, .data_path = "splice", .allow_other = false}};
  make_file("projects/P/a");
  start();
  EXPECT_EQ(ctl({"trash", "projects/P/none"}).err,
            "reprievectl: projects/P/none does not exist (outside a mount, paths count from the account's root)\n");
  const std::string whole = mount / "projects/P/none";
  EXPECT_EQ(ctl({"trash", whole}).err, "reprievectl: " + whole + " does not exist\n");
  EXPECT_EQ(ctl({"explain", whole}).err, "reprievectl: " + whole + " does not exist\n");
  // Another one than was asked for is told beside it.
  EXPECT_EQ(ctl({"trash", whole + "/deeper"}).err,
            "reprievectl: " + whole + "/deeper: projects/P/none does not exist\n");
}

TEST_F(Ctl, ListsBackups) {
  start();
  const auto none = ctl({"backups"});
  EXPECT_EQ(none.exit_code, 0) << none.describe();
  EXPECT_NE(none.err.find("there is no backup"), std::string::npos) << none.describe();
  EXPECT_EQ(ctl({"backup"}).exit_code, 0);
  const auto listed = ctl({"backups"});
  EXPECT_NE(listed.out.find("/backups/metadata-2"), std::string::npos) << listed.describe();
  const auto items = boost::json::parse(ctl({"backups", "--json"}).out).at("items").as_array();
  ASSERT_EQ(items.size(), 1U);
  const std::string file(items.at(0).at("file").as_string());
  EXPECT_EQ(std::filesystem::file_size(file), items.at(0).at("bytes").to_number<std::uintmax_t>());
  EXPECT_EQ(RawClient(socket(), 30003, 30003).ask("GET", "/v1/backups").status, 403);
}

TEST_F(Ctl, SaysThatNoChecksumsAreKept) {
  start();
  const auto damaged = ctl({"damaged"});
  EXPECT_EQ(damaged.exit_code, 1) << damaged.describe();
  EXPECT_NE(damaged.err.find("no checksums of files are kept"), std::string::npos) << damaged.describe();
  EXPECT_EQ(ask("GET", "/v1/damaged?limit=0").error_code(), "invalid_argument");
}

TEST_F(Ctl, RestoresOntoATakenName) {
  const auto id = text(trashed_file("projects/P/a"));
  make_file("projects/P/a");
  start();
  EXPECT_EQ(ctl({"restore", id}).exit_code, 1);
  const auto skipped = ctl({"restore", id, "--on-collision", "skip"});
  EXPECT_EQ(skipped.exit_code, 0) << skipped.describe();
  EXPECT_NE(skipped.err.find("skipped: projects/P/a is taken"), std::string::npos) << skipped.describe();
  EXPECT_EQ(ctl({"restore", id, "--on-collision", "replace"}).exit_code, 0);
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(Ctl, DestroysNothingWithoutATerminalAndWithoutYes) {
  const auto id = text(trashed_file("projects/P/a"));
  start();
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"empty"}, {"empty", "--json"}, {"empty", "--name", "*"}, {"purge", id}}) {
    const auto result = ctl(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.describe();
    EXPECT_NE(result.err.find("--yes"), std::string::npos) << result.describe();
  }
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(Ctl, ADryRunShowsAndDestroysNothing) {
  trashed_file("projects/P/a", "12345");
  start();
  const auto result = ctl({"empty", "--dry-run"});
  EXPECT_EQ(result.exit_code, 0) << result.describe();
  EXPECT_NE(result.out.find("projects/P/a"), std::string::npos);
  EXPECT_NE(result.out.find("1 item, 1 file, 5 B"), std::string::npos) << result.out;
  const auto json = boost::json::parse(ctl({"empty", "--dry-run", "--json"}).out);
  EXPECT_EQ(json.at("total").at("bytes").to_number<int>(), 5);
  EXPECT_EQ(trash_count(), 1U);
}

TEST_F(Ctl, EmptiesWithYes) {
  trashed_file("projects/P/a");
  trashed_file("projects/P/b");
  start();
  const auto one = ctl({"empty", "--yes", "--name", "a"});
  EXPECT_EQ(one.exit_code, 0) << one.describe();
  EXPECT_EQ(one.out, "gone for ever: 1 item, 1 file, 1 B\n");
  EXPECT_EQ(trash_count(), 1U);
  const auto json = ctl({"empty", "--yes", "--json", "--wait"});
  EXPECT_EQ(json.exit_code, 0) << json.describe();
  EXPECT_EQ(boost::json::parse(json.out).at("results").as_array().size(), 1U);
  EXPECT_EQ(trash_count(), 0U);
  const auto nothing = ctl({"empty", "--yes"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_NE(nothing.out.find("nothing"), std::string::npos);
}

TEST_F(Ctl, PurgesWithYes) {
  const auto a = text(trashed_file("projects/P/a"));
  const auto b = text(trashed_file("projects/P/b"));
  start();
  EXPECT_EQ(ctl({"purge", a, "--yes"}).exit_code, 0);
  const auto partly = ctl({"purge", a, b, "--yes"});
  EXPECT_EQ(partly.exit_code, 4) << partly.describe();
  EXPECT_NE(partly.err.find(a), std::string::npos);
  EXPECT_EQ(ctl({"purge", a, "--yes"}).exit_code, 1);
}

TEST_F(Ctl, ErrorsComeAsJsonToo) {
  start();
  const auto result = ctl({"list", "--json", "--account", "none"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(boost::json::parse(result.out).at("error").at("code").as_string(), "not_found");
  EXPECT_FALSE(result.err.empty());
}

TEST_F(Ctl, AFullDiskIsAFailure) {
  start();
  EXPECT_EQ(shell(std::string(REPRIEVECTL) + " --socket " + socket().native() + " stats > /dev/full").exit_code, 1);
}

}  // namespace
}  // namespace reprieve::test
