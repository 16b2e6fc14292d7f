// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/control/control_fixture.h"
#include "tests/control/terminal.h"

namespace reprieve::test {
namespace {

// The program as people run it.
class CtlOnTerminal : public ControlTest {
 protected:
  TerminalResult type(std::vector<std::string> arguments, const std::vector<std::string>& answers) {
    arguments.insert(arguments.begin(), {REPRIEVECTL, "--socket", socket().native()});
    return run_on_terminal(arguments, answers);
  }
};

TEST_F(CtlOnTerminal, AsksBeforeItTrashes) {
  make_file("projects/P/a");
  start();
  const auto refused = type({"trash", "projects/P"}, {"n"});
  EXPECT_EQ(refused.exit_code, 2) << refused.screen;
  EXPECT_NE(refused.screen.find("Move projects/P to the trash? [y/N]"), std::string::npos) << refused.screen;
  EXPECT_TRUE(exists("projects/P"));
  EXPECT_EQ(type({"trash", "projects/P"}, {""}).exit_code, 2) << "no answer is a no";
  const auto done = type({"trash", "projects/P"}, {"y"});
  EXPECT_EQ(done.exit_code, 0) << done.screen;
  EXPECT_FALSE(exists("projects/P"));
}

TEST_F(CtlOnTerminal, AsksBeforeItEmpties) {
  trashed_file("projects/P/a", "12345");
  start();
  const auto refused = type({"empty"}, {"n"});
  EXPECT_EQ(refused.exit_code, 2) << refused.screen;
  EXPECT_NE(refused.screen.find("projects/P/a"), std::string::npos) << refused.screen;
  EXPECT_NE(refused.screen.find("Destroy 1 item for ever?"), std::string::npos) << refused.screen;
  EXPECT_EQ(trash_count(), 1U);
  const auto done = type({"empty"}, {"yes"});
  EXPECT_EQ(done.exit_code, 0) << done.screen;
  EXPECT_EQ(trash_count(), 0U);
}

TEST_F(CtlOnTerminal, AsksBeforeItPurges) {
  const auto id = std::to_string(trashed_file("projects/P/a"));
  start();
  EXPECT_EQ(type({"purge", id}, {"n"}).exit_code, 2);
  EXPECT_EQ(trash_count(), 1U);
  const auto unknown = type({"purge", "99"}, {});
  EXPECT_EQ(unknown.exit_code, 1) << unknown.screen;
  const auto partly = type({"purge", id, "99"}, {"n"});
  EXPECT_LT(partly.screen.find("no item 99"), partly.screen.find("Destroy 1 item for ever?")) << partly.screen;
  const auto done = type({"purge", id}, {"y"});
  EXPECT_EQ(done.exit_code, 0) << done.screen;
  EXPECT_EQ(trash_count(), 0U);
}

TEST_F(CtlOnTerminal, DoesNotAskWhenToldNotTo) {
  trashed_file("projects/P/a");
  make_file("projects/P/b");
  start();
  EXPECT_EQ(type({"trash", "--yes", "projects/P/b"}, {}).exit_code, 0);
  EXPECT_EQ(type({"empty", "--yes"}, {}).exit_code, 0);
  EXPECT_EQ(trash_count(), 0U);
}

TEST_F(CtlOnTerminal, ColoursOnlyWhereWanted) {
  trashed_file("projects/P/a");
  start();
  EXPECT_NE(type({"list"}, {}).screen.find("\033["), std::string::npos);
  const auto plain = run_on_terminal({"env", "NO_COLOR=1", REPRIEVECTL, "--socket", socket().native(), "list"}, {});
  EXPECT_EQ(plain.screen.find('\033'), std::string::npos) << plain.screen;
}

}  // namespace
}  // namespace reprieve::test
