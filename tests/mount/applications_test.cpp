// SPDX-License-Identifier: Apache-2.0
// Programs that ask much of a file system, inside the mount, with both data paths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/mount/mount_test.h"

namespace reprieve::test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class Applications : public MountTest, public ::testing::WithParamInterface<const char*> {
 protected:
  DaemonOptions options() const override {
    return {.configuration = std::string("[fuse]\npassthrough = \"") + GetParam() + "\"\n"};
  }

  [[nodiscard]] std::filesystem::path native() const { return directory_.path() / "native"; }
  [[nodiscard]] std::filesystem::path copy() const { return project() / "copy"; }

  CommandResult in(const std::filesystem::path& folder, const std::string& line) const {
    CommandResult result = shell("set -e\n" + line, {.directory = folder});
    EXPECT_EQ(result.exit_code, 0) << line << "\n" << result.describe();
    return result;
  }

  // One of the scripts in applications/.
  void script(const std::string& interpreter, const std::string& name,
              const std::vector<std::string>& arguments) const {
    std::vector<std::string> line{interpreter, std::string(APPLICATION_SCRIPTS) + "/" + name};
    line.insert(line.end(), arguments.begin(), arguments.end());
    succeed(line);
  }

  static std::string missing(std::initializer_list<const char*> programs) {
    for (const char* program : programs) {
      if (!has_program(program)) return std::string(program) + " is not installed";
    }
    return {};
  }
};

TEST_P(Applications, Git) {
  if (const auto reason = missing({"git"}); !reason.empty()) GTEST_SKIP() << reason;
  script("sh", "git.sh", {project(), native()});
}

TEST_P(Applications, SqliteWithALog) {
  if (const auto reason = missing({"sqlite3"}); !reason.empty()) GTEST_SKIP() << reason;
  script("sh", "sqlite.sh", {project()});
}

TEST_P(Applications, CmakeAndNinja) {
  if (const auto reason = missing({"cmake", "ninja", "cc"}); !reason.empty()) GTEST_SKIP() << reason;
  script("sh", "cmake.sh", {project()});
  EXPECT_THAT(trash_names(), Contains("build"));
}

TEST_P(Applications, PythonShutil) {
  if (const auto reason = missing({"python3"}); !reason.empty()) GTEST_SKIP() << reason;
  make_rich_tree(native());
  std::filesystem::remove(native() / "sub/fifo");  // shutil would wait for a writer
  script("python3", "shutil_check.py", {project(), native()});
  EXPECT_THAT(trash_names(), Contains("moved"));
  EXPECT_EQ(read_file(trash() / "moved/sub/deeper/big"), read_file(native() / "sub/deeper/big"));
}

TEST_P(Applications, RsyncTwice) {
  if (const auto reason = missing({"rsync"}); !reason.empty()) GTEST_SKIP() << reason;
  make_rich_tree(native());
  const std::string command = "rsync -aHAXS --delete --itemize-changes --stats " + native().string() + "/ copy/";
  in(project(), command);
  EXPECT_EQ(differences(snapshot(native()), snapshot(copy())), "");
  const CommandResult second = in(project(), command);
  EXPECT_THAT(second.out, HasSubstr("Number of regular files transferred: 0"));
  // One line for each change stands before the statistics.
  EXPECT_EQ(second.out.find_first_not_of('\n'), second.out.find("Number of files")) << second.out;
  write_file(copy() / "not in the source", "x");
  in(project(), command);
  EXPECT_EQ(differences(snapshot(native()), snapshot(copy())), "");
  EXPECT_THAT(trash_names(), Contains("not in the source"));
}

TEST_P(Applications, RsyncOutOfTheMount) {
  if (const auto reason = missing({"rsync"}); !reason.empty()) GTEST_SKIP() << reason;
  make_rich_tree(project() / "tree");
  in(directory_.path(), "rsync -aHAXS " + (project() / "tree").string() + "/ copy/");
  EXPECT_EQ(differences(snapshot(project() / "tree"), snapshot(directory_.path() / "copy")), "");
}

TEST_P(Applications, TarInAndOut) {
  make_rich_tree(native());
  const std::filesystem::path out = directory_.path() / "out";
  std::filesystem::create_directory(copy());
  std::filesystem::create_directory(out);
  const std::string unpack = " | tar --xattrs --xattrs-include='*' -xpf - -C ";
  in(native(), "tar --xattrs --xattrs-include='*' --sparse -cf - ." + unpack + copy().string());
  EXPECT_EQ(differences(snapshot(native()), snapshot(copy())), "");
  in(copy(), "tar --xattrs --xattrs-include='*' --sparse -cf - ." + unpack + out.string());
  EXPECT_EQ(differences(snapshot(native()), snapshot(out)), "");
}

TEST_P(Applications, CpAndDiff) {
  make_rich_tree(native());
  in(project(), "cp -a " + native().string() + " copy");
  EXPECT_EQ(differences(snapshot(native()), snapshot(copy())), "");
  // diff cannot follow a dangling link, and would wait for a writer of the fifo.
  in(project(), "rm copy/sub/fifo copy/sub/dangling && cd " + native().string() + " && rm sub/fifo sub/dangling");
  in(project(), "diff -r copy " + native().string());
}

TEST_P(Applications, FindAndDu) {
  make_rich_tree(native());
  in(project(), "cp -a " + native().string() + " copy");
  for (const std::string command :
       {"find . ! -type d -printf '%P %y %m %U %G %n %s %T@ %l\\n' | sort",
        "find . -type d -printf '%P %m %U %G %n %T@\\n' | sort", "find . -perm /6000 | sort",
        "find . -type f -print0 | sort -z | du --files0-from=- -b -c | tail -1"})
    EXPECT_EQ(in(copy(), command).out, in(native(), command).out) << command;
  EXPECT_EQ(in(mount(), "find . -name plain").out, "./projects/P/copy/plain\n");
}

INSTANTIATE_TEST_SUITE_P(DataPath, Applications, ::testing::Values("auto", "off"), [](const auto& parameters) {
  return std::string(parameters.param) == "off" ? "Splice" : "Passthrough";
});

}  // namespace
}  // namespace reprieve::test
