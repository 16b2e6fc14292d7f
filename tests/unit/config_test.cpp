// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <string>
#include <variant>
#include <vector>

#include "daemon/command_line.h"
#include "tests/support/temporary_directory.h"

namespace reprieve {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : parse_config(text).problems)
    lines.push_back(std::to_string(problem.line) + ":" + std::to_string(problem.column) + ": " + problem.text);
  return lines;
}

std::variant<CommandLine, CommandLineExit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "reprieved");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Config, TakesEveryKey) {
  const ParsedConfig parsed = parse_config(R"(
[store]
path = "/var/lib/reprieve/"
commit_interval = "250ms"
[control]
socket = "/run/x.sock"
group = "lab"
[[mount]]
account = "a"
path = "/srv/a"
allow_other = false
[[mount]]
account = "b"
path = "/srv/../srv/b"
[trash]
keep_replaced = false
exclude = ["*.tmp"]
rm = "purge"
[log]
level = "debug"
[fuse]
passthrough = "require"
threads = 3
)");
  ASSERT_THAT(parsed.problems, IsEmpty());
  const Config& config = parsed.config;
  EXPECT_EQ(config.core.store.path, "/var/lib/reprieve");
  EXPECT_EQ(config.core.store.commit_interval, 250ms);
  EXPECT_EQ(config.control.socket, "/run/x.sock");
  EXPECT_EQ(config.control.group, "lab");
  ASSERT_EQ(config.mounts.size(), 2U);
  EXPECT_EQ(config.mounts[0].account, "a");
  EXPECT_EQ(config.mounts[0].allow_other, false);
  EXPECT_EQ(config.mounts[1].path, "/srv/b");
  EXPECT_EQ(config.mounts[1].allow_other, std::nullopt);
  EXPECT_FALSE(config.core.trash.keep_replaced);
  EXPECT_THAT(config.core.trash.exclude, ElementsAre("*.tmp"));
  EXPECT_EQ(config.core.trash.rm, TrashRm::purge);
  EXPECT_EQ(config.log_level, LogLevel::debug);
  EXPECT_EQ(config.fuse.passthrough, PassthroughChoice::require);
  EXPECT_EQ(config.fuse.threads, 3U);
}

TEST(Config, NothingIsTheDefaults) {
  const ParsedConfig parsed = parse_config("");
  ASSERT_THAT(parsed.problems, IsEmpty());
  EXPECT_EQ(parsed.config.core.store.commit_interval, 5000ms);
  EXPECT_TRUE(parsed.config.core.trash.keep_replaced);
  EXPECT_THAT(parsed.config.core.trash.exclude, ElementsAre(".fuse_hidden*", ".nfs*"));
  EXPECT_THAT(changed_keys(Config{}, parsed.config), IsEmpty());
}

TEST(Config, TellsEveryProblemInOrderWithItsPlace) {
  EXPECT_THAT(problems_of("[store]\n"
                          "path = 7\n"
                          "pfad = \"/x\"\n"
                          "commit_interval = 5\n"
                          "[nonsense]\n"
                          "x = 1\n"
                          "[[mount]]\n"
                          "account = \"a/b\"\n"
                          "[trash]\n"
                          "exclude = [\"a/b\"]\n"
                          "rm = \"ask\"\n"
                          "[log]\n"
                          "level = \"loud\"\n"
                          "[fuse]\n"
                          "threads = 0\n"),
              ElementsAre("2:8: store.path must be a string", "3:1: unknown key store.pfad",
                          "4:19: store.commit_interval must be a time with its unit, as \"5s\": ms, s, min, h or d",
                          "5:2: unknown section [nonsense]", "7:1: [[mount]] needs path",
                          "8:11: mount.account must be 1 to 64 letters, digits, '.', '_' or '-'",
                          "10:11: trash.exclude \"a/b\": patterns are for names, which have no '/'",
                          "11:6: trash.rm must be one of \"refuse\", \"purge\"",
                          "13:9: log.level must be one of \"error\", \"warning\", \"info\", \"debug\"",
                          "15:11: fuse.threads must be a number between 1 and 64"));
}

TEST(Config, RefusesKeysOfLaterVersionsByName) {
  EXPECT_THAT(problems_of("[trash]\nmax_age = \"30d\"\n[brake]\nitems = 5\n[control]\ntcp = \"x\"\n"),
              ElementsAre("2:1: trash.max_age is not supported by this version",
                          "4:1: brake.items is not supported by this version",
                          "6:1: control.tcp is not supported by this version"));
}

TEST(Config, TakesHowOftenBackupsAreMade) {
  const auto parsed = parse_config("[store]\nbackup_interval = \"1d\"\nbackup_keep = 3\n");
  EXPECT_TRUE(parsed.problems.empty());
  EXPECT_EQ(parsed.config.core.store.backup_interval, std::chrono::hours(24));
  EXPECT_EQ(parsed.config.core.store.backup_keep, 3U);
  EXPECT_EQ(parse_config("store.backup_interval = \"off\"\n").config.core.store.backup_interval, std::nullopt);
  EXPECT_THAT(problems_of("[store]\nbackup_interval = \"1s\"\nbackup_keep = 0\n"),
              ElementsAre("2:19: store.backup_interval must be between 1min and 365d",
                          "3:15: store.backup_keep must be a number between 1 and 1000"));
  EXPECT_THAT(problems_of("[store]\nbackup_interval = \"never\"\n"),
              ElementsAre("2:19: store.backup_interval must be \"off\", or a time with its unit, as \"6h\":"
                          " ms, s, min, h or d"));
}

TEST(Config, RefusesRelativePathsAndMountsAtOnePlace) {
  EXPECT_THAT(problems_of("store.path = \"here\"\n"
                          "[[mount]]\naccount = \"a\"\npath = \"/m\"\n"
                          "[[mount]]\naccount = \"b\"\npath = \"/m/\"\n"),
              ElementsAre("1:14: store.path must be an absolute path", "5:1: /m is the path of another [[mount]]"));
}

TEST(Config, RefusesMountsThatAreNotTables) {
  EXPECT_THAT(problems_of("mount = 3"), ElementsAre("1:9: mounts are written as [[mount]], once for each"));
  EXPECT_THAT(problems_of("[mount]\npath = \"/m\""),
              ElementsAre("1:1: mounts are written as [[mount]], once for each"));
  EXPECT_THAT(problems_of("store = 3"), ElementsAre("1:9: store must be a section, as [store]"));
}

TEST(Config, TakesTimesWithUnitsOnly) {
  for (const char* good : {"10ms", "1s", "2min", "1h"})
    EXPECT_THAT(problems_of("store.commit_interval = \"" + std::string(good) + '"'), IsEmpty()) << good;
  for (const char* bad : {"0s", "9ms", "2h", "1d", "5", "s", "5 s", "-1s", "5sec", "99999999999999999999s", ""})
    EXPECT_EQ(problems_of("store.commit_interval = \"" + std::string(bad) + '"').size(), 1U) << bad;
}

TEST(Config, TellsWhereTheSyntaxIsWrong) {
  EXPECT_THAT(problems_of("[store]\npath = \n"), ElementsAre(HasSubstr("2:")));
  EXPECT_EQ(problems_of("\xff\xfe").size(), 1U);
}

TEST(Config, NamesTheChangedKeys) {
  const auto config = [](std::string_view text) { return parse_config(text).config; };
  EXPECT_THAT(changed_keys(config("log.level = \"info\""), config("log.level = \"debug\"\ntrash.rm = \"purge\"")),
              UnorderedElementsAreArray({"log.level", "trash.rm"}));
  EXPECT_THAT(changed_keys(config(""), config("[[mount]]\naccount = \"a\"\npath = \"/m\"")), ElementsAre("mount"));
}

TEST(Config, FileProblemsCarryTheFileName) {
  const test::TemporaryDirectory directory;
  const auto path = directory.path() / "reprieve.toml";
  std::ofstream(path) << "[log]\nlevel = 1\n[fuse]\nspeed = 2\n";
  const auto config = read_config(path);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().reason, path.string() + ":2:9: log.level must be one of \"error\", \"warning\", \"info\", " +
                                       "\"debug\"\n" + path.string() + ":4:1: unknown key fuse.speed");
  EXPECT_FALSE(read_config(directory.path() / "none"));
  EXPECT_FALSE(read_config(directory.path()));
}

TEST(Config, ManualPageHasTheSameKeys) {
  std::ifstream page(REPRIEVE_SOURCE_DIR "/man/reprieve.toml.5");
  const std::regex section_line(R"(\.Ss Section (\w+))");
  const std::regex key_line(R"(\.It Cm (\w+))");
  std::vector<std::string> documented;
  std::string section;
  for (std::string line; std::getline(page, line);) {
    std::smatch match;
    if (std::regex_match(line, match, section_line)) section = match[1];
    if (std::regex_match(line, match, key_line)) documented.push_back(section + '.' + match[1].str());
  }
  EXPECT_THAT(documented, UnorderedElementsAreArray(config_keys()));
}

TEST(Config, InstalledExampleIsValidAndHasEveryKey) {
  std::ifstream file(REPRIEVE_SOURCE_DIR "/systemd/reprieve.toml");
  const std::regex commented(R"(^#(\w+ = .*|\[\[mount\]\])$)");
  const std::regex key_line(R"(^(\w+) = .*)");
  const std::regex section_line(R"(^\[+(\w+)\]+$)");
  std::string text;
  std::string section;
  std::vector<std::string> shown;
  for (std::string line; std::getline(file, line);) {
    std::smatch match;
    if (std::regex_match(line, match, commented)) line = match[1];
    text += line + '\n';
    if (std::regex_match(line, match, section_line)) section = match[1];
    if (std::regex_match(line, match, key_line)) shown.push_back(section + '.' + match[1].str());
  }
  EXPECT_THAT(problems_of(text), IsEmpty());
  EXPECT_THAT(shown, UnorderedElementsAreArray(config_keys()));
}

TEST(CommandLine, OverridesTheFileAndAddsMounts) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() / "reprieve.toml";
  std::ofstream(path)
      << "store.path = \"/a\"\ncontrol.socket = \"/a.sock\"\n[[mount]]\naccount = \"x\"\npath = \"/x\"\n";
  const auto parsed = parse(
      {"--config", path.c_str(), "--store", "/b", "--mount", "y=/y/", "--mount", "z=/z=1", "--socket", "/b.sock"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
  const auto config = load_config(std::get<CommandLine>(parsed));
  ASSERT_TRUE(config) << config.error().reason;
  EXPECT_EQ(config->core.store.path, "/b");
  EXPECT_EQ(config->control.socket, "/b.sock");
  ASSERT_EQ(config->mounts.size(), 3U);
  EXPECT_EQ(config->mounts[1].account, "y");
  EXPECT_EQ(config->mounts[1].path, "/y");
  EXPECT_EQ(config->mounts[2].path, "/z=1");
}

TEST(CommandLine, MakesPathsAbsolute) {
  const auto parsed = parse({"--store", "s", "--mount", "a=./m"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
  const auto& line = std::get<CommandLine>(parsed);
  EXPECT_EQ(line.store, std::filesystem::current_path() / "s");
  EXPECT_EQ(line.mounts.at(0).path, std::filesystem::current_path() / "m");
}

TEST(CommandLine, WrongUsageIsExitCodeTwo) {
  const std::vector<std::vector<const char*>> wrong = {
      {"--mount", "alice"},
      {"--mount", "=/x"},
      {"--mount", "a="},
      {"--mount", "a b=/x"},
      {"--nonsense"},
      {"operand"},
      {"--store"},
      {"--check-config", "--check"},
      {"--restore-metadata", "b", "--check"},
  };
  for (const auto& arguments : wrong) {
    const auto parsed = parse(arguments);
    ASSERT_TRUE(std::holds_alternative<CommandLineExit>(parsed)) << arguments.front();
    EXPECT_EQ(std::get<CommandLineExit>(parsed).code, 2) << arguments.front();
    EXPECT_THAT(std::get<CommandLineExit>(parsed).err, HasSubstr("reprieved: ")) << arguments.front();
  }
}

TEST(CommandLine, HelpAndVersionAreExitCodeZeroOnStandardOutput) {
  for (const char* argument : {"--help", "-h", "--version"}) {
    const auto parsed = parse({argument});
    ASSERT_TRUE(std::holds_alternative<CommandLineExit>(parsed));
    EXPECT_EQ(std::get<CommandLineExit>(parsed).code, 0);
    EXPECT_THAT(std::get<CommandLineExit>(parsed).out, HasSubstr("reprieved"));
  }
}

TEST(CommandLine, NeedsAStore) {
  const auto parsed = parse({"--config", "/dev/null"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
  const auto config = load_config(std::get<CommandLine>(parsed));
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().reason, HasSubstr("no store"));
}

TEST(CommandLine, RefusesTwoMountsAtOnePlace) {
  const auto parsed = parse({"--store", "/s", "--mount", "a=/m", "--mount", "b=/m/"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(parsed));
  EXPECT_FALSE(load_config(std::get<CommandLine>(parsed)));
}

}  // namespace
}  // namespace reprieve
