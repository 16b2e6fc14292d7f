// SPDX-License-Identifier: Apache-2.0
//
// Directory streams.
#include <cerrno>
#include <set>

#include "tests/fakefuse/mount_fixture.h"

namespace reprieve::test {
namespace {

class Listing : public FakeMount {
 protected:
  Listing() {
    start_ready();
    project_ = make_directory(node(account_.projects), "P");
  }

  Answer read(std::uint64_t directory, std::uint64_t offset, std::uint32_t size, bool plus) {
    fuse_read_in request{};
    request.offset = offset;
    request.size = size;
    return kernel_.call(plus ? FUSE_READDIRPLUS : FUSE_READDIR, directory, wire(request));
  }

  // The whole directory in pieces of `size`; `between` runs after each.
  template <typename Between>
  std::vector<Line> read_all(std::uint32_t size, bool plus, const Between& between) {
    std::vector<Line> all;
    for (std::uint64_t offset = 0;;) {
      const std::vector<Line> some = lines_of(read(project_, offset, size, plus), plus);
      if (some.empty()) return all;
      offset = some.back().offset;
      all.insert(all.end(), some.begin(), some.end());
      between(some);
    }
  }

  std::set<std::string> make_directories(int count) {
    std::set<std::string> names{".", "..", "samples", "analyses"};
    for (int number = 0; number < count; ++number) {
      // Lengths of 1 to 255 bytes, so that every alignment and page end comes up.
      std::string called = std::to_string(number);
      called.resize(std::max<std::size_t>(called.size(), static_cast<std::size_t>(number) * 7 % 255 + 1), 'x');
      make_directory(project_, called);
      names.insert(called);
    }
    return names;
  }

  std::uint64_t project_ = 0;
};

std::set<std::string> names_of(const std::vector<Line>& lines) {
  std::set<std::string> names;
  for (const Line& line : lines) EXPECT_TRUE(names.insert(line.name).second) << line.name << " twice";
  return names;
}

TEST_F(Listing, ComesWholeInSmallPieces) {
  const std::set<std::string> expected = make_directories(300);
  for (const std::uint32_t size : {512U, 1000U, 4096U, 65536U}) {
    EXPECT_EQ(names_of(read_all(size, true, [](const auto&) {})), expected) << size;
    EXPECT_EQ(names_of(read_all(size, false, [](const auto&) {})), expected) << size;
  }
}

TEST_F(Listing, NeitherMissesNorRepeatsWhileTheDirectoryChanges) {
  std::set<std::string> stay = make_directories(200);
  int added = 0;
  const auto disturb = [&](const std::vector<Line>& some) {
    make_directory(project_, "new" + std::to_string(added++));
    // The entry that the stream stands behind goes away.
    const std::string last = some.back().name;
    if (last.front() == '.' || last == "samples" || last == "analyses") return;
    EXPECT_EQ(kernel_.call(FUSE_RMDIR, project_, name(last)).error, 0);
    stay.erase(last);
  };
  std::vector<Line> seen = read_all(1024, true, [&](const auto& some) {
    if (added < 20) disturb(some);
  });
  const std::set<std::string> names = names_of(seen);
  for (const std::string& called : stay) EXPECT_TRUE(names.contains(called)) << called << " is missing";
}

TEST_F(Listing, DotsAreListedButNotLookedUp) {
  const std::vector<Line> lines = lines_of(read(project_, 0, 4096, true), true);
  ASSERT_GE(lines.size(), 4U);
  EXPECT_EQ(lines[0].name, ".");
  EXPECT_EQ(lines[0].inode, project_);
  EXPECT_EQ(lines[0].node, 0U);
  EXPECT_EQ(lines[1].name, "..");
  EXPECT_EQ(lines[1].inode, node(account_.projects));
  EXPECT_EQ(lines[1].node, 0U);
  EXPECT_EQ(lines[2].node, lines[2].inode);
}

TEST_F(Listing, StartsAnywhere) {
  const std::vector<Line> all = lines_of(read(project_, 0, 4096, false), false);
  for (std::size_t from = 0; from < all.size(); ++from) {
    const std::vector<Line> rest = lines_of(read(project_, all[from].offset, 4096, false), false);
    ASSERT_EQ(rest.size(), all.size() - from - 1);
    if (!rest.empty()) {
      EXPECT_EQ(rest.front().name, all[from + 1].name);
    }
  }
}

TEST_F(Listing, ABufferForNothingIsAnErrorAndNotTheEnd) {
  EXPECT_EQ(read(project_, 2, 16, false).error, EINVAL);
  EXPECT_EQ(read(project_, 2, 0, true).error, EINVAL);
}

TEST_F(Listing, ListsTheTrashInPieces) {
  for (int number = 0; number < 50; ++number) {
    const std::string called = "d" + std::to_string(number);
    make_directory(project_, called);
    ASSERT_EQ(kernel_.call(FUSE_RMDIR, project_, name(called)).error, 0);
  }
  std::set<std::string> seen;
  for (std::uint64_t offset = 0;;) {
    const std::vector<Line> some = lines_of(read(node(account_.trash), offset, 600, true), true);
    if (some.empty()) break;
    offset = some.back().offset;
    for (const Line& line : some) EXPECT_TRUE(seen.insert(line.name).second);
  }
  EXPECT_EQ(seen.size(), 52U);
}

TEST_F(Listing, OpeningADirectoryIsTheKernelsBusiness) {
  EXPECT_EQ(kernel_.call(FUSE_OPENDIR, project_, wire(fuse_open_in{})).error, ENOSYS);
}

TEST_F(Listing, OfWhatIsNoDirectoryFails) {
  const auto file = create_file(project_, "f");
  EXPECT_NE(read(file.entry.nodeid, 0, 4096, true).error, 0);
  release(file);
}

}  // namespace
}  // namespace reprieve::test
