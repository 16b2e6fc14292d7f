// SPDX-License-Identifier: Apache-2.0
#include "daemon/ctl/text.h"

#include <gtest/gtest.h>

#include <clocale>
#include <filesystem>
#include <sstream>

#include "daemon/ctl/paths.h"
#include "daemon/ctl/progress.h"
#include "daemon/ctl/table.h"
#include "tests/support/temporary_directory.h"

namespace reprieve::ctl {
namespace {

using namespace std::chrono_literals;

class CtlText : public ::testing::Test {
 protected:
  CtlText() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
};

TEST_F(CtlText, TerminalsCannotBeAttacked) {
  EXPECT_EQ(printable("plain name.txt"), "plain name.txt");
  EXPECT_EQ(printable("\033[2J\033]0;title\a"), "\\x1b[2J\\x1b]0;title\\x07");
  EXPECT_EQ(printable("a\nb\tc\rd\x7F"), "a\\nb\\tc\\rd\\x7f");
  EXPECT_EQ(printable("caf\xE9"), "caf\\xe9");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "\\u{009b}31m");  // C1 CSI
  EXPECT_EQ(printable("gpj.\xE2\x80\xAE"
                      "exe"),
            "gpj.\\u{202e}exe");  // right-to-left override
  EXPECT_EQ(printable("a\\b"), "a\\\\b");
  EXPECT_EQ(printable("  a b  "), "\\x20 a b \\x20");
  EXPECT_EQ(printable(" "), "\\x20");
  EXPECT_EQ(printable("Grün 細胞"), "Grün 細胞");
}

TEST_F(CtlText, CountsColumns) {
  EXPECT_EQ(columns("abc"), 3U);
  EXPECT_EQ(columns("Grün"), 4U);
  EXPECT_EQ(columns("細胞"), 4U);
  EXPECT_EQ(columns("e\xCC\x81"), 1U);  // combining accent
}

TEST_F(CtlText, Sizes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(20 * 1024), "20 KiB");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(std::uint64_t{5} << 40U), "5.0 TiB");
}

TEST_F(CtlText, Ages) {
  const Timestamp now(1714565100s);
  EXPECT_EQ(human_age(now, now), "now");
  EXPECT_EQ(human_age(now + 5s, now), "now");
  EXPECT_EQ(human_age(now - 59s, now), "59s ago");
  EXPECT_EQ(human_age(now - 3h, now), "3h ago");
  EXPECT_EQ(human_age(now - 3 * 24h, now), "3d ago");
  EXPECT_EQ(human_age(now - 100 * 24h, now), "2024-01-22");
}

TEST_F(CtlText, TablesStayAligned) {
  Table table({{"ID", Align::right}, {"NAME"}, {"ORIGIN"}});
  table.add({"1", "細胞", "x"});
  table.add({"10", "ab", "y"});
  std::ostringstream out;
  table.print(out, false);
  EXPECT_EQ(out.str(), "ID  NAME  ORIGIN\n 1  細胞  x\n10  ab    y\n");
}

TEST_F(CtlText, OneLongNameDoesNotWidenTheTable) {
  const std::string name(60, 'n');
  Table table({{"NAME"}, {"ORIGIN"}});
  table.add({"a", "x"});
  table.add({name, "y"});
  std::ostringstream out;
  table.print(out, false);
  EXPECT_EQ(out.str(), "NAME" + std::string(38, ' ') + "ORIGIN\na" + std::string(41, ' ') + "x\n" + name + "  y\n");
}

TEST_F(CtlText, Counts) {
  EXPECT_EQ(counted(1, "analysis"), "1 analysis");
  EXPECT_EQ(counted(2, "analysis"), "2 analyses");
  EXPECT_EQ(counted(0, "file"), "0 files");
}

TEST_F(CtlText, TheBar) {
  const protocol::Progress half{.id = 1,
                                .state = "running",
                                .done = 50,
                                .total = 100,
                                .bytes = 512,
                                .bytes_total = 1024,
                                .rate = 2048,
                                .seconds = 0.25};
  EXPECT_EQ(progress_line(half), "[###############...............]  50%  512 B of 1.0 KiB  2.0 KiB/s");
  EXPECT_NE(progress_line({}).find("100%"), std::string::npos);
}

TEST_F(CtlText, PathsOfTheDaemon) {
  const test::TemporaryDirectory directory;
  const auto mount = directory.path() / "mnt";
  std::filesystem::create_directories(mount / "projects" / "P");
  std::filesystem::create_directory_symlink(mount / "projects", directory.path() / "link");
  std::filesystem::create_directory_symlink("P", mount / "projects" / "alias");
  const std::vector<protocol::Mount> mounts{{.account = "lab", .path = mount, .data_path = {}, .allow_other = false}};
  const std::string inside = mount / "projects";
  EXPECT_EQ(to_daemon_path("P", inside, mounts), inside + "/P");
  EXPECT_EQ(to_daemon_path("./P/", inside, mounts), inside + "/P");
  EXPECT_EQ(to_daemon_path("../projects/P", inside, mounts), inside + "/P");
  EXPECT_EQ(to_daemon_path(".", inside, mounts), inside);
  EXPECT_EQ(to_daemon_path("none/at/all", inside, mounts), inside + "/none/at/all");
  // The link itself is meant, not what it leads to.
  EXPECT_EQ(to_daemon_path("alias", inside, mounts), inside + "/alias");
  EXPECT_EQ(to_daemon_path(directory.path() / "link" / "P", "/", mounts), inside + "/P");
  EXPECT_EQ(to_daemon_path("projects/P", "/", mounts), "projects/P");
  EXPECT_EQ(to_daemon_path("link/P", directory.path(), mounts), inside + "/P");
  EXPECT_EQ(to_daemon_path("/etc/passwd", inside, mounts), "/etc/passwd");
}

TEST_F(CtlText, ALinkIntoAnotherAccountIsNotFollowed) {
  const test::TemporaryDirectory directory;
  const auto ada = directory.path() / "ada";
  const auto bob = directory.path() / "bob";
  std::filesystem::create_directories(ada / "projects/P");
  std::filesystem::create_directories(bob / "projects/own");
  std::filesystem::create_directory_symlink(ada / "projects", bob / "projects/link");
  std::filesystem::create_directory_symlink(bob / "projects/own", bob / "projects/own_link");
  const std::vector<protocol::Mount> mounts{{.account = "ada", .path = ada, .data_path = {}, .allow_other = false},
                                            {.account = "bob", .path = bob, .data_path = {}, .allow_other = false}};
  const auto refused = to_daemon_path(bob / "projects/link/P", "/", mounts);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::refused_or_failed);
  EXPECT_NE(refused.error().message.find((ada / "projects/P").string()), std::string::npos) << refused.error().message;
  EXPECT_FALSE(to_daemon_path("link/P", bob / "projects", mounts));
  // Within one account, by "..", and the link itself.
  EXPECT_EQ(to_daemon_path(bob / "projects/own_link/x", "/", mounts), (bob / "projects/own/x").string());
  EXPECT_EQ(to_daemon_path("../../ada/projects/P", bob / "projects", mounts), (ada / "projects/P").string());
  EXPECT_EQ(to_daemon_path(bob / "projects/link", "/", mounts), (bob / "projects/link").string());
}

}  // namespace
}  // namespace reprieve::ctl
