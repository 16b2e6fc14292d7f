// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/support/store_invariants.h"
#include "tests/unit/volume.h"

namespace reprieve::test {

inline constexpr uid_t kBob = 2000;

// "lab" owns projects/P with files f, d/g and e/; "bob" is a collaborator or not.
class SharingTest : public ::testing::Test {
 protected:
  SharingTest() {
    bob_ = must(core().accounts().add("bob", kBob, kBob, process(1)));
    volume_.mkdir("projects/P");
    volume_.write("projects/P/f", "f");
    volume_.mkdir("projects/P/d");
    volume_.write("projects/P/d/g", "g");
    volume_.mkdir("projects/P/e");
  }
  void TearDown() override {
    volume_.close();
    EXPECT_EQ(broken_invariants(volume_.store()), "");
  }

  FileSystem& core() { return volume_.core(); }
  Share share(Role role, const std::string& path = "projects/P") {
    return must(core().sharing().share(volume_.account(), path, "bob", role, process(1)));
  }
  void unshare() { must(core().sharing().unshare(volume_.account(), "projects/P", "bob", process(1))); }

  static Caller bobs(int number) { return {.uid = kBob, .gid = kBob, .thread = number * 10}; }
  PathTarget target(const std::string& path) { return must(core().names().resolve(bob_, path)); }
  InodeId parent_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return target(path.substr(0, slash)).inode;
  }
  static EntryName name_of(const std::string& path) { return must(EntryName::parse(path.substr(path.rfind('/') + 1))); }
  bool bob_sees(const std::string& path) { return core().names().resolve(bob_, path).has_value(); }
  Attributes bobs_view(const std::string& path) {
    return must(core().names().lookup(bob_, parent_of(path), name_of(path)));
  }
  std::vector<std::string> bobs_list(const std::string& path) {
    std::vector<std::string> names;
    for (const auto& entry : must(core().names().list(bob_, target(path).inode, {}, 100, Detail::attributes)))
      names.push_back(entry.name.bytes());
    return names;
  }
  Result<void> bob_unlinks(const std::string& path, int by = 5) {
    return core().names().unlink(bob_, parent_of(path), name_of(path), bobs(by));
  }
  Result<void> bob_rmdirs(const std::string& path, int by = 5) {
    return core().names().rmdir(bob_, parent_of(path), name_of(path), bobs(by));
  }
  Result<void> bob_renames(const std::string& from, const std::string& to, RenameMode mode = RenameMode::replace) {
    return core().names().rename(bob_, parent_of(from), name_of(from), parent_of(to), name_of(to), mode, bobs(5));
  }
  Result<Attributes> bob_links(const std::string& from, const std::string& to) {
    return core().names().link(bob_, target(from).inode, parent_of(to), name_of(to), bobs(5));
  }
  void bob_makes(const std::string& directory) {
    must(core().names().create(bob_, parent_of(directory), name_of(directory), {.mode = S_IFDIR | 0755}, bobs(5)));
  }
  Result<CreatedFile> bob_creates(const std::string& path) {
    volume_.clock().advance(std::chrono::seconds(1));
    return core().content().create(bob_, parent_of(path), name_of(path), 0644, O_RDWR, bobs(5));
  }
  std::vector<TrashItem> bobs_items() { return must(core().trash().list(bob_, {})).items; }
  std::vector<HistoryEvent> history(EventKind kind) {
    return must(core().history().list(bob_, {.kind = kind, .since = {}}));
  }
  // As rm -r does; the process goes on.
  void bob_removes_the_tree(int by) {
    must(bob_unlinks("projects/P/f", by));
    must(bob_unlinks("projects/P/d/g", by));
    for (const char* folder : {"d", "e", "samples", "analyses"})
      must(bob_rmdirs(std::string("projects/P/") + folder, by));
  }

  Volume volume_;
  Account bob_;
};

}  // namespace reprieve::test
